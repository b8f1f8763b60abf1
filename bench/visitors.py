"""The memory of a million visitors of one day in a real Valkey, told apart by the site's own code."""

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import redis

from bench.report import Bar, finish, table
from bench.site import Site, start_valkeys
from healthsite import paths
from healthsite.supervisor import data_folder

VISITORS = 1_000_000
LIMIT_MB = 100.0
_MB = 1_000_000


def run() -> int:
    """Measure, print, and return the exit status."""
    with tempfile.TemporaryDirectory(prefix="healthsite-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        data_folder.make_writable(folder)
        data_folder.make_socket_dir(folder)
        start_valkeys(stack, folder)
        client = stack.enter_context(redis.Redis.from_url(f"unix://{paths.cache_socket(folder)}"))
        before = _used(client)
        said = _let_them_come(folder)
        mb = (_used(client) - before) / _MB
        encodings = {client.object("encoding", key) for key in _sample(client)}
        largest = client.config_get("hash-max-listpack-entries")["hash-max-listpack-entries"]
    table(
        ["visitors", "MB", "bytes each", "visitors/s"],
        [
            [
                f"{VISITORS:,}",
                f"{mb:.1f}",
                f"{mb * _MB / VISITORS:.1f}",
                f"{said['rate']:,.0f}",
            ]
        ],
    )
    print(f"kept as {encodings}; lists of this server hold up to {largest}")
    bars = [
        Bar("MB", mb, LIMIT_MB, at_most=True),
        Bar("taken for new", said["new"], VISITORS),
        Bar("came back unnoticed", said["unnoticed"], 0, at_most=True),
    ]
    return finish(
        "visitors",
        ratio=mb / LIMIT_MB,
        against="a limit of 100 MB",
        bars=bars,
        visitors=VISITORS,
        mb=round(mb, 1),
    )


def _used(client: "redis.Redis") -> int:
    memory: Any = client.info("memory")
    used: int = memory["used_memory"]
    return used


def _sample(client: "redis.Redis") -> list[bytes]:
    found: Any = client.scan(match="v:*", count=1000)
    keys: list[bytes] = found[1]
    return keys


def _let_them_come(folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.visitors_process"],
        input=str(VISITORS),
        cwd=paths.PROJECT_ROOT,
        env=Site(folder).environment(8000),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said
