#!/usr/bin/env python3
"""Make the secrets that docker-compose.yml reads, in ./secrets; what is there already is left alone.

The folder is for this user alone. The files in it are readable by all, because a container's user has
another number than you: whoever cannot enter the folder cannot reach them.
"""

import os
import secrets
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "secrets"
# Django wants at least 50 characters of a key.
BYTES = {"secret_key": 64, "database_password": 32, "admin_password": 15, "posting_keys": 32}
# What encrypts the secrets of social accounts is base64 to its last sign (Fernet).
_PADDED = {"posting_keys": "="}


def main(folder: Path) -> None:
    """Write each missing secret whole, on one line; say where, never what."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    for name, size in BYTES.items():
        file = folder / name
        if file.exists() and file.stat().st_size:
            sys.stdout.write(f"{file}: kept\n")
            continue
        unfinished = folder / f".{name}.new"
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        with os.fdopen(descriptor, "w") as stream:
            os.fchmod(stream.fileno(), 0o444)
            stream.write(f"{secrets.token_urlsafe(size)}{_PADDED.get(name, '')}\n")
        unfinished.replace(file)
        sys.stdout.write(f"{file}: made\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
