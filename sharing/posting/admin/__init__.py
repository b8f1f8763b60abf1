"""What editors see of posts and accounts in the admin; `*_hooks.py` mount it."""
