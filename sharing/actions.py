"""All writes of sharing."""

import logging
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from sharing import bursts, counting, standings, stream, valkey
from sharing.models import InboxEvent, ShareClass, ShareEvent, ShareTarget, StreamPosition
from sharing.shareables import Label
from sharing.stream import Batch, Entry, Event

logger = logging.getLogger(__name__)

# One sweep gives the worker back after this many batches; the next goes on.
BATCHES_A_SWEEP = 50


@transaction.atomic
def ensure_targets(*, labels: Iterable[Label]) -> None:
    """Give each article and section a share target, and keep its last published title."""
    wanted = {(label.page_id, label.block_id): label.text for label in labels}
    pages = {page_id for page_id, _ in wanted}
    # A random code that is taken leaves its row out: look again, and make another.
    for _ in range(5):
        there = {
            (target.page_id, target.block_id): target
            for target in ShareTarget.objects.filter(page_id__in=pages)
        }
        missing = [key for key in wanted if key not in there]
        if not missing:
            break
        ShareTarget.objects.bulk_create(
            [
                ShareTarget(page_id=page_id, block_id=block_id, label=wanted[page_id, block_id])
                for page_id, block_id in missing
            ],
            ignore_conflicts=True,
        )
    renamed = []
    for key, text in wanted.items():
        if there[key].label != text:
            there[key].label = text
            renamed.append(there[key])
    ShareTarget.objects.bulk_update(renamed, ["label"])


def accept(*, event: Event, patience: valkey.Patience | None = None) -> None:
    """Take an event so that it will be counted once; the stream first, the database if it is silent.

    `patience` is what the request has left for waiting; by default, all of it.

    A stream that took the event and lost its answer is no harm: the id counts once. Raises a database
    error where neither could take it.
    """
    try:
        stream.append(valkey.events(), event, patience or valkey.Patience())
    except valkey.Silent as silence:
        logger.warning("share event goes to the database inbox: %s", silence)
        InboxEvent.objects.create(
            event_id=event.event_id,
            target_id=event.target_id,
            channel=event.channel,
            share_class=event.share_class,
            occurred_at=event.occurred_at,
            accepted_at=timezone.now(),
        )


def drain() -> int:
    """Count what was accepted, each event once, and return how many were new.

    Each batch is one transaction; the stream is trimmed after it. Killed anywhere, the next sweep finds
    the same entries and the ids of those already counted.
    """
    began = timezone.now()
    counted = drain_inbox()
    server = valkey.events_for_jobs()
    try:
        for _ in range(BATCHES_A_SWEEP):
            batch = stream.read(server, settings.SHARE_EVENT_BATCH)
            if not batch.entries:
                stream.note_sweep(server, began)
                break
            counted += _count_batch(batch)
            stream.delete(server, batch)
    except valkey.Silent as silence:
        logger.warning("the stream of share events is silent, the next sweep goes on: %s", silence)
    return counted


def drain_inbox() -> int:
    """Count the events that came while Valkey was silent, and return how many were new."""
    counted = 0
    while rows := list(InboxEvent.objects.order_by("pk")[: settings.SHARE_EVENT_BATCH]):
        with transaction.atomic():
            events = [
                Event(
                    event_id=row.event_id,
                    target_id=row.target_id,
                    channel=row.channel,
                    share_class=ShareClass(row.share_class),
                    occurred_at=row.occurred_at,
                    accepted_at=row.accepted_at,
                )
                for row in rows
            ]
            counted += _count(events, timezone.now())
            InboxEvent.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return counted


def prune_events() -> int:
    """Forget the ids of events counted longer ago than late ones are accepted; return how many."""
    limit = timezone.now() - settings.SHARE_EVENT_RETENTION
    deleted, _ = ShareEvent.objects.filter(recorded_at__lt=limit).delete()
    return deleted


def _count_batch(batch: Batch) -> int:
    now = timezone.now()
    with transaction.atomic():
        position = StreamPosition.objects.select_for_update().filter(stream=stream.STREAM).first()
        countable, unreadable = _countable(batch, position, now)
        counted = _count(countable, now)
        last_id = batch.entries[-1].entry_id
        if position is not None and position.epoch == batch.epoch:
            # An old copy's first batch would move it back, and the rest of the copy would be new.
            last_id = max(position.last_id, last_id, key=_order)
        StreamPosition.objects.update_or_create(
            stream=stream.STREAM,
            defaults={
                "epoch": batch.epoch,
                "last_id": last_id,
                "updated_at": now,
            },
        )
    if unreadable:
        stream.set_aside(valkey.events_for_jobs(), unreadable)
    return counted


def _countable(
    batch: Batch, position: StreamPosition | None, now: datetime
) -> tuple[list[Event], list[Entry]]:
    """Split a batch into events to count and entries that cannot be.

    An entry at or below the position was committed once. Its id tells so for as long as ids are kept;
    beyond that, in a stream restored from an old copy, the position does.
    """
    targets = {entry.event.target_id for entry in batch.entries if entry.event}
    known = set(ShareTarget.objects.filter(pk__in=targets).values_list("pk", flat=True))
    forgotten = now - settings.SHARE_EVENT_RETENTION
    countable: list[Event] = []
    unreadable: list[Entry] = []
    for entry in batch.entries:
        event = entry.event
        if event is None or event.target_id not in known:
            unreadable.append(entry)
        elif not (
            event.occurred_at < forgotten
            and position is not None
            and position.epoch == batch.epoch
            and _order(entry.entry_id) <= _order(position.last_id)
        ):
            countable.append(event)
    return countable, unreadable


def _count(events: list[Event], now: datetime) -> int:
    new = counting.insert_new(events, recorded_at=now)
    groups = bursts.let_through(counting.grouped(new))
    counting.add_to_counts(groups)
    standings.add_late(groups)
    return len(new)


def _order(entry_id: str) -> tuple[int, int]:
    moment, _, sequence = entry_id.partition("-")
    return int(moment), int(sequence)
