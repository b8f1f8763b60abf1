"""Wait until one Celery worker answers a ping: `python -m healthsite.supervisor.ping_worker NODE`.

A process of its own, because the supervisor imports neither Django nor Celery.
"""

import sys

from healthsite.celery import app


def wait_for(node: str) -> None:
    """Return when the worker named `node` answers."""
    while not app.control.ping(destination=[node], timeout=0.5):
        pass


if __name__ == "__main__":
    wait_for(sys.argv[1])
