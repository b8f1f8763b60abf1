"""Editors' posts: composed with an article, sent exactly once, never lost (docs/posting.md)."""
