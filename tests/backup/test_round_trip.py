"""What is backed up comes back equal, on the database that the tests run on."""

import json
import os
import resource
import sqlite3
import stat
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from redis import Redis

from sharing import stream
from tests.backup.conftest import Backup
from tests.backup.site import SiteData, new_site
from tests.services import ON_POSTGRES, events_server

pytestmark = pytest.mark.processes


@pytest.fixture(autouse=True)
def _no_events(_valkeys: None) -> None:
    if events_server.process is None or events_server.process.poll() is not None:
        events_server.start()
    Redis.from_url(f"unix://{events_server.socket}").flushall()


def contents(file: Path) -> list[str]:
    with tarfile.open(file) as opened:
        return opened.getnames()


def manifest(file: Path) -> dict[str, object]:
    with tarfile.open(file) as opened:
        member = opened.extractfile("manifest.json")
        assert member is not None
        found: dict[str, object] = json.load(member)
        return found


def test_every_row_and_every_file_comes_back_equal(backup: Backup, tmp_path: Path) -> None:
    site = new_site(tmp_path / "empty", migrated=False)
    said = site.manage("restore", backup.file)
    assert site.rows() == backup.rows
    assert site.media() == backup.media
    assert site.leftovers() == []
    assert f"{manifest(backup.file)['site_url']}" in said
    assert "everybody signs in anew" in said
    # Numbers go on after those that were given out.
    new = "from django.contrib.auth.models import User; print(User.objects.create(username='n').pk)"
    assert int(site.run(new)) > 2


def test_the_restored_site_starts_with_its_own_secret_key_and_keeps_its_administrator(
    filled: SiteData, backup: Backup, empty: Callable[[], SiteData]
) -> None:
    site = empty()
    site.manage("restore", backup.file)
    key = (site.data / "secret_key").read_text()
    assert key != (filled.data / "secret_key").read_text()
    assert stat.S_IMODE((site.data / "secret_key").stat().st_mode) == 0o600
    assert "administrator" not in site.manage("prepare")
    assert (site.data / "secret_key").read_text() == key


def test_no_secret_key_and_no_session_is_in_the_file(filled: SiteData, backup: Backup) -> None:
    key = (filled.data / "secret_key").read_bytes()
    assert key not in backup.file.read_bytes()
    assert not [name for name in contents(backup.file) if "secret" in name or "backups" in name]
    found = manifest(backup.file)
    tables = {table["name"]: table["rows"] for table in found["tables"]}  # type: ignore[attr-defined]
    assert tables["auth_user"] == 2
    assert tables.get("django_session") == 0


def test_the_file_is_private_and_has_a_name_with_its_moment(
    empty: Callable[[], SiteData], migrated: Callable[[Path], None]
) -> None:
    site = empty()
    if ON_POSTGRES:  # it has its tables already
        site.data.mkdir()
    else:
        migrated(site.data)
    (site.data / "secret_key").write_text("made up for these tests, fifty characters and some more")
    said = site.manage("backup")
    (file,) = (site.data / "backups").iterdir()
    assert str(file) in said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "is whole" in site.manage("backup", "--verify", file)


def test_waiting_share_events_are_counted_before_the_database_is_read(
    filled: SiteData, tmp_path: Path, empty: Callable[[], SiteData]
) -> None:
    target = filled.run(
        "from sharing.models import ShareTarget as T; print(T.objects.order_by('pk')[0].pk)"
    ).strip()
    server = Redis.from_url(f"unix://{events_server.socket}")
    for _ in range(120):
        fields: dict[str, str] = {
            "id": uuid4().hex, "target": target, "channel": "counted-by-backup", "class": "intent",
            "at": "1764000000",
        }  # fmt: skip
        server.xadd(stream.STREAM, fields)  # type: ignore[arg-type]
    filled.manage("backup", tmp_path / "b.tar")
    assert server.xlen(stream.STREAM) == 0
    site = empty()
    site.manage("restore", tmp_path / "b.tar")
    count = (
        "from sharing.models import ShareCount as C; "
        "print(sum(c.count for c in C.objects.filter(channel='counted-by-backup')))"
    )
    assert site.run(count).strip() == "120"


