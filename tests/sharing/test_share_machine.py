"""Whatever happens in whatever order, counts are what a plain model says: a Hypothesis state machine."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis
from wagtail.models import Page

from articles.models import ArticlePage, HomePage
from sharing import actions, counting, parsing, stream, valkey
from sharing.models import (
    InboxEvent,
    ShareClass,
    ShareEvent,
    ShareTarget,
    StreamPosition,
)
from sharing.stream import Event
from tests.factories import add_article, edit, section
from tests.faults import truth
from tests.services import events_server

pytestmark = pytest.mark.django_db

CHANNELS = ("bluesky", "x", "c-abcdefghj")
CLASSES = (ShareClass.INTENT, ShareClass.HANDED_OVER, ShareClass.ARRIVAL)
# Longer ago an event is refused, and its id may be forgotten.
LATE = timedelta(days=7)
CLOCKS_DIFFER = timedelta(hours=1)
LATENESS = (
    timedelta(),
    timedelta(minutes=20),
    timedelta(days=2),
    timedelta(days=6, hours=22, minutes=30),
    timedelta(days=6, hours=23, minutes=59),
)
BEGINNING = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES") or 60)
STEPS = 30
CLOCKS = (timedelta(hours=-1), timedelta(), timedelta(hours=1))
# Small numbers to choose by. Of large ones Hypothesis takes some from whatever code is loaded, and the examples
# would be others in another order of the tests.
ANY = st.integers(0, 30)
EDITS = ("move", "rename", "remove a section", "revert", "unpublish", "delete")

# Where a sweep is killed: what is called there, and whether it has done its work by then.
KILL_POINTS: list[tuple[Any, str, bool]] = [
    (counting, "insert_new", False),
    (counting, "insert_new", True),
    (counting, "add_to_counts", False),
    (counting, "add_to_counts", True),
    (StreamPosition.objects, "bulk_create", True),
    (stream, "trim", False),
    (stream, "trim", True),
]


class Killed(BaseException):
    """The sweep ended here."""


@dataclass(frozen=True)
class Copy:
    """A copy of the stream, as a backup of the server's log has it."""

    entries: bytes | None
    epoch: bytes | None
    swept: bytes | None
    events: frozenset[UUID]


