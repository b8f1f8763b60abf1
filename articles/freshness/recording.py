"""What is being made says what it is made from."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from articles.freshness.slots import Stamp, slots


@dataclass
class Recording:
    """What one answer is made from."""

    before: bytes = field(default_factory=lambda: slots().snapshot(), repr=False)
    names: set[str] = field(default_factory=set)
    # Set by `keep`: whether the answer may be stored, for which parameters, and for how many seconds.
    is_kept: bool = False
    parameters: set[str] = field(default_factory=set)
    seconds: float | None = None

    def add(self, names: Iterable[str], seconds: float | None = None) -> None:
        """Add what it is made from; with `seconds` it is out of date after so long at most."""
        self.names.update(names)
        if seconds is not None:
            self.seconds = seconds if self.seconds is None else min(self.seconds, seconds)

    def stamp(self) -> Stamp | None:
        """Return the state it was made from; None where that changed while it was being made."""
        return slots().stamp(self.names, self.before)


_current: ContextVar[Recording | None] = ContextVar("recording", default=None)


@contextmanager
def recording() -> Iterator[Recording]:
    """Record what is made within; whoever records around it records the same."""
    outer = _current.get()
    inner = Recording()
    token = _current.set(inner)
    try:
        yield inner
    finally:
        _current.reset(token)
        if outer is not None:
            outer.add(inner.names, inner.seconds)


def depends_on(*names: str, seconds: float | None = None) -> None:
    """Say that what is being made is made from these; without a recording it does nothing."""
    current = _current.get()
    if current is not None:
        current.add(names, seconds)


def keep(*names: str, parameters: Iterable[str] = (), seconds: float | None = None) -> None:
    """Say that the answer being made may be stored: it is made from these names.

    `parameters` are those of the query that it depends on; an answer to a query with any other is not
    stored. With `seconds` it is out of date after so long at most.
    """
    current = _current.get()
    if current is not None:
        current.add(names, seconds)
        current.is_kept = True
        current.parameters.update(parameters)


def current_recording() -> Recording | None:
    """Return the recording that is going on, if one is."""
    return _current.get()
