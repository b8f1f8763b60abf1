"""Run the demo network: `python -m sharing.networks.demo --port 8090`."""

import argparse
import signal
import sys
import threading

from sharing.networks.demo.server import DemoNetwork


def main() -> None:
    """Answer on loopback until told to stop; print the address once it is open."""
    parser = argparse.ArgumentParser(prog="python -m sharing.networks.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8090, help="port on 127.0.0.1 (0: any)")
    parser.add_argument("--control", action="store_true", help="open /control/: for tests alone")
    parser.add_argument(
        "--read-links", action="store_true", help="read the cards of pages on this machine"
    )
    options = parser.parse_args()
    network = DemoNetwork(
        port=options.port, controlled=options.control, reads_links=options.read_links
    ).start()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    sys.stdout.write(f"ready {network.origin}/\n")
    sys.stdout.flush()
    over.wait()
    network.stop()


if __name__ == "__main__":
    main()
