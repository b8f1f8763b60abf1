"""Make a backup, while the site runs."""

import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from wagtail.models import Site

from healthsite.backup import check, events, files, manifest, media, postgresql, schema, sqlite
from healthsite.backup.archive import CHUNK, Writer
from healthsite.backup.manifest import Manifest, Sequence_, Table
from healthsite.backup.problem import BackupProblem
from healthsite.backup.progress import Progress, size
from healthsite.paths import PROJECT_ROOT
from sharing import valkey


@dataclass(frozen=True)
class Made:
    """A backup that is whole: its file, its size in bytes, what it says of itself, and what to tell."""

    file: Path
    size: int
    manifest: Manifest
    remarks: Sequence[str]


def default_file(moment: datetime) -> Path:
    """Return where a backup of this moment goes when nobody says."""
    return settings.DATA_DIR / "backups" / f"healthsite-{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar"


def create(*, file: Path | None, without_events: bool, progress: Progress) -> Made:
    """Write a backup to a file that is not there yet; raises BackupProblem, and then leaves none.

    The database is taken first: whatever it names was on the disk by then, and is in the media read
    after it, unless it is deleted in between.
    """
    moment = datetime.now(UTC)
    target = _target(file, moment)
    waiting = None if without_events else _count_events()
    with files.disk_errors(target.parent), files.unfinished(target.parent) as (path, stream):
        writer = Writer(stream)
        tables, sequences, migrations = _write_database(writer, target.parent, progress)
        remarks = _write_media(writer, progress)
        writer.close(
            Manifest(
                format=manifest.FORMAT,
                created_at=moment.isoformat(timespec="seconds"),
                healthsite=version(),
                site_url=_site_url(),
                database=connection.vendor,
                migrations=migrations,
                tables=tables,
                sequences=sequences,
                events_waiting=waiting,
                members=writer.members,
            )
        )
        files.sync_file(stream)
        made = check.read_whole(path, progress)
        if target.exists():
            raise BackupProblem(f"{target} appeared meanwhile. It was left alone.")
        path.rename(target)
        files.sync_folder(target.parent)
    return Made(target, target.stat().st_size, made, remarks)


def version() -> str:
    """Return this healthsite's version, or nothing where its project file is not installed."""
    with suppress(OSError, KeyError):
        project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])
    return ""


def _target(file: Path | None, moment: datetime) -> Path:
    target = (file or default_file(moment)).absolute()
    root = Path(settings.MEDIA_ROOT)
    if target.resolve().is_relative_to(root.resolve()):
        raise BackupProblem(f"{root} is public: a backup in it could be fetched by anybody.")
    if file is None:
        with files.disk_errors(target.parent):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if target.exists() or target.is_symlink():
        raise BackupProblem(f"{target} is there already. No backup overwrites another.")
    if not target.parent.is_dir():
        raise BackupProblem(f"There is no folder {target.parent}.")
    return target


def _count_events() -> int:
    try:
        return events.count_waiting()
    except valkey.Silent as silence:
        raise BackupProblem(
            f"The events server is silent ({silence}), and accepted shares may wait in it.\n"
            "Start the site, or leave them out with --without-events. No backup was made."
        ) from silence


def _site_url() -> str:
    site = Site.objects.filter(is_default_site=True).first()
    return site.root_url if site else settings.SITE_URL


def _write_database(
    writer: Writer, folder: Path, progress: Progress
) -> tuple[list[Table], list[Sequence_], dict[str, list[str]]]:
    if connection.vendor == "postgresql":
        with postgresql.one_moment():
            names = schema.tables()
            progress.start("database", postgresql.size(names))
            tables = postgresql.write(names, schema.LEFT_OUT, writer, progress.advance)
            sequences = postgresql.sequences(names)
            migrations = schema.of_installed_apps(
                MigrationRecorder(connection).applied_migrations()
            )
    else:
        with files.unfinished(folder) as (copied, _):
            source = Path(connection.settings_dict["NAME"])
            sqlite.copy(source, copied, schema.LEFT_OUT, progress)
            tables, sequences = sqlite.count_rows(copied, schema.tables()), []
            migrations = schema.of_installed_apps(sqlite.migrations(copied))
            progress.start("database", copied.stat().st_size)
            with copied.open("rb") as file, writer.member(manifest.DATABASE) as sink:
                while piece := file.read(CHUNK):
                    sink.write(piece)
                    progress.advance(len(piece))
    rows = sum(table.rows for table in tables)
    progress.finish(f"{rows} rows in {len(tables)} tables")
    return tables, sequences, migrations


def _write_media(writer: Writer, progress: Progress) -> list[str]:
    if not isinstance(default_storage, FileSystemStorage):
        return ["Media lie in a storage elsewhere and are not in this backup."]
    root = Path(settings.MEDIA_ROOT)
    found = media.find(root)
    total = sum(count for _, count in found)
    progress.start("media", total)
    remarks = media.write(root, [name for name, _ in found], writer, progress.advance)
    progress.finish(f"{len(found)} files, {size(total)}")
    return remarks
