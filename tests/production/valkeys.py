"""Real Valkey servers that are set up wrongly, as production's may be."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis

from healthsite.supervisor import valkey
from healthsite.supervisor.parent_death import binder


@contextmanager
def server(*options: str) -> Iterator[str]:
    """Run a Valkey with these options; yield its address."""
    with tempfile.TemporaryDirectory(
        prefix="hs-vk-", dir="/tmp"
    ) as folder:  # socket paths are short
        socket = Path(folder) / "v.sock"
        url = f"unix://{socket}?db=0"
        command = [
            *(valkey.find_binary(), "--port", "0", "--unixsocket", str(socket)),
            *("--dir", folder, *options),
        ]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, preexec_fn=binder(), start_new_session=True
        ) as process:
            try:
                _wait_for(url, process)
                yield url
            finally:
                process.kill()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    client = redis.Redis.from_url(url)
    deadline = time.monotonic() + 20
    try:
        while time.monotonic() < deadline:
            assert process.poll() is None, "Valkey ended at once"
            with suppress(redis.RedisError):
                if client.ping():
                    return
            time.sleep(0.01)
    finally:
        client.close()
    raise AssertionError("Valkey does not answer")
