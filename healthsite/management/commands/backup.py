"""`manage.py backup`"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from healthsite.backup import check, create
from healthsite.backup.problem import BackupProblem
from healthsite.backup.progress import Progress, size


class Command(BaseCommand):
    help = (
        "Write database and media into one file, while the site runs. The secret key, sessions, the "
        "cache and the job queue are not in it."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", nargs="?", type=Path, help="where to; backups/ in the data folder by default"
        )
        parser.add_argument(
            "--verify",
            type=Path,
            metavar="FILE",
            help="only read this backup and say if it is whole",
        )
        parser.add_argument(
            "--without-events",
            action="store_true",
            help="do not count waiting share events first; for when their server is silent",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Progress ends its lines itself, or not.
        self.stdout.ending = ""
        progress = Progress(self.stdout)
        try:
            if options["verify"]:
                found = check.read_whole(options["verify"], progress)
                progress.say(
                    f"{options['verify']} is whole: {found.site_url}, {found.created_at}, "
                    f"{found.rows} rows, {len(found.media)} media files."
                )
                return
            made = create.create(
                file=options["file"], without_events=options["without_events"], progress=progress
            )
        except BackupProblem as problem:
            raise CommandError(str(problem)) from problem
        for remark in made.remarks:
            progress.say(f"note: {remark}")
        if made.manifest.events_waiting:
            progress.say(
                f"note: {made.manifest.events_waiting} share events came meanwhile; the next backup "
                "has them"
            )
        progress.say(f"backup {made.file} ({size(made.size)})")
