"""`manage.py prepare`"""

import fcntl
import hashlib
import io
import json
import os
import secrets
import string
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from healthsite import env, startup
from healthsite.paths import PROJECT_ROOT, built_static_dir
from healthsite.supervisor.report import unshown_password_marker

_STATIC_STAMP = ".prepared"
# PostgreSQL's number for our lock; any constant does that nothing else takes.
_ADVISORY_LOCK = 0x4EA17451


class Command(BaseCommand):
    help = (
        "Bring the database, static files, the site's address and the starter content up to date, "
        "and make the first administrator. What is up to date is skipped; it may be killed at any "
        "moment and repeated."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--report", type=int, help="file descriptor for steps and password, as lines of JSON"
        )

    def handle(self, *args: Any, report: int | None, **options: Any) -> None:
        self._report = report
        if found := startup.refusals():
            for sentence in found if report is not None else ():
                self._tell(sentence, kind="refused")
            raise CommandError("\n".join(found))
        with self._one_at_a_time():
            self._migrate()
            self._collect_static_files()
            self._run("install_starter_content")
            self._run("sync_site")
            self._make_first_administrator()

    def _tell(self, text: str, kind: str = "step") -> None:
        if self._report is None:
            self.stdout.write(text)
        else:
            os.write(self._report, json.dumps({kind: text}).encode() + b"\n")

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Wait for another preparation of the same data folder or the same PostgreSQL."""
        with (settings.DATA_DIR / "prepare.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._tell("another preparation is running; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    # Held until this process disconnects.
                    cursor.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
            yield

    def _run(self, command: str) -> None:
        output = io.StringIO()
        call_command(command, stdout=output)
        for line in output.getvalue().splitlines():
            self._tell(line)

    # --- Database --------------------------------------------------------------------------------

    def _migrate(self) -> None:
        """Migrate, unless the SQLite file itself says that it has all of these migrations."""
        stamp = _migrations_stamp() if connection.vendor == "sqlite" else None
        if stamp is not None and _user_version() == stamp:
            self._tell("database: up to date")
            return
        self._tell("database: migrating")
        call_command("migrate", interactive=False, verbosity=0)
        if stamp is not None:
            with connection.cursor() as cursor:
                cursor.execute(f"PRAGMA user_version = {stamp:d}")
        self._tell("database: migrated")

    # --- Static files ----------------------------------------------------------------------------

    def _collect_static_files(self) -> None:
        root = Path(settings.STATIC_ROOT)
        stamp, manifest = root / _STATIC_STAMP, root / "staticfiles.json"
        if built_static_dir():
            if not manifest.exists():
                raise CommandError(
                    f"HEALTHSITE_STATIC is {root}, which holds no collected files: run "
                    "`manage.py collectstatic` where the image is built."
                )
            self._tell("static files: built beforehand")
            return
        wanted = _static_stamp()
        if stamp.exists() and manifest.exists() and stamp.read_text() == wanted:
            self._tell("static files: up to date")
            return
        self._tell("static files: collecting")
        # First away, last back: a collection that is killed is repeated.
        stamp.unlink(missing_ok=True)
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(wanted)
        self._tell("static files: collected")

    # --- Administrator ---------------------------------------------------------------------------

    def _make_first_administrator(self) -> None:
        """Make `admin` where there is no superuser; a generated password is stored nowhere."""
        users = User.objects
        marker = unshown_password_marker(settings.DATA_DIR)
        given = env.secret("HEALTHSITE_ADMIN_PASSWORD")
        password = given or _new_password()
        with transaction.atomic():
            never_shown = users.filter(username="admin", is_superuser=True, last_login=None).first()
            if marker.exists() and never_shown is not None:
                never_shown.set_password(password)
                never_shown.save(update_fields=["password"])
            elif users.filter(is_superuser=True).exists():
                marker.unlink(missing_ok=True)
                return
            elif users.filter(username="admin").exists():
                self._tell(
                    "administrator: none, and the name admin is taken; make one with "
                    "`manage.py createsuperuser`"
                )
                return
            else:
                users.create_superuser("admin", password=password)
            if not given:
                marker.touch()
        if given:
            marker.unlink(missing_ok=True)
            self._tell("administrator: admin, with the password of HEALTHSITE_ADMIN_PASSWORD")
        elif self._report is None:
            self._tell(f"administrator: admin, password {password} (shown only here)")
            marker.unlink()
        else:
            self._tell("administrator: admin, with a new password")
            self._tell(password, kind="password")


def _new_password() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(16))


def _user_version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA user_version")
        return int(cursor.fetchone()[0])


def _migrations_stamp() -> int:
    """Return a number for all migrations; the database file carries it wherever it is copied.

    SQLite keeps a signed 32-bit number there for applications, and 0 in a new file
    (https://www.sqlite.org/pragma.html#pragma_user_version, checked 2026-11).
    """
    value = 0
    for piece in _sources("migrations", "*.py"):
        value = zlib.crc32(piece, value)
    return value & 0x7FFFFFFF or 1


def _static_stamp() -> str:
    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for piece in _sources("static", "*"):
        digest.update(piece)
    return digest.hexdigest()


def _sources(folder: str, pattern: str) -> Iterator[bytes]:
    """Yield names and contents of our apps' files in `folder`, and what names everybody else's."""
    yield (PROJECT_ROOT / "requirements.lock").read_bytes()
    yield repr(settings.INSTALLED_APPS).encode()
    for app in apps.get_app_configs():
        if Path(app.path).parent == PROJECT_ROOT:
            for file in sorted((Path(app.path) / folder).rglob(pattern)):
                if file.is_file():
                    yield str(file.relative_to(PROJECT_ROOT)).encode()
                    yield file.read_bytes()
