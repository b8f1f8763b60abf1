"""Restore a backup into an empty data folder or an empty database.

Everything is unpacked beside its place and moved at the end, the database last. Killed before that,
nothing is there that another restore would not replace.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import Error, connection, transaction

from articles import freshness
from healthsite.backup import (
    check,
    events,
    files,
    held,
    manifest,
    media,
    postgresql,
    schema,
    sqlite,
)
from healthsite.backup.archive import Reader
from healthsite.backup.manifest import Manifest
from healthsite.backup.problem import BackupProblem, Damaged
from healthsite.backup.progress import Progress
from healthsite.supervisor import data_folder
from healthsite.supervisor.failure import Failure

_MARKER = "restore.unfinished"
_STAGED = "restore-unfinished"
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def restore(*, file: Path, progress: Progress) -> Manifest:
    """Restore a backup and return its manifest; raises BackupProblem, and says what was touched."""
    data: Path = settings.DATA_DIR
    try:
        with file.open("rb") as stream:
            reader = Reader(stream)
            found = check.read_opened(reader, progress)
            _refuse_another_vendor(found)
            schema.refuse_unknown(found.migrations, found.healthsite)
            with _claimed(data), files.disk_errors(data):
                _refuse_used(data)
                _bring_back(reader, data, progress)
    except OSError as error:
        raise BackupProblem(f"{file}: {error.strerror or error}.") from error
    _migrate_forward(progress)
    # Copies of pages may be left of the database that was here before.
    freshness.drop_everything()
    (data / _MARKER).unlink(missing_ok=True)
    return found


def _refuse_another_vendor(found: Manifest) -> None:
    if found.database != connection.vendor:
        there, here = (
            _NAMES.get(name, f"{name:.20}") for name in (found.database, connection.vendor)
        )
        raise BackupProblem(
            f"The backup is of {there} and this site runs on {here}; one cannot be restored into the "
            f"other. Nothing was touched. Set DATABASE_URL to an empty {there} database."
        )


@contextmanager
def _claimed(data: Path) -> Iterator[None]:
    """Keep the site, and another restore, off the data folder meanwhile."""
    try:
        data_folder.make_writable(data)
        lock = data_folder.Lock(data, "manage.py restore")
    except Failure as failure:
        raise BackupProblem(str(failure)) from failure
    try:
        yield
    finally:
        lock.release()


def _refuse_used(data: Path) -> None:
    """Raise BackupProblem where anything would be overwritten or mixed."""
    began = (data / _MARKER).exists()
    elsewhere = (
        "Restore into an empty folder, for example with HEALTHSITE_DATA=./restored, and start the "
        "site there. Nothing was touched."
    )
    if connection.vendor == "sqlite":
        database = Path(connection.settings_dict["NAME"])
        if sqlite.has_tables(database):
            if began:
                raise BackupProblem(
                    f"{database} was restored completely, then the command was interrupted. Start the "
                    f"site on it; or move it away, with {data / _MARKER} left, to restore again."
                )
            raise BackupProblem(f"There is a database already: {database}.\n{elsewhere}")
    else:
        postgresql.claim()
        postgresql.refuse_used()
    if not began and not media.is_empty(Path(settings.MEDIA_ROOT)):
        raise BackupProblem(f"There are media already: {settings.MEDIA_ROOT}.\n{elsewhere}")
    if not media.is_empty(data / "valkey"):
        raise BackupProblem(
            f"{data / 'valkey'} holds the share events of another site; they would be counted "
            f"here.\n{elsewhere}"
        )
    if remark := events.refuse_strangers():
        raise BackupProblem(remark)


def _bring_back(reader: Reader, data: Path, progress: Progress) -> None:
    found = reader.manifest
    media_root = Path(settings.MEDIA_ROOT)
    staged_media = media_root.with_name(f"{media_root.name}.{_STAGED}")
    shutil.rmtree(staged_media, ignore_errors=True)
    on_sqlite = connection.vendor == "sqlite"
    needed = sum(member.unpacked for member in (found.members if on_sqlite else found.media))
    files.require_room(media_root.parent, needed)
    marker = {"backup of": found.created_at, "site": found.site_url}
    (data / _MARKER).write_text(json.dumps(marker), encoding="utf-8")
    try:
        progress.start("media", sum(member.size for member in found.media))
        media.unpack(found.media, reader, staged_media, progress.advance)
        files.sync_tree(staged_media)
        progress.finish(f"{len(found.media)} files")
        if on_sqlite:
            _bring_back_sqlite(reader, staged_media, media_root, progress)
        else:
            _bring_back_postgresql(reader, staged_media, media_root, progress)
    except BaseException:
        # After a kill the next restore does this.
        shutil.rmtree(staged_media, ignore_errors=True)
        raise


def _bring_back_sqlite(
    reader: Reader, staged_media: Path, media_root: Path, progress: Progress
) -> None:
    found = reader.manifest
    database = Path(connection.settings_dict["NAME"])
    staged = database.with_name(f"{database.name}.{_STAGED}")
    sqlite.remove(staged)
    try:
        member = found.member(manifest.DATABASE)
        progress.start("database", member.size)
        staged.touch(mode=0o600)
        with staged.open("r+b") as file:
            for piece in reader.content(member, progress.advance):
                file.write(piece)
            files.sync_file(file)
        sqlite.require_whole(staged)
        _require_counts(staged, found)
        sqlite.execute(staged, held.statements(_tables(found)))
        _move_media(staged_media, media_root)
        # What an unused database left must not be taken for this one's journal.
        sqlite.remove(database)
        staged.rename(database)
        files.sync_folder(database.parent)
    except BaseException:
        sqlite.remove(staged)
        raise
    progress.finish(f"{found.rows} rows in {len(found.tables)} tables")


def _tables(found: Manifest) -> set[str]:
    return {table.name for table in found.tables}


def _require_counts(staged: Path, found: Manifest) -> None:
    counted = sqlite.count_rows(staged, [table.name for table in found.tables])
    for here, there in zip(counted, found.tables, strict=True):
        if here.rows != there.rows:
            raise Damaged(f"{here.name} has {here.rows} rows where the manifest says {there.rows}.")


def _bring_back_postgresql(
    reader: Reader, staged_media: Path, media_root: Path, progress: Progress
) -> None:
    found = reader.manifest
    try:
        progress.say("database: making the tables")
        schema.migrate_exactly(found.migrations)
        tables = [member for member in found.members if member.name.startswith(manifest.TABLES)]
        progress.start("database", sum(member.size for member in tables))
        with transaction.atomic(durable=True):
            # Whoever wrote meanwhile is noticed before anything is replaced.
            postgresql.refuse_used()
            postgresql.read(found, reader, progress.advance)
            with connection.cursor() as cursor:
                for statement in held.statements(_tables(found)):
                    cursor.execute(statement)
            _move_media(staged_media, media_root)
    except Error as error:
        raise BackupProblem(
            f"PostgreSQL refused: {error} No row was kept. If an earlier restore was killed on this "
            "database, half a migration may be left: make a new, empty one and restore into that."
        ) from error
    progress.finish(f"{found.rows} rows in {len(found.tables)} tables")


def _move_media(staged: Path, root: Path) -> None:
    """Put the media where they belong; what is there is empty, or of an interrupted restore."""
    if root.is_symlink() or root.is_mount():
        # A volume stays where it is mounted.
        for entry in list(root.iterdir()):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        for entry in list(staged.iterdir()):
            shutil.move(entry, root / entry.name)
        staged.rmdir()
    else:
        if root.exists():
            shutil.rmtree(root)
        staged.rename(root)
        files.sync_folder(root.parent)


def _migrate_forward(progress: Progress) -> None:
    ContentType.objects.clear_cache()
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except (CommandError, Error) as error:
        raise BackupProblem(
            "Everything was restored, but the database could not be brought up to this version: "
            f"{error}\nRestore with the version that made the backup, or mend this and start again."
        ) from error
    progress.say("database: up to date with this version")
