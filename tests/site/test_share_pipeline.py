"""`manage.py share_pipeline` and `recount`, as a person at a terminal uses them."""

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import Redis

from healthsite.paths import PROJECT_ROOT
from healthsite.watching import reading, screen, working
from healthsite.watching.bar import Bar
from healthsite.watching.reading import InDatabase, Rates, Reading
from sharing import actions, parsing, pipeline, stream
from sharing.models import (
    InboxEvent,
    ShareClass,
    ShareCount,
    ShareDay,
    ShareTarget,
    ShareTotal,
    UncountedShare,
)
from sharing.stream import Event
from tests.services import cache_server, events_server
from tests.sharing.counting import ago, count

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def target(db: None) -> ShareTarget:
    return ShareTarget.objects.create(page_id=1, label="Sleep")


def accept(target: ShareTarget, number: int = 1) -> None:
    for _ in range(number):
        actions.accept(
            event=Event(
                event_id=uuid4(),
                target_id=target.pk,
                channel="x",
                share_class=ShareClass.INTENT,
                occurred_at=timezone.now(),
            )
        )


def put_into_inbox(target: ShareTarget) -> None:
    InboxEvent.objects.create(
        event_id=uuid4(), target=target, channel="x", share_class="intent",
        occurred_at=timezone.now(), accepted_at=timezone.now(),
    )  # fmt: skip


def run(*arguments: str, output: io.StringIO | None = None) -> str:
    output = output or io.StringIO()
    call_command("share_pipeline", *arguments, stdout=output)
    return output.getvalue()


# --- The screen ----------------------------------------------------------------------------------


def test_it_shows_what_waits_and_what_was_counted(target: ShareTarget) -> None:
    accept(target, 2)
    actions.drain()
    accept(target, 3)
    put_into_inbox(target)
    UncountedShare.objects.create(day=ago(0), reason="robot", source="a", count=1234)
    UncountedShare.objects.create(day=ago(1), reason="prefetch", source="a", count=9)
    said = run("--once")
    for line in (
        "Parts       events, cache and database answer",
        "Stream      3 waiting",
        "Inbox       1 waiting",
        "Counted     2 intent",
        "Filtered    today: 1,234 robot\n",
        "Refused     today: none",
        "Floods      none held back",
        "Set aside   none",
        "Sums        not compared yet",
    ):
        assert line in said
    assert "\033" not in said


def test_where_the_output_is_no_terminal_it_is_shown_once(db: None) -> None:
    assert run().startswith("Share pipeline")


def test_json_is_one_object_with_the_same_numbers(target: ShareTarget) -> None:
    accept(target, 2)
    actions.drain()
    accept(target)
    told = json.loads(run("--json"))
    expected = {
        "stream": 1,
        "added": 3,
        "inbox": 0,
        "set_aside": 0,
        "floods_held": 0,
        "events_held": 0,
        "filtered_today": {},
        "refused_today": {},
        "sums": None,
        "up": {"events": True, "cache": True, "database": True},
    }
    assert {name: told[name] for name in expected} == expected
    assert told["counted"]["intent"] == 2
    assert told["position"]["epoch"] == told["epoch"]
    assert told["oldest_unread_seconds"] >= 0


def test_an_empty_site_is_shown(db: None) -> None:
    said = run("--once")
    assert "nothing waits" in said
    assert "Last sweep  never" in said


def test_a_reading_costs_a_fixed_number_of_queries(target: ShareTarget) -> None:
    def number() -> int:
        with CaptureQueriesContext(connection) as queries:
            reading.take(reading.Servers())
        return len(queries)

    put_into_inbox(target)
    before = number()
    count(target, ago(1), 20)
    for _ in range(20):
        put_into_inbox(target)
    assert number() == before == 7


