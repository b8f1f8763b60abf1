"""Tell a container engine whether a process lives: `python -m healthsite.supervisor.alive web`.

`web` answers /healthz under the site's own host name. `beat` wrote its schedule a moment ago. Ends with
status 0 or, after one line saying what is wrong, 1. A worker is asked by ping_worker.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from healthsite.supervisor import port, probes
from healthsite.supervisor.failure import Failure

# Celery's beat writes its schedule every three minutes (PersistentScheduler.sync_every).
BEAT_WRITES_WITHIN = 600.0


def main(arguments: Sequence[str]) -> str | None:
    """Return why the process is not alive, or None."""
    match arguments:
        case ["web"]:
            number = port.from_environment()
            site_url = os.environ.get("SITE_URL", "").strip() or f"http://127.0.0.1:{number}"
            status = probes.Probes(number, site_url.rstrip("/")).status("/healthz")
            return None if status == 200 else f"/healthz answers {status or 'nothing'}"
        case ["beat", schedule]:
            return _beat(Path(schedule))
        case _:
            return "usage: python -m healthsite.supervisor.alive web | beat SCHEDULE"


def _beat(schedule: Path) -> str | None:
    """Look at the youngest file of the schedule: each dbm library names its files in its own way."""
    written = [file.stat().st_mtime for file in schedule.parent.glob(f"{schedule.name}*")]
    if not written:
        return f"there is no {schedule}"
    age = time.time() - max(written)
    return None if age < BEAT_WRITES_WITHIN else f"{schedule} is {age:.0f} s old"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        sys.exit(str(failure))
