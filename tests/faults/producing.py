"""Producers: processes that accept events as a reader's request does, and keep what is true of them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection

from sharing import actions, valkey
from sharing.models import ShareClass
from sharing.stream import Event
from tests.faults import truth

CHANNELS = ("bluesky", "mastodon", "x", "facebook", "reddit", "whatsapp", "email", "copy")
# A page sends some events twice, with one id.
TWICE_PERCENT = 2
LATE_PERCENT = 30
_LATEST = timedelta(days=6)
# A reader's break of two seconds would put nearly all events into the inbox here.
_BREAK_SECONDS = 0.05


@dataclass(frozen=True)
class Order:
    """What one producer sends, and where it writes down what it sent."""

    seed: int
    events: int
    targets: Sequence[int]
    address: str
    file: Path


def produce(order: Order, ceiling: Any) -> None:
    """Send events until so many are answered, never more than the ceiling (a shared number) allows by now."""
    server = valkey.Valkey(
        order.address, timeout=settings.VALKEY_TIMEOUT, break_seconds=_BREAK_SECONDS
    )
    valkey.events = lambda: server  # type: ignore[assignment]
    chance = Random(order.seed)
    with order.file.open("w", buffering=1 << 16) as file:
        answered = 0
        while answered < order.events:
            while answered >= ceiling.value:
                time.sleep(0.005)
            event = _event(chance, order.targets)
            is_answered = _accept(event)
            if chance.uniform(0, 100) < TWICE_PERCENT:
                is_answered = _accept(event) or is_answered
            answered += is_answered
            file.write(truth.line_of(event, is_answered=is_answered))


def _accept(event: Event) -> bool:
    """Return whether the event was accepted; otherwise it may or may not be there."""
    try:
        actions.accept(event=event)
    except DatabaseError:
        # The next request begins with a new connection.
        connection.close()
        return False
    return True


def _event(chance: Random, targets: Sequence[int]) -> Event:
    late = chance.random() * _LATEST if chance.uniform(0, 100) < LATE_PERCENT else timedelta()
    return Event(
        event_id=UUID(int=chance.getrandbits(128), version=4),
        target_id=chance.choice(targets),
        channel=chance.choice(CHANNELS),
        share_class=chance.choice(list(ShareClass)),
        occurred_at=truth.now() - late,
    )