class ShareMachine(RuleBasedStateMachine):
    """A site with two articles, its stream, its clocks, and what should be counted."""

    homes: tuple[int, int]
    articles: tuple[int, ...]

    def __init__(self) -> None:
        super().__init__()
        self._site = transaction.atomic()
        self._site.__enter__()
        self.server: Any = Redis.from_url(f"unix://{events_server.socket}")
        self.server.flushall()
        for factory in (valkey.events, valkey.events_for_jobs):
            factory.cache_clear()
        self.now = BEGINNING
        self.server_is_off = timedelta()
        self._patches: list[Any] = [
            mock.patch("django.utils.timezone.now", lambda: self.now),
            mock.patch("sharing.stream.append", self._append_at_the_servers_time),
        ]
        for patch in self._patches:
            patch.start()
        self.chance = Random(0)
        self.events: dict[UUID, Event] = {}
        self.in_stream: set[UUID] = set()
        self.in_inbox: set[UUID] = set()
        self.counted: set[UUID] = set()
        # What was lost uncounted with the stream, and not accepted again since.
        self.lost: set[UUID] = set()
        # What occurred before has an id that may be forgotten.
        self.forgotten_until: datetime | None = None
        self.copy: Copy | None = None
        self.codes: dict[tuple[int, UUID | None], tuple[int, str]] = {}

    def teardown(self) -> None:
        for patch in self._patches:
            patch.stop()
        transaction.set_rollback(True)
        self._site.__exit__(None, None, None)

    @initialize()
    def begin(self) -> None:
        self._look_at_codes()

    # --- Readers -----------------------------------------------------------------------------

    @rule(
        number=st.integers(1, 8),
        which=ANY,
        channel=st.sampled_from(CHANNELS),
        share_class=st.sampled_from(CLASSES),
        late=st.sampled_from(LATENESS),
        way=st.sampled_from(["stream", "stream", "inbox", "both"]),
    )
    def record(
        self,
        number: int,
        which: int,
        channel: str,
        share_class: ShareClass,
        late: timedelta,
        way: str,
    ) -> None:
        """Readers share something, at once or late; Valkey answers, is silent, or its answer is lost."""
        targets = sorted(self.codes.values())
        target_id, _ = targets[which % len(targets)]
        for _ in range(number):
            self._accept(self._event(target_id, channel, share_class, late), way)

    @precondition(lambda self: self.events)
    @rule(which=ANY, way=st.sampled_from(["stream", "inbox", "both"]))
    def record_again(self, which: int, way: str) -> None:
        """A page sends an event again, with its id; rather one that a copy of the stream has."""
        copied = [each for each in self.events if self.copy and each in self.copy.events]
        known = copied if copied and which % 2 else list(self.events)
        event = self.events[known[which % len(known)]]
        if event.occurred_at > self.now - LATE:  # an older one is refused (sharing/api.py)
            self._accept(event, way)

    # --- The sweep ---------------------------------------------------------------------------

    @rule()
    def drain(self) -> None:
        while self.server.xlen(stream.STREAM) or InboxEvent.objects.exists():
            actions.drain()
        self.counted |= self._countable(self.in_stream) | self.in_inbox
        self.in_stream.clear()
        self.in_inbox.clear()

    @precondition(lambda self: self.in_stream or self.in_inbox)
    @rule(point=st.sampled_from(range(len(KILL_POINTS))), call=st.integers(1, 2))
    def drain_killed(self, point: int, call: int) -> None:
        """A sweep is killed at one of its calls; what it committed is counted, and no more."""
        place, name, has_happened = KILL_POINTS[point]
        with _killed_at(place, name, call, has_happened=has_happened), suppress(Killed):
            actions.drain()
        committed = set(ShareEvent.objects.values_list("event_id", flat=True))
        countable = self._countable(self.in_stream) | self.in_inbox
        self.counted |= committed & countable
        left = self._ids_in_stream() | set(InboxEvent.objects.values_list("event_id", flat=True))
        assert countable - left <= self.counted, "removed and not counted"
        self.in_stream = self._ids_in_stream()
        self.in_inbox &= set(InboxEvent.objects.values_list("event_id", flat=True))

    # --- The server --------------------------------------------------------------------------

    @rule(swept=st.booleans(), number=st.integers(0, 6), late=st.sampled_from(LATENESS))
    def copy_the_stream(self, swept: bool, number: int, late: timedelta) -> None:
        """A backup takes what is in the stream just then, and the server goes on."""
        if swept:
            actions.drain()
            self.drain()
        self._readers_share(number, late)
        self.copy = Copy(
            self.server.dump(stream.STREAM),
            self.server.get(stream.EPOCH),
            self.server.get(stream.SWEPT),
            frozenset(self.in_stream),
        )

    @rule(swept=st.booleans(), off=st.sampled_from(CLOCKS), late=st.sampled_from(LATENESS))
    def lose_the_stream(self, swept: bool, off: timedelta, late: timedelta) -> None:
        """The server is flushed, or starts with nothing: what it alone had is gone. Readers go on."""
        if swept:
            self._readers_share(1)
            self.drain()
        self._start_the_server_again(off)
        self._readers_share(2, late)

    @precondition(lambda self: self.copy is not None)
    @rule(weeks_later=st.booleans(), off=st.sampled_from(CLOCKS), late=st.sampled_from(LATENESS))
    def restore_the_copy(self, weeks_later: bool, off: timedelta, late: timedelta) -> None:
        """The server starts with what the copy has, of whichever epoch it is. Readers go on."""
        assert self.copy is not None
        if weeks_later:
            self.a_quiet_week()
        self._start_the_server_again(off)
        if self.copy.entries is not None:
            self.server.restore(stream.STREAM, 0, self.copy.entries)
        for name, value in ((stream.EPOCH, self.copy.epoch), (stream.SWEPT, self.copy.swept)):
            if value is not None:
                self.server.set(name, value)
        self.in_stream = set(self.copy.events)
        self._readers_share(2, late)

    @rule(off=st.sampled_from(CLOCKS))
    def step_the_servers_clock(self, off: timedelta) -> None:
        self.server_is_off = off

    # --- Time --------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 24, 5 * 24, 8 * 24]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def a_quiet_week(self) -> None:
        """Everything is counted, and a week later its ids are forgotten."""
        self.drain()
        self.now += timedelta(days=8)
        actions.drain()  # a sweep that finds nothing says so
        self.prune_ids()

    @rule()
    def prune_ids(self) -> None:
        if (swept := self.server.get(stream.SWEPT)) is not None:
            moment = datetime.fromtimestamp(float(swept), tz=UTC) - LATE - CLOCKS_DIFFER
            self.forgotten_until = max(moment, self.forgotten_until or moment)
        actions.prune_events()

    # --- Editors -----------------------------------------------------------------------------

    @rule(which=st.integers(0, 1), what=st.sampled_from(EDITS))
    def edit_an_article(self, which: int, what: str) -> None:
        article = ArticlePage.objects.filter(pk=self.articles[which]).first()
        if article is None:
            return
        if what == "move":
            parent = article.get_parent().pk
            other = next(home for home in self.homes if home != parent)
            article.move(HomePage.objects.get(pk=other), pos="last-child")
        elif what == "rename":
            edit(article, slug=f"{article.slug[:20]}-again", title=f"{article.title[:20]} again")
        elif what == "remove a section":
            blocks = [dict(each) for each in article.get_latest_revision_as_object().body.raw_data]
            edit(article, *(blocks[:-1] or blocks))
        elif what == "revert":
            article.revisions.order_by("created_at", "pk").first().publish()
        elif what == "unpublish":
            article.unpublish()
        else:
            article.delete()

    # --- What always holds -------------------------------------------------------------------

    @invariant()
    def counts_are_what_the_model_says(self) -> None:
        found = truth.counted()
        expected = Counter(truth.cell_of(self.events[each]) for each in self.counted)
        assert found.counts + found.held == expected
        assert truth.wrong_sums(found) == 0

    @invariant()
    def nobody_loses_an_identity(self) -> None:
        self._look_at_codes()

    # --- How it is done ----------------------------------------------------------------------

    def _countable(self, events: set[UUID]) -> set[UUID]:
        """Return those that must count; the others must not.

        What was lost uncounted and comes back from a copy when its id may be forgotten could have come another
        way. Whatever was not lost counts, however long it waits.
        """
        until = self.forgotten_until
        return {
            each
            for each in events
            if each not in self.lost or until is None or self.events[each].occurred_at >= until
        }

    def _start_the_server_again(self, off: timedelta) -> None:
        self.server.flushall()
        self.lost |= self.in_stream - self.in_inbox - self.counted
        self.in_stream.clear()
        self.server_is_off = off

    def _readers_share(self, number: int, late: timedelta = timedelta()) -> None:
        target_id, _ = min(self.codes.values())
        for _ in range(number):
            self._accept(self._event(target_id, CHANNELS[0], CLASSES[0], late), "stream")

    def _event(
        self, target_id: int, channel: str, share_class: ShareClass, late: timedelta
    ) -> Event:
        event_id = UUID(int=self.chance.getrandbits(128), version=4)
        return Event(event_id, target_id, channel, share_class, self.now - late)

    def _accept(self, event: Event, way: str) -> None:
        answers = {"stream": True, "both": True, "inbox": False}[way]

        def append(*arguments: Any) -> None:
            if answers:
                self._append_at_the_servers_time(*arguments)
            if way != "stream":
                raise valkey.Silent("for a test")

        with mock.patch("sharing.stream.append", append):
            actions.accept(event=event)
        self.events[event.event_id] = event
        self.lost.discard(event.event_id)
        if way != "inbox":
            self.in_stream.add(event.event_id)
        if way != "stream":
            self.in_inbox.add(event.event_id)

    def _append_at_the_servers_time(
        self, server: valkey.Valkey, event: Event, patience: valkey.Patience
    ) -> None:
        """Append as the stream does, under an id of the machine's time; a stream's ids never go back."""
        moment = int((self.now + self.server_is_off).timestamp() * 1000)
        if self.server.exists(stream.STREAM):
            last = self.server.xinfo_stream(stream.STREAM)["last-generated-id"]
            moment = max(moment, int(last.split(b"-")[0]))
        _append(_Stepped(server, moment), event, patience)  # type: ignore[arg-type]

    def _ids_in_stream(self) -> set[UUID]:
        entries = self.server.xrange(stream.STREAM)
        return {UUID(parsing.named(fields)[b"id"].decode()) for _, fields in entries}

    def _look_at_codes(self) -> None:
        rows = ShareTarget.objects.values_list("page_id", "block_id", "pk", "code")
        found = {(page_id, block_id): (pk, code) for page_id, block_id, pk, code in rows}
        assert found | self.codes == found
        self.codes = found


