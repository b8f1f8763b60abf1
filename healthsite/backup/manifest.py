"""What a backup says of itself: the last member of its file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

from healthsite.backup.problem import BackupProblem, Damaged

NAME = "manifest.json"
FORMAT = 1
DATABASE = "database.sqlite3.gz"
TABLES = "tables/"
MEDIA = "media/"


@dataclass(frozen=True)
class Member:
    """One file of the backup: sizes in bytes, as stored and once unpacked; the hash is of the stored bytes."""

    name: str
    size: int
    unpacked: int
    sha256: str

    @property
    def is_packed(self) -> bool:
        """Return whether it is gzip; media are stored as they are, being compressed already."""
        return not self.name.startswith(MEDIA)


@dataclass(frozen=True)
class Table:
    """One table: the columns as they stand in its member, and how many rows it has."""

    name: str
    columns: Sequence[str]
    rows: int


@dataclass(frozen=True)
class Sequence_:
    """Where the numbers of one column go on (PostgreSQL)."""

    table: str
    column: str
    last_value: int
    is_called: bool


@dataclass(frozen=True)
class Manifest:
    """Everything that is known of a backup. `migrations` maps an app to all its applied migrations."""

    format: int
    created_at: str
    healthsite: str
    site_url: str
    database: str
    migrations: Mapping[str, Sequence[str]]
    tables: Sequence[Table]
    sequences: Sequence[Sequence_]
    events_waiting: int | None
    members: Sequence[Member]

    @property
    def media(self) -> Sequence[Member]:
        """Return the members that are uploaded files and their renditions."""
        return [member for member in self.members if member.name.startswith(MEDIA)]

    @property
    def rows(self) -> int:
        """Return how many rows all tables have together."""
        return sum(table.rows for table in self.tables)

    def member(self, name: str) -> Member:
        """Return a member by name; raises Damaged where there is none."""
        for member in self.members:
            if member.name == name:
                return member
        raise Damaged(f"The backup has no {name}.")

    def as_json(self) -> bytes:
        """Return the bytes that `parse` reads."""
        return json.dumps(asdict(self), indent=1).encode()


def parse(raw: bytes) -> Manifest:
    """Return the manifest in `raw`; raises Damaged, or BackupProblem for a format of the future."""
    try:
        found: dict[str, Any] = json.loads(raw)
        number = int(found["format"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Damaged("The manifest of the backup cannot be read.") from error
    if number > FORMAT:
        raise BackupProblem(
            f"This backup has format {number}, made by healthsite {found.get('healthsite')!s:.40}; this "
            f"healthsite reads format {FORMAT}. Restore it with that version or a newer one."
        )
    try:
        manifest = Manifest(
            format=number,
            created_at=_text(found["created_at"]),
            healthsite=_text(found["healthsite"]),
            site_url=_text(found["site_url"]),
            database=_text(found["database"]),
            migrations={
                _text(app): [_text(name) for name in names]
                for app, names in found["migrations"].items()
            },
            tables=[
                Table(_text(t["name"]), [_text(c) for c in t["columns"]], _count(t["rows"]))
                for t in found["tables"]
            ],
            sequences=[
                Sequence_(
                    _text(s["table"]),
                    _text(s["column"]),
                    _count(s["last_value"]),
                    bool(s["is_called"]),
                )
                for s in found["sequences"]
            ],
            events_waiting=None
            if found["events_waiting"] is None
            else _count(found["events_waiting"]),
            members=[
                Member(
                    _text(m["name"]), _count(m["size"]), _count(m["unpacked"]), _text(m["sha256"])
                )
                for m in found["members"]
            ],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged("The manifest of the backup cannot be read.") from error
    _refuse_unsafe_names(manifest)
    return manifest


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(value)
    return value


def _refuse_unsafe_names(manifest: Manifest) -> None:
    """Refuse names that would leave the folder, stand twice, or mean nothing here."""
    expected = (
        {DATABASE}
        if manifest.database == "sqlite"
        else {f"{TABLES}{table.name}.copy.gz" for table in manifest.tables}
    )
    seen: set[str] = set()
    for member in manifest.members:
        name = member.name
        is_media = name.startswith(MEDIA) and _stays_inside(name.removeprefix(MEDIA))
        if name in seen or not (is_media or name in expected):
            raise Damaged(f"The backup has a member that cannot belong to one: {name[:200]!r}.")
        if not member.is_packed and member.size != member.unpacked:
            raise Damaged(f"The manifest gives two sizes for {name[:200]!r}.")
        seen.add(name)
    if missing := expected - seen:
        raise Damaged(f"The backup has no {min(missing)}.")


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return (
        bool(path.parts)
        and not path.is_absolute()
        and ".." not in path.parts
        and str(path) == name
        and not any(sign in name for sign in ("\0", "\\"))
    )
