"""What we are measured against, under the same web server."""
