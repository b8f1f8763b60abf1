"""`manage.py restore`"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from healthsite.backup import restore
from healthsite.backup.problem import BackupProblem
from healthsite.backup.progress import Progress


class Command(BaseCommand):
    help = (
        "Restore a backup into an empty data folder or an empty database. The whole file is checked "
        "before anything is touched; killed in the middle, it may be repeated."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a file that `backup` made")

    def handle(self, *args: Any, **options: Any) -> None:
        # Progress ends its lines itself, or not.
        self.stdout.ending = ""
        progress = Progress(self.stdout)
        try:
            found = restore.restore(file=options["file"], progress=progress)
        except BackupProblem as problem:
            raise CommandError(str(problem)) from problem
        progress.say(
            f"restored {found.site_url} as of {found.created_at}: {found.rows} rows, "
            f"{len(found.media)} media files"
        )
        progress.say(
            "Sessions and the secret key are in no backup: everybody signs in anew, with the same "
            "passwords; links in password-reset mails end. Start the site with `make run`."
        )
