"""Where one machine keeps its data.

Standard library only: the supervisor, the settings and `manage.py` must agree on every path, and the
supervisor knows no Django.
"""

import hashlib
import os
import tempfile
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# A unix socket's path ends at 107 bytes on Linux and 103 on macOS (sun_path in sys/un.h).
LONGEST_SOCKET_PATH = 103
_LONGEST_SOCKET_NAME = "events.sock"


def data_dir() -> Path:
    """Return the absolute data folder: `HEALTHSITE_DATA`, or `var` in the project."""
    return Path(os.environ.get("HEALTHSITE_DATA") or PROJECT_ROOT / "var").absolute()


def socket_dir(data: Path) -> Path:
    """Return the folder of the Valkey sockets for a data folder; it may not exist yet.

    It is `run` in the data folder where the path is short enough, else a folder of this user under
    the system's temporary folder, named after the data folder so that every process finds it.
    """
    usual = data / "run"
    if len(os.fsencode(usual / _LONGEST_SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        return usual
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"healthsite-{os.getuid()}-{name}"


def events_socket(data: Path) -> Path:
    """Return the socket of the durable Valkey: broker and share events."""
    return socket_dir(data) / "events.sock"


def cache_socket(data: Path) -> Path:
    """Return the socket of the Valkey that persists nothing."""
    return socket_dir(data) / "cache.sock"


def secret_key_file(data: Path) -> Path:
    """Return the file that keeps the generated secret key of one machine."""
    return data / "secret_key"


def database_file(data: Path) -> Path:
    """Return the SQLite database of one machine."""
    return data / "healthsite.sqlite3"


def built_static_dir() -> Path | None:
    """Return the folder of static files that were collected beforehand, as an image has them.

    None where `manage.py prepare` collects them into the data folder.
    """
    folder = os.environ.get("HEALTHSITE_STATIC")
    return Path(folder).absolute() if folder else None
