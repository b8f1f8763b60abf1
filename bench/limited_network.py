"""The demo network with an allowance for each account, as Mastodon gives one and tells what is left of it.

`python -m bench.limited_network --port 8090 --posts 300 --seconds 15`
"""

import argparse
import os
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from sharing.networks.demo.exchange import Reply, Request, as_json
from sharing.networks.demo.faults import Wire
from sharing.networks.demo.server import DemoNetwork

ACCOUNTS = ("demo", "demo2", "demo3", "demo4", "demo5")


class LimitedNetwork(DemoNetwork):
    """Takes so many posts of an account in so many seconds."""

    def __init__(self, *, port: int, posts: int, seconds: float) -> None:
        super().__init__(port=port, controlled=True)
        self.truth.accounts |= dict.fromkeys(ACCOUNTS, "never used")
        self._posts = posts
        self._seconds = seconds
        self._used: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    def answer(self, request: Request) -> tuple[Reply, Wire]:
        """Do what is asked, within the allowance."""
        if (request.method, request.path) != ("POST", "/api/v1/statuses"):
            return super().answer(request)
        window = int(time.time() // self._seconds)
        with self._lock:
            self._used[request.bearer, window] += 1
            left = self._posts - self._used[request.bearer, window]
        ends = datetime.fromtimestamp((window + 1) * self._seconds, UTC)
        told = {
            "X-RateLimit-Limit": str(self._posts),
            "X-RateLimit-Remaining": str(max(left, 0)),
            "X-RateLimit-Reset": ends.isoformat(),
        }
        if left < 0:
            self.truth.asked["refused"] += 1
            return as_json({"error": "Too many requests"}, status=429, headers=told), Wire.WHOLE
        reply, wire = super().answer(request)
        return replace(reply, headers={**reply.headers, **told}), wire


def main() -> None:
    """Answer on loopback until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m bench.limited_network", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--posts", type=int, required=True, help="of an account in a window")
    parser.add_argument("--seconds", type=float, required=True, help="of a window")
    options = parser.parse_args()
    # A real one takes nothing from the site's machine.
    os.nice(10)
    network = LimitedNetwork(port=options.port, posts=options.posts, seconds=options.seconds)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    with network:
        sys.stdout.write(f"ready {network.origin}/\n")
        sys.stdout.flush()
        over.wait()


if __name__ == "__main__":
    main()