@pytest.mark.parametrize("width", [10, 40, 60, 79, 200])
def test_no_line_is_longer_than_the_terminal_is_wide(width: int) -> None:
    moment = datetime(2026, 11, 26, tzinfo=UTC)
    full = Reading(
        at=moment,
        clock=0.0,
        stream=pipeline.StreamState(
            10**9, moment, moment, 10_000, str(uuid4()), 10**12, pipeline.Verified(moment, 10**6)
        ),
        database=InDatabase(
            inbox=pipeline.InboxState(pipeline.INBOX_COUNTED_TO, moment),
            position=pipeline.Position(str(uuid4()), f"{10**13}-{10**6}", moment),
            held=pipeline.Held(10**6, 10**9),
            counted=dict.fromkeys(ShareClass.values, 10**12),
            uncounted={f"reason-{number}": 10**9 for number in range(12)},
        ),
        cache_answers=False,
    )
    nothing = Reading(at=moment, clock=0.0, stream=None, database=None, cache_answers=False)
    for shown in (full, nothing):
        lines = screen.lines(shown, Rates(1e6, 1e6), width=width, colours=False)
        assert max(len(line) for line in lines) <= max(width, 40)
        painted = screen.lines(shown, Rates(1e6, 1e6), width=width, colours=True)
        assert [re.sub(r"\033\[[0-9;]*m", "", line) for line in painted] == lines
        assert painted != lines


def test_rates_are_differences_and_never_guessed() -> None:
    moment = datetime(2026, 11, 26, tzinfo=UTC)

    def at(clock: float, epoch: str, added: int | None, counted: int) -> Reading:
        return Reading(
            at=moment, clock=clock, cache_answers=True,
            stream=pipeline.StreamState(0, None, None, 0, epoch, added, None),
            database=InDatabase(
                pipeline.InboxState(0, None), None, pipeline.Held(0, 0), {"intent": counted}, {}
            ),
        )  # fmt: skip

    before = at(10.0, "a", 100, 50)
    assert reading.rates(before, at(12.0, "a", 300, 60)) == Rates(100.0, 5.0)
    assert reading.rates(before, at(12.0, "b", 300, 60)) == Rates(None, 5.0)
    assert reading.rates(before, at(12.0, "a", None, 40)) == Rates(None, None)
    assert reading.rates(None, before) == Rates()


# --- Silent parts --------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--once"], ["--json"]])
def test_a_frozen_events_server_is_a_sentence_and_a_status(
    arguments: list[str], frozen_events: None
) -> None:
    output = io.StringIO()
    with pytest.raises(CommandError, match=r"events server \(REDIS_URL\) does not answer") as ended:
        run(*arguments, output=output)
    assert ended.value.returncode == 1
    assert output.getvalue(), "what is known is shown all the same"


def test_a_killed_cache_server_is_named(db: None) -> None:
    cache_server.kill()
    with pytest.raises(CommandError, match="cache server"):
        run("--once")


