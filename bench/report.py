"""What a benchmark says at its end: a table, and one line of JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """One thing that must be so: `value` at least (or at most) `limit`."""

    what: str
    value: float
    limit: float
    at_most: bool = False
    # A target that was never reached by anybody is reported, and fails nobody.
    is_target: bool = False

    @property
    def is_met(self) -> bool:
        """Return whether it is so."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, the first column to the left."""
    lines = [list(heads), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        first, *others = zip(line, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]))


def finish(
    bench: str, *, ratio: float, against: str, bars: Sequence[Bar], **figures: object
) -> int:
    """Print the bars and the JSON line; return the exit status."""
    print()
    for bar in bars:
        word = "met" if bar.is_met else "target missed" if bar.is_target else "MISSED"
        sign = "≤" if bar.at_most else "≥"
        print(f"{word:>13}  {bar.what}: {bar.value:.3g} {sign} {bar.limit:g}")
    passed = all(bar.is_met or bar.is_target for bar in bars)
    line = {"bench": bench, "ratio": round(ratio, 3), "against": against, "passed": passed}
    bar_figures = {bar.what: round(bar.value, 4) for bar in bars}
    print(json.dumps(line | figures | {"bars": bar_figures}, ensure_ascii=False), flush=True)
    return 0 if passed else 1
