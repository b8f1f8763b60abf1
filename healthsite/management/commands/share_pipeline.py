"""`manage.py share_pipeline`"""

import json
import os
import shutil
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from healthsite.management.commands.recount import recount
from healthsite.watching import live, reading, screen, working
from healthsite.watching.bar import Bar
from sharing import set_aside
from sharing.valkey import Silent


class Command(BaseCommand):
    help = (
        "Show how accepted shares get on, each second until Ctrl-C; count what waits, compare sums, "
        "or list what could not be counted."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--once", action="store_true", help="show it once, as where the output is no terminal"
        )
        what.add_argument("--json", action="store_true", help="write it once, as one JSON object")
        what.add_argument(
            "--drain", action="store_true", help="count what waits now, with or without workers"
        )
        what.add_argument(
            "--recount", action="store_true", help="compare all sums with the counts of days"
        )
        what.add_argument(
            "--set-aside",
            action="store_true",
            help="list entries that could not be counted, and why",
        )
        what.add_argument(
            "--requeue-set-aside",
            action="store_true",
            help="put back those of them that can be counted now",
        )
        parser.add_argument(
            "--repair", action="store_true", help="with --recount: write what was computed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["repair"] and not options["recount"]:
            raise CommandError("--repair goes with --recount.")
        # A bar ends its lines itself, or not.
        self.stdout.ending = ""
        servers = reading.Servers()
        if options["recount"]:
            recount(Bar(self.stdout), repair=options["repair"])
        elif options["drain"]:
            self._drain(servers)
        elif options["set_aside"]:
            self._list_set_aside(servers)
        elif options["requeue_set_aside"]:
            self._requeue(servers)
        elif options["json"] or options["once"] or not self.stdout.isatty():
            self._show(servers, as_json=options["json"], no_color=options["no_color"])
        else:
            live.watch(self.stdout, servers, colours=self._has_colours(options["no_color"]))

    def _show(self, servers: reading.Servers, *, as_json: bool, no_color: bool) -> None:
        now = reading.take(servers)
        if as_json:
            self.stdout.write(json.dumps(reading.as_json(now)) + "\n")
        else:
            width = shutil.get_terminal_size().columns
            shown = screen.lines(
                now, reading.Rates(), width=width, colours=self._has_colours(no_color)
            )
            self.stdout.write("".join(f"{line}\n" for line in shown))
        if now.silent:
            raise CommandError(" ".join(f"{name} does not answer." for name in now.silent))

    def _drain(self, servers: reading.Servers) -> None:
        try:
            drained = working.drain(servers.events, Bar(self.stdout))
        except Silent as silence:
            raise CommandError(_silent(silence, "What was in the inbox is counted.")) from silence
        except working.Stuck as stuck:
            raise CommandError(str(stuck)) from stuck
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. What is counted is counted; the rest waits.", returncode=130
            ) from None
        others = max(0, drained.waited - drained.counted)
        beside = f", about {others:,} by workers beside this" if others else ""
        self.stdout.write(f"{drained.counted:,} events counted{beside}; nothing waits.\n")

    def _list_set_aside(self, servers: reading.Servers) -> None:
        found = 0
        try:
            for entry in set_aside.entries(servers.events):
                found += 1
                moment = f"{entry.at:%Y-%m-%d %H:%M:%S}" if entry.at else "at an unknown time"
                fields = " ".join(f"{name}={value}" for name, value in entry.fields.items())
                why = entry.why or "can be counted now: --requeue-set-aside"
                self.stdout.write(f"{entry.entry_id}  {moment}  {why}\n    {fields}\n")
        except Silent as silence:
            raise CommandError(_silent(silence)) from silence
        self.stdout.write(f"{found:,} set aside.\n" if found else "Nothing is set aside.\n")

    def _requeue(self, servers: reading.Servers) -> None:
        try:
            moved, left = set_aside.requeue(servers.events)
        except Silent as silence:
            raise CommandError(_silent(silence)) from silence
        self.stdout.write(f"{moved:,} put back; {left:,} stay: --set-aside says why.\n")

    def _has_colours(self, no_color: bool) -> bool:
        return (
            self.stdout.isatty()
            and not no_color
            and not os.environ.get("NO_COLOR")
            and os.environ.get("TERM") != "dumb"
        )


def _silent(silence: Silent, more: str = "") -> str:
    reason = str(silence).rstrip(".")
    return f"The events server (REDIS_URL) does not answer: {reason}. {more}".strip()
