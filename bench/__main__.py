"""`python -m bench [NAME]`: run one benchmark, or all."""

import signal
import sys
import traceback
from collections.abc import Callable

from bench import (
    cold,
    counts_read,
    delivery,
    delivery_304,
    delivery_scale,
    drain,
    engine,
    freshness,
    posts_due,
    share_report,
    share_write,
    visitors,
)
from bench.missing import NotMeasured

BENCHES: dict[str, Callable[[], int]] = {
    "delivery": delivery.run,
    "delivery-304": delivery_304.run,
    "delivery-scale": delivery_scale.run,
    "counts-read": counts_read.run,
    "share-write": share_write.run,
    "drain": drain.run,
    "engine": engine.run,
    "posts-due": posts_due.run,
    "freshness": freshness.run,
    "cold": cold.run,
    "visitors": visitors.run,
    "report": share_report.run,
}


def main(arguments: list[str]) -> int:
    """Return 0 when every bar was met, 1 when one was missed, 2 when something could not be measured."""
    names = arguments or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"There is no bench {unknown[0]!r}. There are: {', '.join(BENCHES)}.")
        return 2
    statuses = []
    for name in names:
        try:
            statuses.append(BENCHES[name]())
        except NotMeasured as missing:
            print(f"{name}: not measured. {missing}")
            statuses.append(2)
        except Exception:  # noqa: BLE001 - the others are still to be measured
            traceback.print_exc()
            statuses.append(1)
    return max(statuses, key=(0, 2, 1).index)


def _stop(*_: object) -> None:
    sys.exit("stopped")


if __name__ == "__main__":
    # Leave through every `finally`, which ends what was started.
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    sys.exit(main(sys.argv[1:]))