def test_what_waited_is_not_sent_a_second_time_by_the_restored_site(
    filled: SiteData, tmp_path: Path, empty: Callable[[], SiteData]
) -> None:
    filled.run(
        "from healthsite.mail.models import OutgoingMail as M; from django.utils.timezone import now\n"
        "for state in ('waiting', 'sending', 'sent'): M.objects.create(state=state, subject=state, "
        "sender='s@example.org', to_line='', recipients=[], outstanding=[], message=bytes(range(256)), "
        "created_at=now(), changed_at=now(), queued_at=now(), not_before=now())\n"
        "from sharing.models import Delivery, ShareTarget, SocialAccount, SocialPost\n"
        "from sharing.posting import installation\n"
        "installation.may_post()\n"
        "target = ShareTarget.objects.first()\n"
        "account = SocialAccount.objects.create(network='mastodon', host='h', remote_id='1', handle='@a')\n"
        "post = SocialPost.objects.create(target=target)\n"
        "for n, state in enumerate(('approved', 'preparing', 'armed', 'published')): Delivery.objects.create("
        "post=post, account=account, target=target, purpose='post', revision=n, link_code=state, state=state, "
        "due_at=now(), not_before=now(), armed_at=now(), lease_until=now(), remote_id='1', changed_at=now())"
    )
    filled.manage("backup", tmp_path / "b.tar")
    site = empty()
    site.manage("restore", tmp_path / "b.tar")
    found = site.run(
        "from healthsite.mail.models import OutgoingMail as M\n"
        "for m in M.objects.order_by('pk'): print(m.subject, m.state, bytes(m.message) == bytes(range(256)))"
    )
    assert found.split("\n")[:3] == ["waiting kept True", "sending unknown True", "sent sent True"]
    found = site.run(
        "from sharing.models import Delivery\n"
        "from sharing.posting import installation, tasks\n"
        "tasks.send_posts()\n"
        "print(installation.standing().reasons[0])\n"
        "print(installation.confirm(by=None), installation.may_post())\n"
        "for d in Delivery.objects.order_by('pk'): print(d.link_code, d.state)"
    )
    assert found.split("\n")[:6] == [
        "The database was restored from a backup.",
        "2 True",
        "approved draft",
        "preparing draft",
        "armed unknown",
        "published published",
    ]


def test_a_silent_events_server_is_told_and_may_be_left_out(
    filled: SiteData, tmp_path: Path
) -> None:
    events_server.kill()
    said = filled.manage("backup", tmp_path / "b.tar", fails=True)
    assert "--without-events" in said
    assert list(tmp_path.iterdir()) == []
    filled.manage("backup", tmp_path / "b.tar", "--without-events")
    assert manifest(tmp_path / "b.tar")["events_waiting"] is None


def test_a_backup_is_of_one_moment_while_others_write(
    filled: SiteData, tmp_path: Path, empty: Callable[[], SiteData]
) -> None:
    """Two tables get a row in each transaction; a copy of no moment would have more of one."""
    done = threading.Event()
    written = []

    def write() -> None:
        number = 10_000
        while not done.is_set():
            number += 1
            statements = (
                f"INSERT INTO sharing_streamposition (stream, epoch, last_id, updated_at) VALUES ('{number}', 'x', '1-1', '2024-01-01 00:00:00+00:00')",  # noqa: S608
                f"INSERT INTO sharing_sharetarget (page_id, label, code, created_at) VALUES ({number}, 'written meanwhile', 'n{number}', '2024-01-01 00:00:00+00:00')",  # noqa: S608
            )
            if ON_POSTGRES:
                with psycopg.connect(filled.database_url or "") as postgres:
                    for statement in statements:
                        postgres.execute(statement)
            else:
                file = filled.data / "healthsite.sqlite3"
                with closing(sqlite3.connect(file, timeout=60)) as sqlite, sqlite:
                    for statement in statements:
                        sqlite.execute(statement)
            written.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        filled.manage("backup", tmp_path / "b.tar")
    finally:
        done.set()
        writer.join()
    assert written
    site = empty()
    site.manage("restore", tmp_path / "b.tar")
    rows = site.rows()
    targets = [row for row in rows["sharing_sharetarget"] if "written meanwhile" in row]
    positions = [row for row in rows["sharing_streamposition"] if "1-1" in row]
    assert len(targets) == len(positions)


def test_a_disk_that_takes_no_more_leaves_no_half_file(filled: SiteData, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    said = filled.manage("backup", tmp_path / "b.tar", fails=True, preexec_fn=limit)
    assert "CommandError" in said
    assert list(tmp_path.iterdir()) == []


def test_no_backup_overwrites_a_file_or_lies_among_public_media(
    filled: SiteData, backup: Backup
) -> None:
    before = backup.file.read_bytes()
    assert "is there already" in filled.manage("backup", backup.file, fails=True)
    assert backup.file.read_bytes() == before
    inside = filled.data / "media" / "b.tar"
    assert "public" in filled.manage("backup", inside, fails=True)
    assert not inside.exists()


def test_links_among_media_are_not_followed(
    filled: SiteData, tmp_path: Path, empty: Callable[[], SiteData]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not for a backup")
    link = filled.data / "media" / "documents" / "link.txt"
    link.symlink_to(secret)
    try:
        filled.manage("backup", tmp_path / "b.tar")
    finally:
        link.unlink()
    assert b"not for a backup" not in (tmp_path / "b.tar").read_bytes()
    assert os.fspath("media/documents/link.txt") not in contents(tmp_path / "b.tar")
