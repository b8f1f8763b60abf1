"""All child processes together: wait until they are ready, watch them, stop them."""

import time
from collections import defaultdict, deque
from collections.abc import Callable

from healthsite.supervisor.child import Child
from healthsite.supervisor.parent_death import Parent
from healthsite.supervisor.screen import progress
from healthsite.supervisor.signals import Signals, StopWanted

_LOOK_AFTER_PARENT_EVERY = 0.5

# From TERM to KILL; together under the ten seconds that a stop may take.
_PROCESSES_STOP_WITHIN = 4.5
_STORES_STOP_WITHIN = 2.5

# A child that dies this often is not brought back.
_DEATHS = 5
_DEATHS_WITHIN = 60.0
_LONGEST_BACK_OFF = 8.0


class Children:
    """The processes of one supervisor."""

    def __init__(self, signals: Signals, parent: Parent) -> None:
        self._signals = signals
        self._parent = parent
        self._parent_looked_after = 0.0
        self._children: list[Child] = []

    def start(self, child: Child) -> None:
        """Start a child and keep it."""
        self._children.append(child)
        child.start()

    def dismiss(self, errand: Child) -> str:
        """Forget an errand that is done; return how it ended."""
        self._children.remove(errand)
        return errand.finish()

    def wait(self, seconds: float) -> None:
        """Let time pass; raise StopWanted when a signal came or the parent left."""
        self._signals.wait(seconds)
        now = time.monotonic()
        if now - self._parent_looked_after >= _LOOK_AFTER_PARENT_EVERY:
            self._parent_looked_after = now
            if self._parent.has_left():
                raise StopWanted("the process that asked for the start has gone")

    def wait_until(
        self, is_ready: Callable[[], bool], child: Child, what: str, within: float
    ) -> None:
        """Wait until `is_ready`; raise Failure when a child dies first or `child` is slow."""
        deadline = time.monotonic() + within
        while not is_ready():
            for other in self._children:
                if other.has_ended() and not other.is_errand:
                    raise other.failure(f"{other.name} did not start ({other.finish()}).")
            if time.monotonic() > deadline:
                raise child.failure(f"{child.name}: after {within:.0f} s not yet so: {what}.")
            self.wait(0.1)

    def watch(self) -> None:
        """Bring back every child that dies; raise Failure when one dies too often."""
        deaths: defaultdict[Child, deque[float]] = defaultdict(lambda: deque(maxlen=_DEATHS))
        resting: dict[Child, float] = {}
        while True:
            self.wait(0.5)
            for child in self._children:
                now = time.monotonic()
                if child in resting:
                    if now >= resting[child]:
                        del resting[child]
                        child.start()
                        progress(f"{child.name}: started again")
                elif child.has_ended():
                    ending, times = child.finish(), deaths[child]
                    times.append(now)
                    if len(times) == _DEATHS and now - times[0] < _DEATHS_WITHIN:
                        raise child.failure(
                            f"{child.name} died {_DEATHS} times within a minute ({ending})."
                        )
                    recent = sum(now - death < _DEATHS_WITHIN for death in times)
                    pause = min(0.5 * 2 ** (recent - 1), _LONGEST_BACK_OFF)
                    resting[child] = now + pause
                    progress(f"{child.name}: died ({ending}); it starts again in {pause:g} s")

    def stop(self) -> None:
        """Stop the processes side by side, then the stores, and kill what does not stop in time."""
        self._signals.is_stopping = True
        stores = [child for child in self._children if child.is_store]
        others = [child for child in self._children if not child.is_store]
        for group, within in ((others, _PROCESSES_STOP_WITHIN), (stores, _STORES_STOP_WITHIN)):
            for child in group:
                child.terminate()
            deadline = time.monotonic() + within
            while time.monotonic() < deadline and not all(child.has_ended() for child in group):
                self._signals.wait(0.1)
            for child in group:
                if not child.has_ended():
                    progress(f"{child.name}: did not stop in time and was killed")
                child.finish()
        self._children.clear()