def test_without_a_database_the_stream_is_shown(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(target, 2)

    def lost(*args: object) -> None:
        raise OperationalError("lost")

    monkeypatch.setattr(pipeline, "inbox_state", lost)
    output = io.StringIO()
    with pytest.raises(CommandError, match="The database does not answer"):
        run("--once", output=output)
    assert "Stream      2 waiting" in output.getvalue()


@pytest.mark.parametrize("what", ["--drain", "--set-aside", "--requeue-set-aside"])
def test_what_needs_the_stream_says_that_it_is_silent(what: str, frozen_events: None) -> None:
    with pytest.raises(CommandError, match="does not answer"):
        run(what)


# --- Draining ------------------------------------------------------------------------------------


def test_draining_counts_stream_and_inbox_and_says_how_many(target: ShareTarget) -> None:
    accept(target, 3 * settings.SHARE_EVENT_BATCH + 1)
    put_into_inbox(target)
    assert (
        run("--drain") == f"{3 * settings.SHARE_EVENT_BATCH + 2} events counted; nothing waits.\n"
    )
    assert run("--drain") == "0 events counted; nothing waits.\n"


def test_draining_goes_on_beyond_one_sweep(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "BATCHES_A_SWEEP", 1)
    accept(target, 3 * settings.SHARE_EVENT_BATCH)
    assert run("--drain").startswith(f"{3 * settings.SHARE_EVENT_BATCH} events counted")


def test_with_the_events_server_killed_the_inbox_is_counted(target: ShareTarget) -> None:
    put_into_inbox(target)
    events_server.kill()
    with pytest.raises(CommandError, match="What was in the inbox is counted"):
        run("--drain")
    assert ShareCount.objects.get().count == 1


def test_a_stream_that_does_not_empty_ends_it(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(target)
    monkeypatch.setattr(actions, "drain", lambda: 0)
    with pytest.raises(CommandError, match="does not empty"):
        run("--drain")


def test_a_terminal_sees_a_bar_while_it_drains(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(target, 4)
    drain, output = actions.drain, Terminal()

    def slowly() -> int:
        deadline = time.monotonic() + 30
        while "Counting" not in output.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return drain()

    monkeypatch.setattr(actions, "drain", slowly)
    said = run("--drain", output=output)
    assert "Counting  ░" in said
    assert "0 of 4" in said
    assert said.endswith("\r\033[K4 events counted; nothing waits.\n")


# --- Recounting ----------------------------------------------------------------------------------


def spoil(target: ShareTarget) -> None:
    count(target, ago(3), 2)
    ShareTotal.objects.update(intent=5)
    ShareDay.objects.update(count=1)


COMMANDS = [("recount", []), ("share_pipeline", ["--recount"])]


@pytest.mark.parametrize(("name", "arguments"), COMMANDS)
def test_recounting_without_a_difference_says_none(
    name: str, arguments: list[str], target: ShareTarget
) -> None:
    count(target, ago(3))
    output = io.StringIO()
    call_command(name, *arguments, stdout=output)
    assert output.getvalue() == "Differences: none.\n"
    assert "none differs" in run("--once")


@pytest.mark.parametrize(("name", "arguments"), COMMANDS)
def test_a_difference_is_listed_and_is_a_failure_until_it_is_repaired(
    name: str, arguments: list[str], target: ShareTarget
) -> None:
    spoil(target)
    output = io.StringIO()
    with pytest.raises(CommandError, match=r"Differences: 2\. --repair") as ended:
        call_command(name, *arguments, stdout=output)
    assert ended.value.returncode == 1
    assert output.getvalue() == (
        f"totals: target {target.pk}, intent: 5 is kept, 2 was computed\n"
        f"days: {ago(3)}, bluesky, intent: 1 is kept, 2 was computed\n"
    )
    assert "2 differ: --recount lists them" in run("--once")
    output = io.StringIO()
    call_command(name, *arguments, "--repair", stdout=output)
    assert output.getvalue().endswith("Differences: 2, all repaired.\n")
    assert "none differs" in run("--once")
    output = io.StringIO()
    call_command(name, *arguments, stdout=output)
    assert output.getvalue() == "Differences: none.\n"


def test_a_terminal_is_not_flooded_with_differences(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(target)
    monkeypatch.setattr(working, "_LISTED", 1)
    output = io.StringIO()
    with pytest.raises(CommandError, match="Differences: 2"):
        call_command("recount", stdout=output)
    assert output.getvalue().splitlines()[1:] == ["and 1 more"]


def test_recounting_needs_no_events_server(target: ShareTarget) -> None:
    count(target, ago(3))
    events_server.kill()
    output = io.StringIO()
    call_command("recount", stdout=output)
    assert output.getvalue() == "Differences: none.\n"


def test_repair_alone_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="--repair goes with --recount"):
        run("--repair")
    with pytest.raises(CommandError, match="not allowed with"):
        run("--json", "--drain")


# --- Set aside -----------------------------------------------------------------------------------


def test_what_is_set_aside_is_listed_and_put_back(target: ShareTarget) -> None:
    assert run("--set-aside") == "Nothing is set aside.\n"
    accept(target)
    server: Any = Redis.from_url(f"unix://{events_server.socket}")
    [(_, fields)] = server.xrange(stream.STREAM)
    for change in ({}, {b"target": b"9\x1b[2J"}):
        server.xadd(stream.UNREADABLE, parsing.named(fields) | change)
    said = run("--set-aside")
    assert "can be counted now: --requeue-set-aside" in said
    assert "“target” is '9�[2J'" in said
    assert "\x1b" not in said
    assert said.endswith("2 set aside.\n")
    assert run("--requeue-set-aside") == "1 put back; 1 stay: --set-aside says why.\n"
    actions.drain()
    assert ShareCount.objects.get().count == 1, "the event was in the stream as well"


# --- The bar -------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [5, 20, 40, 79, 200])
def test_a_bar_fits_into_the_terminal(width: int) -> None:
    bar = Bar(Terminal())
    for done, of in ((0, 0), (0, 10), (5, 10), (10**9, 10**9), (11, 10)):
        assert len(bar.line("Comparing standings", done, of, width=width)) <= width
    assert "50 %  5 of 10" in bar.line("Comparing", 5, 10, width=79)


def test_elsewhere_a_bar_draws_nothing() -> None:
    output = io.StringIO()
    bar = Bar(output)
    bar.draw("Counting", 1, 2)
    bar.clear()
    bar.say("done")
    assert output.getvalue() == "done\n"


def test_a_terminal_without_unicode_gets_plain_marks() -> None:
    class Plain(Terminal):
        encoding = "ascii"

    assert "####" in Bar(Plain()).line("Counting", 1, 2, width=60)


# --- A real terminal -----------------------------------------------------------------------------


def in_terminal(
    *arguments: str, environment: dict[str, str], until: str, end: signal.Signals | None
) -> tuple[str, int]:
    """Run the command on a terminal of its own; return what it wrote, and its status."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "manage.py", "share_pipeline", *arguments],
        cwd=PROJECT_ROOT, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "72", "LINES": "30"} | environment,
        # A shell's background jobs ignore Ctrl-C, and so would all that they start.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:  # fmt: skip
        os.close(slave)
        written, deadline = b"", time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    piece = os.read(master, 65536)
                except OSError:
                    break
                if not piece:
                    break
                written += piece
            if end is not None and written.decode(errors="ignore").count(until) >= 2:
                process.send_signal(end)
                end = None
        if process.poll() is None:
            process.kill()
        status = process.wait(30)
    os.close(master)
    return written.decode(), status


@pytest.fixture
def data(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a site of its own on SQLite, on the Valkeys of the tests."""
    return {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'own.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "healthsite.settings",
    }


@pytest.mark.processes
def test_on_a_terminal_it_refreshes_until_ctrl_c_and_leaves_no_trace(
    db: None, data: dict[str, str]
) -> None:
    # The database has no tables, which is as good as none: everything else is shown.
    written, status = in_terminal(environment=data, until="Share pipeline", end=signal.SIGINT)
    assert status == 0
    assert "Traceback" not in written
    assert written.startswith("\033[?1049h\033[?25l")
    drawn, _, after = written.partition("\033[?25h\033[?1049l")
    assert drawn.count("Share pipeline") >= 2
    assert "\033[31;1m" in drawn, "what is wrong is red"
    assert after.startswith("Share pipeline"), "the last screen stays"


@pytest.mark.processes
def test_ended_by_the_system_it_gives_the_cursor_back_and_no_color_is_heeded(
    db: None, data: dict[str, str]
) -> None:
    written, status = in_terminal(
        environment=data | {"NO_COLOR": "1"}, until="Share pipeline", end=signal.SIGTERM
    )
    assert status == 128 + signal.SIGTERM
    assert written.count("\033[?25h\033[?1049l") == 1
    assert not re.search(r"\033\[[0-9;]*m", written)
