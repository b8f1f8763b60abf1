"""The fault `stream`: the stream is lost, restored from an old copy, flushed, and its clock is stepped."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import redis

from sharing import actions, stream
from sharing.models import ShareClass, ShareTarget
from sharing.stream import Event
from tests.faults import truth
from tests.faults.producing import CHANNELS
from tests.faults.world import World, forget_connections

ROUNDS = 5
TARGETS = 20
# More than a batch (tests/faults/settings.py), so that a sweep has several.
MANY = 450
FEW = 60
HOUR = timedelta(hours=1)

# Changes a server's clock for real, where it is installed (Debian, Ubuntu: apt install libfaketime).
_FAKETIME = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1")


class _Killed(BaseException):
    """A sweep ended here."""


def run(world: World) -> tuple[dict[str, Any], bool]:
    """Do each thing to the stream several times; return what to print and whether all was exact."""
    return _Run(world).run()


class _Run:
    def __init__(self, world: World) -> None:
        self.world = world
        self.sent: list[truth.Sent] = []
        self.done: Counter[str] = Counter()
        # Typed for clients that decode too.
        self.server: Any = redis.Redis.from_url(world.events.url)
        self.faketime = _find_faketime()
        self.targets: list[int] = []

    def run(self) -> tuple[dict[str, Any], bool]:
        rows = ShareTarget.objects.bulk_create(
            ShareTarget(page_id=number, label=f"Article {number}") for number in range(TARGETS)
        )
        self.targets = [row.pk for row in rows]
        scenarios: list[Callable[[], None]] = [
            self.lost, self.restored, self.flushed, self.clock_stepped_on, self.clock_stepped_back,
        ]  # fmt: skip
        plan = scenarios * ROUNDS
        self.world.chance.shuffle(plan)
        for scenario in plan:
            scenario()
            self.drain()
            self.done[scenario.__name__.replace("_", " ")] += 1
        found = truth.counted()
        verdict = truth.compare(self.sent, found)
        for line in truth.differences(self.sent, found):
            self.world.say(line)
        return {
            "sent": verdict.sent,
            "lost": verdict.lost,
            "doubled": verdict.doubled,
            "wrong_sums": verdict.wrong_sums,
            "held": verdict.held,
            "done": dict(sorted(self.done.items())),
            "clock": "faketime" if self.faketime else "ids",
        }, verdict.is_exact

    # --- What is done to the stream ----------------------------------------------------------

    def lost(self) -> None:
        """The server starts again with nothing, when the position is an hour ahead."""
        self.accept(MANY)
        self.drain()
        self._go_on_from(HOUR)
        self.accept(FEW)
        self.drain()
        self.restart(without_data=True)
        self.accept(MANY, clock=-HOUR)

    def restored(self) -> None:
        """An old copy comes back: what is in it was counted since, and so was more that is not."""
        self.accept(MANY)
        copy = self.world.folder / "copy"
        self.restart(copy_to=copy)
        if self.world.chance.random() < 0.5:
            self.drain_killed_before_its_trim()
        self.drain()
        self.accept(FEW)
        self.drain()
        self.restart(restore=copy)
        # The copy ends below the position, and so do the ids of what comes now.
        self.accept(FEW, clock=-HOUR)

    def flushed(self) -> None:
        """Everything is flushed after a batch is counted, before it is trimmed; ids come again."""
        self.accept(FEW)
        again = [entry_id.decode() for entry_id, _ in self.server.xrange(stream.STREAM)]

        def flush() -> None:
            self.server.flushall()
            for entry_id in again:
                self._add(self._event(), entry_id)

        with _before_the_trim(flush):
            actions.drain()

    def clock_stepped_on(self) -> None:
        """The server's clock is an hour ahead for a while."""
        self.restart(clock=HOUR)
        if not self.faketime:
            self._go_on_from(HOUR)
        self.accept(MANY)
        self.drain()
        self.accept(FEW)
        self.restart()
        self.accept(MANY)

    def clock_stepped_back(self) -> None:
        """The server's clock is an hour behind for a while."""
        self.accept(MANY)
        self.drain()
        self.restart(clock=-HOUR)
        self.accept(MANY, clock=-HOUR)
        self.drain_killed_before_its_trim()
        self.restart()
        self.accept(FEW)

    # --- Steps -------------------------------------------------------------------------------

    def accept(self, number: int, *, clock: timedelta | None = None) -> None:
        """Accept events; with a clock, under the ids that a server whose clock is so far off gives."""
        for _ in range(number):
            event = self._event()
            if clock is None or self.faketime:
                actions.accept(event=event)
                self._note(event)
            else:
                self._add(event, self._id_at(clock))

    def drain(self) -> None:
        """Count everything that is there."""
        forget_connections()
        while self.server.xlen(stream.STREAM):
            actions.drain()

    def drain_killed_before_its_trim(self) -> None:
        """Count a batch, and end before it is removed from the stream."""

        def die() -> None:
            raise _Killed

        forget_connections()
        with _before_the_trim(die):
            try:
                actions.drain()
            except _Killed:
                return

    def restart(
        self,
        *,
        without_data: bool = False,
        copy_to: Path | None = None,
        restore: Path | None = None,
        clock: timedelta | None = None,
    ) -> None:
        """Kill the server and start it again, with other data or with a clock that is off."""
        data = self.world.folder / "valkey"
        self.world.events.kill()
        if copy_to is not None:
            shutil.rmtree(copy_to, ignore_errors=True)
            shutil.copytree(data, copy_to)
        if without_data or restore is not None:
            shutil.rmtree(data)
        if restore is not None:
            shutil.copytree(restore, data)
        self.world.events.environment = self._clock(clock)
        self.world.events.start()
        forget_connections()

    def _clock(self, clock: timedelta | None) -> dict[str, str]:
        if clock is None or self.faketime is None:
            return {}
        seconds = int(clock.total_seconds())
        return {
            "LD_PRELOAD": str(self.faketime),
            "FAKETIME": f"{seconds:+d}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def _go_on_from(self, ahead: timedelta) -> None:
        """Let ids go on from later on, as they do after a clock was wrong for a moment."""
        first = self.server.xadd(stream.STREAM, {"nothing": "0"})
        self.server.xdel(stream.STREAM, first)
        latest = int(self.server.xinfo_stream(stream.STREAM)["last-generated-id"].split(b"-")[0])
        moment = max(latest, int((time.time() + ahead.total_seconds()) * 1000))
        self.server.execute_command("XSETID", stream.STREAM, f"{moment}-{2**40}")

    def _id_at(self, clock: timedelta) -> str:
        """Return the id of an entry that a server gives whose clock is so far off: never below its last."""
        moment = int((time.time() + clock.total_seconds()) * 1000)
        if self.server.exists(stream.STREAM):
            last = self.server.xinfo_stream(stream.STREAM)["last-generated-id"]
            moment = max(moment, int(last.split(b"-")[0]))
        return f"{moment}-*"

    def _add(self, event: Event, entry_id: str) -> None:
        self.server.xadd(stream.STREAM, dict([stream.fields(event)]), id=entry_id)
        self._note(event)

    def _note(self, event: Event) -> None:
        self.sent.append(truth.Sent(event.event_id, truth.cell_of(event), is_answered=True))

    def _event(self) -> Event:
        chance = self.world.chance
        return Event(
            event_id=UUID(int=chance.getrandbits(128), version=4),
            target_id=chance.choice(self.targets),
            channel=chance.choice(CHANNELS),
            share_class=chance.choice(list(ShareClass)),
            occurred_at=truth.now() - chance.random() * timedelta(days=6),
        )


@contextmanager
def _before_the_trim(happens: Callable[[], None]) -> Iterator[None]:
    """Let something happen after the next batch is counted, before it is trimmed; once."""
    trim = stream.trim
    waiting = [happens]

    def with_fault(*arguments: Any) -> None:
        if waiting:
            waiting.pop()()
        trim(*arguments)

    stream.trim = with_fault  # type: ignore[assignment]
    try:
        yield
    finally:
        stream.trim = trim


def _find_faketime() -> Path | None:
    if named := os.environ.get("FAULT_FAKETIME"):
        return Path(named)
    found = [file for pattern in _FAKETIME for file in Path("/").glob(pattern.lstrip("/"))]
    return found[0] if found else None
