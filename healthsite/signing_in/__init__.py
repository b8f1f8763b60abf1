"""Signing in to the admin, limited so that passwords cannot be guessed and nobody is locked out."""
