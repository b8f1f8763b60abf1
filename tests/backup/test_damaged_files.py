"""A file that is not a whole backup is refused, with a reason, before anything is touched."""

import dataclasses
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from healthsite.backup import check
from healthsite.backup.archive import Writer
from healthsite.backup.manifest import Manifest, Member, Table
from healthsite.backup.problem import BackupProblem, Damaged
from healthsite.backup.progress import Progress

CONTENT = {
    "tables/django_migrations.copy.gz": b"1\tauth\n2\tsites\n",
    "media/original_images/a.png": bytes(range(256)) * 20,
    "media/documents/b.pdf": b"",
}
MANIFEST = Manifest(
    format=1,
    created_at="2026-11-25T00:00:00+00:00",
    healthsite="0.1.0",
    site_url="https://health.example.org",
    database="postgresql",
    migrations={"auth": ["0001_initial"]},
    tables=[Table("django_migrations", ["id", "app"], 2)],
    sequences=[],
    events_waiting=0,
    members=[],
)


def write(file: Path, content: dict[str, bytes], **changes: object) -> Path:
    """Write a backup as the command does, and change what its manifest says."""
    with file.open("w+b") as stream:
        writer = Writer(stream)
        for name, data in content.items():
            with writer.member(name) as sink:
                sink.write(data)
        manifest = dataclasses.replace(MANIFEST, members=writer.members)
        writer.close(dataclasses.replace(manifest, **changes))  # type: ignore[arg-type]
    return file


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return write(tmp_path / "b.tar", CONTENT)


def read(file: Path) -> tuple[Manifest, str]:
    output = io.StringIO()
    return check.read_whole(file, Progress(output)), output.getvalue()


def test_a_whole_file_is_found_whole_and_any_tool_can_list_it(whole: Path) -> None:
    manifest, said = read(whole)
    assert "3 members are whole" in said
    assert manifest.rows == 2
    with tarfile.open(whole) as opened:
        assert opened.getnames() == [*CONTENT, "manifest.json"]
        member = opened.extractfile("media/original_images/a.png")
        assert member is not None
        assert member.read() == CONTENT["media/original_images/a.png"]


def test_a_file_cut_off_anywhere_is_refused(whole: Path) -> None:
    raw = whole.read_bytes()
    for length in [*range(0, len(raw), 511), len(raw) - 1]:
        whole.write_bytes(raw[:length])
        with pytest.raises(Damaged):
            read(whole)


def test_a_changed_byte_is_noticed_anywhere_in_the_content(whole: Path) -> None:
    raw = bytearray(whole.read_bytes())
    with tarfile.open(whole) as opened:
        members = [(m.offset_data, m.size) for m in opened if m.name != "manifest.json"]
    for start, size in members:
        for place in range(start, start + size, 97):
            raw[place] ^= 1
            whole.write_bytes(raw)
            with pytest.raises(Damaged):
                read(whole)
            raw[place] ^= 1


def test_something_after_the_end_is_refused(whole: Path) -> None:
    whole.write_bytes(whole.read_bytes() + b"more")
    with pytest.raises(Damaged, match="end"):
        read(whole)


@pytest.mark.parametrize("junk", [b"", b"\0" * 2048, b"x" * 5000, b"PK\x03\x04" + b"y" * 3000])
def test_what_never_was_a_backup_is_refused(junk: bytes, tmp_path: Path) -> None:
    file = tmp_path / "junk"
    file.write_bytes(junk)
    with pytest.raises(Damaged):
        read(file)


