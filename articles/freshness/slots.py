"""A small file in memory that all processes of a host share: which published state is the present one.

A name has one of 65,536 slots of eight bytes; a change writes a value there that was never there before. Two
names may share a slot: then one is made anew when the other changes, which costs a moment and is never wrong.
The first slot changes with every change, so that "nothing has changed since" is one comparison.
"""

import fcntl
import hashlib
import mmap
import os
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from articles.freshness.names import EVERYTHING, gone

_BYTES = 8
SLOTS = 65_536
# What has been taken over already, so that the same change, heard of twice, drops nothing twice.
_TAKEN = SLOTS
_SIZE = (SLOTS + _TAKEN) * _BYTES
_GENERATION = 0
_EPOCH = 1
_FIRST_FREE = 2

# A change: the name, and the number that tells it from every other change.
Change = tuple[str, int]


@cache
def _slot(name: str) -> int:
    digest = hashlib.blake2b(name.encode(), digest_size=_BYTES).digest()
    return _FIRST_FREE + int.from_bytes(digest) % (SLOTS - _FIRST_FREE)


def _new_value() -> int:
    return secrets.randbits(64)


@dataclass(slots=True)
class Stamp:
    """The state of some names at one moment. `holds()` costs one comparison while nothing changes."""

    names: frozenset[str]
    _slots: "Slots"
    _places: tuple[int, ...]
    _values: tuple[int, ...]
    _hard_places: tuple[int, ...]
    _hard_values: tuple[int, ...]
    _generation: int

    def holds(self) -> bool:
        """Return whether none of the names was touched since."""
        if self._generation == self._slots.values[_GENERATION]:
            return True
        with self._slots.locked() as values:
            if tuple(values[place] for place in self._places) != self._values:
                return False
            self._generation = values[_GENERATION]
        return True

    def may_be_shown(self) -> bool:
        """Return whether, though out of date, nothing of it was taken away."""
        with self._slots.locked() as values:
            return tuple(values[place] for place in self._hard_places) == self._hard_values

    def numbers(self) -> list[int]:
        """Return the values, for a copy that another process of this host compares: see `Slots.stamp`."""
        return [*self._values, *self._hard_values]


class Slots:
    """The file, mapped. Threads may share it, and it survives a fork."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._map: mmap.mmap | None = None
        self._inode = 0
        self.values: memoryview = memoryview(b"")
        with self.locked():
            pass

    @contextmanager
    def locked(self) -> Iterator[memoryview]:
        """Hold the file alone and yield its values; what is written is seen whole by the next holder.

        The file is opened for each time: a lock belongs to an open file, which a fork would share. Where
        it was deleted and made anew, the new one is mapped.
        """
        with self._lock:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                found = os.fstat(file)
                if found.st_size != _SIZE:
                    # Filled, not sparse: a full disk fails here, and not at some write into the mapping.
                    os.truncate(file, 0)
                    epoch = _new_value().to_bytes(_BYTES, "little")
                    os.pwrite(file, epoch * (SLOTS + _TAKEN), 0)
                if self._map is None or found.st_ino != self._inode:
                    self._map = mmap.mmap(file, _SIZE)
                    self._inode = found.st_ino
                    self.values = memoryview(self._map).cast("Q")
                yield self.values
            finally:
                # Closing does not end it: the mapping keeps a copy of the file's handle.
                fcntl.flock(file, fcntl.LOCK_UN)
                os.close(file)

    @property
    def epoch(self) -> int:
        """Return a number that no other host's file, and no earlier one, has."""
        return int(self.values[_EPOCH])

    def take_over(self, changes: Iterable[Change]) -> list[Change]:
        """Make what depends on the changed names out of date; return the changes that were new here."""
        changes = list(changes)
        with self.locked() as values:
            new = [
                (name, number)
                for name, number in changes
                if values[SLOTS + number % _TAKEN] != number
            ]
            for name, _ in new:
                # Never the change's own number: a value that comes back would make old answers true.
                values[_slot(name)] = _new_value()
            if new:
                values[_GENERATION] = _new_value()
            # Last: whoever is killed before this has it done again, from the rows.
            for _, number in new:
                values[SLOTS + number % _TAKEN] = number
        return new

    def snapshot(self) -> bytes:
        """Return every slot as it is now, before something is read from the database."""
        with self.locked() as values:
            return bytes(values[:SLOTS])

    def stamp(self, names: Iterable[str], before: bytes) -> Stamp | None:
        """Return the names' stamp, or None where one of them was touched since the snapshot `before`."""
        then = memoryview(before).cast("Q")
        found = frozenset([*names, EVERYTHING])
        places, hard_places = _places(found)
        with self.locked() as values:
            for place in (*places, *hard_places):
                if values[place] != then[place]:
                    return None
            return self._stamp(found, values)

    def restore(self, names: Iterable[str], numbers: list[int]) -> tuple[Stamp, bool]:
        """Return the stamp of a copy that `Stamp.numbers` describes, and whether it holds.

        Where it does not hold, it tells whether the copy may still be shown.
        """
        found = frozenset(names)
        places, hard_places = _places(found)
        if len(numbers) != len(places) + len(hard_places):
            raise ValueError("a stamp of another length")
        soft, hard = tuple(numbers[: len(places)]), tuple(numbers[len(places) :])
        with self.locked() as values:
            now = self._stamp(found, values)
        stamp = Stamp(found, self, places, soft, hard_places, hard, 0)
        if (now._values, now._hard_values) == (soft, hard):
            stamp._generation = now._generation
            return stamp, True
        return stamp, False

    def _stamp(self, names: frozenset[str], values: memoryview) -> Stamp:
        places, hard_places = _places(names)
        return Stamp(
            names,
            self,
            places,
            tuple(values[place] for place in places),
            hard_places,
            tuple(values[place] for place in hard_places),
            values[_GENERATION],
        )


def _places(names: frozenset[str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    ordered = sorted(names)
    return tuple(map(_slot, ordered)), tuple(_slot(gone(name)) for name in ordered)


@cache
def slots() -> Slots:
    """Return this host's file; it and its folder are made where they are missing."""
    path = Path(settings.FRESHNESS_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    return Slots(path)
