"""Which encoding of a page a reader gets (RFC 9110, 12.5.3)."""

from collections.abc import Mapping

# The best one first; identity goes to whoever takes nothing else.
STORED = ("br", "gzip", "identity")

_LONGEST_HEADER = 400
_MOST_REMEMBERED = 2000


class _Remembered(dict[str, str]):
    """Headers and what they mean; browsers send very few different ones."""

    def __missing__(self, header: str) -> str:
        chosen = choose(header)
        if len(header) <= _LONGEST_HEADER and len(self) < _MOST_REMEMBERED:
            self[header] = chosen
        return chosen


def choose(header: str) -> str:
    """Return the encoding for an Accept-Encoding header: "br", "gzip" or "identity".

    Of those that the header weighs alike, the best one. Where it takes nothing that there is, identity: an
    answer that cannot be read helps more than a 406 that nobody sees.
    """
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        name, _, parameters = part.partition(";")
        name = name.strip().removeprefix("x-")
        if name:
            weights.setdefault(name, _weight(parameters))
    others = weights.get("*")
    # Unless said otherwise identity is acceptable, but nobody's first choice.
    known = {name: weights.get(name, others or 0.0) for name in STORED}
    known["identity"] = weights.get("identity", 0.0001 if others is None else others)
    best = max(STORED, key=lambda name: known[name])
    return best if known[best] > 0 else "identity"


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0
    return 1.0


CHOSEN: Mapping[str, str] = _Remembered()
