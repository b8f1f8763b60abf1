"""`manage.py recount`, the same as `manage.py share_pipeline --recount`"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from healthsite.watching import working
from healthsite.watching.bar import Bar


class Command(BaseCommand):
    help = (
        "Compute all sums of share counts from the counts of days, while the site runs, and list "
        "every difference; status 1 where there is one."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--repair", action="store_true", help="write what was computed where it differs"
        )

    def handle(self, *args: Any, repair: bool, **options: Any) -> None:
        # A bar ends its lines itself, or not.
        self.stdout.ending = ""
        recount(Bar(self.stdout), repair=repair)


def recount(bar: Bar, *, repair: bool) -> None:
    """Compare, and end with a sentence; raises CommandError where sums differ and stay so."""
    try:
        found = working.recount(bar, repair=repair)
    except KeyboardInterrupt:
        bar.clear()
        raise CommandError("Stopped; nothing is half written.", returncode=130) from None
    if not found:
        bar.say("Differences: none.")
    elif repair:
        bar.say(f"Differences: {found:,}, all repaired.")
    else:
        raise CommandError(f"Differences: {found:,}. --repair writes what was computed.")
