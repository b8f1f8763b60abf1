"""`manage.py do_chores`"""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from healthsite.chores import actions, queries


class Command(BaseCommand):
    help = "Write the search index and do whatever else waits, now and without a worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--failed", action="store_true", help="also what was given up, as if it were new"
        )

    def handle(self, *args: Any, failed: bool, **options: Any) -> None:
        if failed:
            actions.try_again()
        made = 0
        while number := actions.do_due():
            made += number
        given_up = queries.standing().failed
        self.stdout.write(f"{made} done; {given_up} given up.")
