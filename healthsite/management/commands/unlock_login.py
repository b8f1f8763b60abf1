"""End the waits at the log-in."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from healthsite.signing_in.attempts import forget_everything_about
from sharing.valkey import Silent


class Command(BaseCommand):
    help = "End the waits at the log-in, for one user name or for all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", nargs="?", help="a user name; without one, everybody's")

    def handle(self, *args: Any, **options: Any) -> None:
        user: str | None = options["user"]
        try:
            ended = forget_everything_about(user)
        except Silent as reason:
            raise CommandError(
                "The cache server is silent, so nothing was ended. Without it each process counts for "
                "itself, for a minute at most."
            ) from reason
        whom = user or "everybody"
        self.stdout.write(f"Ended {ended} wait{'' if ended == 1 else 's'} and counts for {whom}.")
