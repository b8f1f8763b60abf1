"""Outgoing mail: written to the database first, sent from there, and seen in the admin's outbox."""
