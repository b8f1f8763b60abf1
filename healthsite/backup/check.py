"""Read a whole backup without touching anything."""

from pathlib import Path

from healthsite.backup.archive import Reader
from healthsite.backup.manifest import TABLES, Manifest
from healthsite.backup.problem import BackupProblem, Damaged
from healthsite.backup.progress import Progress, size


def read_whole(file: Path, progress: Progress) -> Manifest:
    """Return the manifest once every member was found to be what it says; raises Damaged otherwise."""
    try:
        with file.open("rb") as stream:
            return read_opened(Reader(stream), progress)
    except OSError as error:
        raise BackupProblem(f"{file}: {error.strerror or error}.") from error


def read_opened(reader: Reader, progress: Progress) -> Manifest:
    """Check every member of a backup that is open already; raises Damaged."""
    manifest = reader.manifest
    total = sum(member.size for member in manifest.members)
    progress.start("checking", total)
    rows_of = {f"{TABLES}{table.name}.copy.gz": table.rows for table in manifest.tables}
    for member in manifest.members:
        rows = 0
        for piece in reader.content(member, progress.advance):
            rows += piece.count(b"\n")
        if member.name in rows_of and rows != rows_of[member.name]:
            raise Damaged(f"{member.name} has {rows} rows; the manifest says another number.")
    progress.finish(f"{len(manifest.members)} members are whole, {size(total)}")
    return manifest
