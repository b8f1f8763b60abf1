"""Backup and restore, as processes on data folders and databases of their own."""