def test_no_file_and_a_folder_are_refused_in_words(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(BackupProblem):
            read(path)


@pytest.mark.parametrize(
    "name",
    [
        "media/../../etc/passwd",
        "media//etc/passwd",
        "media/..",
        "media/.",
        "media/",
        "media/a/./b",
        "media/a//b",
        "media/a\\..\\b",
        "/etc/passwd",
        "../x",
        "secret_key",
        "tables/other.copy.gz",
        "database.sqlite3.gz",
    ],
)
def test_a_member_that_would_leave_its_place_is_refused(name: str, tmp_path: Path) -> None:
    file = write(tmp_path / "b.tar", CONTENT | {name: b"x"})
    with pytest.raises(Damaged, match="cannot belong"):
        read(file)


def test_a_member_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "b.tar").open("w+b") as stream:
        writer = Writer(stream)
        for name in [*CONTENT, "media/documents/b.pdf"]:
            with writer.member(name):
                pass
        writer.close(dataclasses.replace(MANIFEST, members=writer.members))
    with pytest.raises(Damaged):
        read(tmp_path / "b.tar")


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
        tarfile.XHDTYPE,
        tarfile.GNUTYPE_SPARSE,
    ],
)
def test_links_devices_folders_and_odd_headers_are_refused(kind: bytes, whole: Path) -> None:
    info = tarfile.TarInfo("media/original_images/a.png")
    info.type, info.linkname = kind, "/etc/passwd"
    whole.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + whole.read_bytes())
    with pytest.raises(Damaged):
        read(whole)


def test_members_that_the_manifest_does_not_name_or_that_are_missing_are_refused(
    tmp_path: Path,
) -> None:
    file = write(tmp_path / "b.tar", CONTENT)
    members = read(file)[0].members
    write(file, CONTENT | {"media/extra": b"x"}, members=members)
    with pytest.raises(Damaged, match="media/extra"):
        read(file)
    write(file, dict(list(CONTENT.items())[:2]), members=members)
    with pytest.raises(Damaged, match=r"b\.pdf"):
        read(file)


def test_a_bomb_is_stopped_at_the_size_that_the_manifest_gives(tmp_path: Path) -> None:
    name = "tables/django_migrations.copy.gz"
    file = write(tmp_path / "b.tar", {name: b"\n" * 50_000_000})
    members = [dataclasses.replace(one, unpacked=1000) for one in read_members(file)]
    write(file, {name: b"\n" * 50_000_000}, members=members)
    with pytest.raises(Damaged, match="more than the manifest says"):
        read(file)


def read_members(file: Path) -> list[Member]:
    with tarfile.open(file) as opened:
        raw = opened.extractfile("manifest.json")
        assert raw is not None
        return [Member(**member) for member in json.load(raw)["members"]]


def test_another_number_of_rows_is_noticed(tmp_path: Path) -> None:
    tables = [dataclasses.replace(MANIFEST.tables[0], rows=3)]
    with pytest.raises(Damaged, match="rows"):
        read(write(tmp_path / "b.tar", CONTENT, tables=tables))


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(members=None),
        lambda m: m.update(tables=[{"name": "x"}]),
        lambda m: m["members"][0].update(size=-1),
        lambda m: m["members"][0].update(size="1"),
        lambda m: m.update(migrations=[]),
        lambda m: m.update(format="x"),
        lambda m: m.pop("format"),
        lambda m: m.update(created_at=5),
    ],
    ids=range(8),
)
def test_a_manifest_that_makes_no_sense_is_refused(
    change: Callable[[dict[str, object]], object], whole: Path
) -> None:
    replace_manifest(whole, change)
    with pytest.raises(Damaged):
        read(whole)


def test_a_format_of_the_future_names_both_versions(whole: Path) -> None:
    replace_manifest(whole, lambda m: m.update(format=2, healthsite="9.1"))
    with pytest.raises(BackupProblem, match=r"format 2, made by healthsite 9\.1.* format 1"):
        read(whole)


def replace_manifest(file: Path, change: Callable[[dict[str, object]], object]) -> None:
    with tarfile.open(file) as opened:
        member = opened.getmember("manifest.json")
        stream = opened.extractfile(member)
        assert stream is not None
        found = json.load(stream)
    change(found)
    raw = json.dumps(found).encode()
    member.size = len(raw)
    info = tarfile.TarInfo("manifest.json")
    info.size = len(raw)
    kept = file.read_bytes()[: member.offset]
    end = bytes(-len(raw) % 512 + 1024)
    file.write_bytes(kept + info.tobuf(tarfile.GNU_FORMAT) + raw + end)