_append = stream.append


class _Stepped:
    """A server whose clock shows another moment, in milliseconds since 1970."""

    def __init__(self, server: valkey.Valkey, moment: int) -> None:
        self._server, self._moment = server, moment

    def command(self, *words: Any, patience: valkey.Patience) -> Any:
        told = (f"{self._moment}-*" if word == "*" else word for word in words)
        return self._server.command(*told, patience=patience)


@contextmanager
def _killed_at(place: Any, name: str, call: int, *, has_happened: bool) -> Iterator[None]:
    real: Callable[..., Any] = getattr(place, name)
    calls = iter(range(1, 1_000_000))

    def deadly(*arguments: Any, **named: Any) -> Any:
        is_last = next(calls) == call
        if is_last and not has_happened:
            raise Killed
        result = real(*arguments, **named)
        if is_last:
            raise Killed
        return result

    with mock.patch.object(place, name, deadly):
        yield


def test_counts_are_what_a_plain_model_says(home: HomePage) -> None:
    root = Page.get_first_root_node()
    other = HomePage(title="Other", slug="other", introduction="Also in plain words.")
    root.add_child(instance=other)
    articles = [
        add_article(home, section("Why"), section("How"), title=title)
        for title in ("Sleep", "Rest")
    ]

    ShareMachine.homes = (home.pk, other.pk)
    ShareMachine.articles = tuple(article.pk for article in articles)
    with override_settings(SHARE_EVENT_BATCH=4):
        run_state_machine_as_test(
            ShareMachine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                derandomize=True,
                # Making a failure small takes minutes; its steps are few already.
                phases=[Phase.generate],
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                print_blob=False,
            ),
        )
