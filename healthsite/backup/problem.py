"""Why a backup cannot be made, read or restored."""


class BackupProblem(Exception):
    """Carry what happened, what is safe, and what to do next, as sentences."""


class Damaged(BackupProblem):
    """The file is not a whole backup: cut off, changed, or never one."""
