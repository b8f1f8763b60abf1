"""Restoring never overwrites; what was killed in the middle can be done again."""

import re
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis

from healthsite.backup.archive import Writer
from healthsite.backup.manifest import parse
from sharing import stream
from tests.backup.conftest import Backup
from tests.backup.site import PATIENCE, SiteData, new_site
from tests.missing import missing
from tests.services import ON_POSTGRES, events_server

pytestmark = pytest.mark.processes


@pytest.fixture(autouse=True)
def _no_events(_valkeys: None) -> None:
    if events_server.process is None or events_server.process.poll() is not None:
        events_server.start()
    Redis.from_url(f"unix://{events_server.socket}").flushall()


def kill_after(process: "subprocess.Popen[str]", line: str) -> None:
    """Kill a command as soon as it has said a line that begins so."""
    assert process.stdout is not None
    for said in process.stdout:
        if said.startswith(line):
            break
    else:
        pytest.fail(f"it ended without saying {line!r}")
    process.kill()
    process.stdout.close()
    assert process.wait(PATIENCE) == -signal.SIGKILL


@pytest.fixture
def large(filled: SiteData) -> object:
    """Give the site a file that takes a while."""
    file = filled.data / "media" / "documents" / "large.zip"
    with file.open("wb") as stream_:
        stream_.truncate(400_000_000)
    yield file
    file.unlink()


def test_a_backup_killed_in_the_middle_leaves_no_file_and_the_next_one_tidies_up(
    filled: SiteData, large: Path, tmp_path: Path
) -> None:
    kill_after(filled.start("backup", tmp_path / "b.tar"), "database: ")
    assert not (tmp_path / "b.tar").exists()
    assert list(tmp_path.iterdir()), "the kill came too late to show anything"
    large.unlink()
    large.touch()
    filled.manage("backup", tmp_path / "b.tar")
    assert list(tmp_path.iterdir()) == [tmp_path / "b.tar"]


@pytest.mark.parametrize("line", ["checking: ", "media: ", "database: "])
def test_a_restore_killed_in_the_middle_can_be_done_again(
    line: str, backup: Backup, tmp_path: Path
) -> None:
    # On PostgreSQL the last kill falls into the making of the tables.
    site = new_site(tmp_path / "empty", migrated=line != "database: ")
    kill_after(site.start("restore", backup.file), line)
    if line == "database: " and "restored completely" in (site.manage("restore", backup.file, fails=True) if not ON_POSTGRES else ""):  # fmt: skip
        site.manage("prepare")
    else:
        site.manage("restore", backup.file)
    assert site.media() == backup.media
    assert site.rows()["auth_user"] == backup.rows["auth_user"]


def test_a_folder_or_database_in_use_is_refused_and_left_as_it_is(
    backup: Backup, empty: Callable[[], SiteData]
) -> None:
    site = empty()
    site.manage("restore", backup.file)
    before = site.rows(), site.media()
    said = site.manage("restore", backup.file, fails=True)
    assert "Nothing was touched" in said
    assert (site.rows(), site.media()) == before


def test_media_of_somebody_else_are_not_mixed_with(
    backup: Backup, empty: Callable[[], SiteData]
) -> None:
    site = empty()
    mine = site.data / "media" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert "media already" in site.manage("restore", backup.file, fails=True)
    assert site.media() == {"mine.txt": b"mine"}
    assert not (site.data / "healthsite.sqlite3").exists()


def test_events_of_another_site_are_not_counted_here(
    backup: Backup, empty: Callable[[], SiteData]
) -> None:
    server = Redis.from_url(f"unix://{events_server.socket}")
    server.xadd(stream.STREAM, {"id": uuid4().hex})
    assert "another site" in empty().manage("restore", backup.file, fails=True)


def test_a_folder_that_a_site_runs_on_is_refused(
    backup: Backup, empty: Callable[[], SiteData]
) -> None:
    site = empty()
    site.data.mkdir()
    hold = "import sys; from healthsite.supervisor.data_folder import Lock; from pathlib import Path; lock = Lock(Path(sys.argv[1]), 'http://127.0.0.1:1/'); print('held', flush=True); sys.stdin.read()"  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(site.data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        said = site.manage("restore", backup.file, fails=True)
        holder.stdin.close()
    assert f"process {holder.pid}, http://127.0.0.1:1/" in said
    assert site.media() == {}
    site.manage("restore", backup.file)


def test_a_damaged_file_touches_nothing(
    backup: Backup, empty: Callable[[], SiteData], tmp_path: Path
) -> None:
    raw = backup.file.read_bytes()
    bad = tmp_path / "bad.tar"
    bad.write_bytes(raw[: len(raw) // 2])
    site = empty()
    assert "cut off" in site.manage("restore", bad, fails=True)
    assert site.media() == {}
    assert not (site.data / "healthsite.sqlite3").exists()
    assert site.leftovers() == []


def rewritten(backup: Backup, file: Path, **changes: object) -> Path:
    """Write the backup again with another manifest."""
    with tarfile.open(backup.file) as opened:
        member = opened.getmember("manifest.json")
        raw = opened.extractfile(member)
        assert raw is not None
        manifest = parse(raw.read())
    with file.open("w+b") as target:
        with backup.file.open("rb") as source:
            target.write(source.read(member.offset))
        object.__setattr__(manifest, "healthsite", "9.9")
        for name, value in changes.items():
            object.__setattr__(manifest, name, value)
        Writer(target).close(manifest)
    return file


def test_migrations_that_this_code_does_not_know_are_named(
    backup: Backup, empty: Callable[[], SiteData], tmp_path: Path
) -> None:
    ahead = rewritten(backup, tmp_path / "a.tar", migrations={"articles": ["0999_the_future"]})
    said = empty().manage("restore", ahead, fails=True)
    assert "healthsite 9.9" in said
    assert "articles.0999_the_future" in said


def test_a_backup_of_the_other_database_is_refused(
    backup: Backup, empty: Callable[[], SiteData], tmp_path: Path
) -> None:
    if ON_POSTGRES:
        content = tmp_path / "db"
        with closing(sqlite3.connect(content)):
            pass
        file = tmp_path / "b.tar"
        with file.open("w+b") as target:
            writer = Writer(target)
            with writer.member("database.sqlite3.gz"):
                pass
            other = rewritten(backup, tmp_path / "o.tar")
            with tarfile.open(other) as opened:
                raw = opened.extractfile("manifest.json")
                assert raw is not None
                manifest = parse(raw.read())
            for name, value in {"database": "sqlite", "members": writer.members}.items():
                object.__setattr__(manifest, name, value)
            writer.close(manifest)
    else:
        from tests.backup.test_damaged_files import CONTENT, write  # noqa: PLC0415

        file = write(tmp_path / "b.tar", CONTENT)
    assert "one cannot be restored into the other" in empty().manage("restore", file, fails=True)


def test_memory_stays_flat(filled: SiteData, large: Path, tmp_path: Path) -> None:
    """400 MB of media, and the command stays far below."""
    # What wait4() tells would begin with the size of the process that forked it: this one.
    if not sys.platform.startswith("linux"):
        missing("only Linux tells how much memory a process took at most")
    peak = 0
    with filled.start("backup", tmp_path / "b.tar") as started:
        status = Path(f"/proc/{started.pid}/status")
        while started.poll() is None:
            # No such line once it ends and waits to be seen.
            if found := re.search(r"VmHWM:\s*(\d+) kB", status.read_text()):
                peak = max(peak, int(found[1]) * 1024)
            time.sleep(0.02)
    assert started.returncode == 0
    assert 10_000_000 < peak < 300_000_000
