"""Why the site cannot start or go on, in words for the person who started it."""


class Failure(Exception):
    """Carry what happened, what is safe, and what to do next."""
