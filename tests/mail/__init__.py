"""The mail outbox, with a real SMTP conversation on loopback."""
