"""All writes of sharing."""

import gc
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from sharing import bursts, counting, parsing, positions, standings, stream, valkey
from sharing.models import InboxEvent, ShareClass, ShareEvent, ShareTarget
from sharing.positions import Known
from sharing.shareables import Label
from sharing.stream import Accepted, Batch, Entry, Event

logger = logging.getLogger(__name__)

# One sweep gives the worker back after this many batches; the next goes on.
BATCHES_A_SWEEP = 50
# So many ids are forgotten in one transaction.
IDS_A_CHUNK = 5000
# An id is remembered so much longer than late events are taken: senders' and servers' clocks differ.
CLOCKS_DIFFER = timedelta(hours=1)


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
        with _without_garbage_collection():
            batch = stream.read(server, settings.SHARE_EVENT_BATCH)
        for _ in range(BATCHES_A_SWEEP):
            if not batch.entries:
                stream.note_sweep(server, began)
                break
            with _without_garbage_collection():
                more, batch = _count_and_read(server, batch)
            counted += more
    except valkey.Silent as silence:
        logger.warning("the stream of share events is silent, the next sweep goes on: %s", silence)
    return counted


def _count_and_read(server: valkey.Valkey, batch: Batch) -> tuple[int, Batch]:
    """Count a batch and trim it; return how many were new, and the next batch.

    What follows a full one is asked for before, so that the server gets it ready while the database counts.
    """
    size = settings.SHARE_EVENT_BATCH
    if len(batch.entries) == size:
        with stream.read_ahead(server, size, batch) as following:
            counted = _count_batch(server, batch)
            if stream.trim(server, batch):
                ahead = following()
                if ahead.entries and ahead.epoch == batch.epoch:
                    return counted, ahead
    else:
        counted = _count_batch(server, batch)
        stream.trim(server, batch)
    # Nothing more, or another stream by now: what there is to count stands at its start.
    return counted, stream.read(server, size)


def drain_inbox() -> int:
    """Count the events that came while Valkey was silent, and return how many were new."""
    counted = 0
    while rows := list(InboxEvent.objects.order_by("pk")[: settings.SHARE_EVENT_BATCH]):
        with transaction.atomic():
            counting.take_turns()
            events = [
                Accepted.of(
                    Event(
                        event_id=row.event_id,
                        target_id=row.target_id,
                        channel=row.channel,
                        share_class=ShareClass(row.share_class),
                        occurred_at=row.occurred_at,
                        accepted_at=row.accepted_at,
                    )
                )
                for row in rows
            ]
            counted += _count(events, timezone.now())
            InboxEvent.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return counted


def prune_events() -> int:
    """Forget the ids of events counted longer ago than late ones are accepted; return how many."""
    matter_from = _ids_matter_from()
    if matter_from is None:
        return 0
    forgotten = positions.forget(matter_from, timezone.now()) - CLOCKS_DIFFER
    old = ShareEvent.objects.filter(recorded_at__lt=forgotten).order_by("recorded_at")
    deleted = 0
    # A chunk at a time: after a week without a worker there are a week's ids to forget.
    while ids := list(old.values_list("pk", flat=True)[:IDS_A_CHUNK]):
        deleted += ShareEvent.objects.filter(pk__in=ids).delete()[0]
    return deleted


def _ids_matter_from() -> datetime | None:
    """Return when the oldest event occurred that may still wait to be counted; None where no sweep is known.

    Whatever was accepted before the last whole sweep is counted. So what is still to be counted was accepted
    after it, and occurred at most the time for late events before that. A copy of it was first counted no earlier.
    """
    try:
        swept = stream.last_sweep(valkey.events_for_jobs())
    except valkey.Silent:
        swept = None
    if swept is None:
        return None
    return min(swept, timezone.now()) - settings.SHARE_EVENT_RETENTION - CLOCKS_DIFFER


def _count_batch(server: valkey.Valkey, batch: Batch) -> int:
    """Count a batch in one commit; where the database refuses something of it, the rest without that."""
    now = timezone.now()
    entries = batch.entries
    events = parsing.parse(entries)
    try:
        counted, uncountable = _count_part(batch.epoch, entries, events, now)
    except (DataError, IntegrityError):
        logger.exception("the database refuses something of %s share events", len(entries))
        counted, uncountable, refused = _count_parts(batch.epoch, entries, events, now)
        if len(refused) + len(uncountable) == len(entries):
            # No event of all is taken: that is no fault of theirs.
            raise
        uncountable += refused
    stream.set_aside(server, uncountable)
    return counted


def _count_parts(
    epoch: str, entries: Sequence[Entry], events: Sequence[Accepted | None], now: datetime
) -> tuple[int, list[Entry], list[Entry]]:
    """Count in halves of halves what the database refuses together.

    Returns how many were new, the entries that cannot be counted, and those that it refuses alone too.
    """
    counted = 0
    uncountable: list[Entry] = []
    refused: list[Entry] = []
    middle = len(entries) // 2
    for part in (slice(None, middle), slice(middle, None)):
        if not entries[part]:
            continue
        try:
            more, unreadable = _count_part(epoch, entries[part], events[part], now)
            alone: list[Entry] = []
        except (DataError, IntegrityError):
            if len(entries[part]) == 1:
                refused += entries[part]
                continue
            more, unreadable, alone = _count_parts(epoch, entries[part], events[part], now)
        counted += more
        uncountable += unreadable
        refused += alone
    return counted, uncountable, refused


@transaction.atomic
def _count_part(
    epoch: str, entries: Sequence[Entry], events: Sequence[Accepted | None], now: datetime
) -> tuple[int, list[Entry]]:
    """Count entries that follow each other, and keep their position; return how many were new, and the others."""
    counting.take_turns()
    known = positions.hold(epoch)
    countable, uncountable = _countable(entries, events, known)
    counted = _count(countable, now)
    positions.keep(known, epoch, entries[-1][0], now)
    return counted, uncountable


def _countable(
    entries: Sequence[Entry], events: Sequence[Accepted | None], known: Known
) -> tuple[Sequence[Accepted], list[Entry]]:
    """Split a batch into events to count and entries that cannot be.

    What occurred before ids are forgotten is from an old copy of the stream, and never counts: below the position
    it is what was counted from this stream; beyond, it was lost with the stream and may have come another way.
    """
    targets = {event.target_id for event in events if event}
    unknown = targets - counting.known(targets)
    forgotten = known.forgotten_until
    if not unknown and all(events):
        certain = cast("Sequence[Accepted]", events)
        if min([event.occurred_at for event in certain]) >= forgotten:
            # As nearly always.
            return certain, []
    countable: list[Accepted] = []
    uncountable: list[Entry] = []
    for entry, event in zip(entries, events, strict=True):
        if event is None or event.target_id in unknown:
            uncountable.append(entry)
        elif event.occurred_at >= forgotten:
            countable.append(event)
        elif stream.order(entry[0]) > known.counted_to:
            uncountable.append(entry)
    return countable, uncountable


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Look for no cycles meanwhile: a batch has none, and ten thousand lists of it begin a search each time.

    That was a third of a drain's time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _count(events: Sequence[Accepted], now: datetime) -> int:
    new = counting.insert_new(events, recorded_at=now)
    groups = bursts.let_through(new)
    counting.add_to_counts(groups)
    standings.add_late(groups)
    return sum(group.number for group in new)
