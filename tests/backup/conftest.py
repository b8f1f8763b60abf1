"""One filled site that all tests of backups read, and empty ones to restore into."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.backup.site import SiteData, new_site
from tests.services import ON_POSTGRES

FILL = """
import json
from datetime import UTC, date, datetime
from uuid import UUID
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import ModelLogEntry
from django.contrib.contenttypes.models import ContentType
from sharing.models import ShareCount, ShareTarget, StreamPosition
odd = 'a\\tb\\\\n\\\\. \\r\\n\\\\N "quoted" \\'single\\' \\u202e\\U0001f30a\\U0010fffd \\x01 NULL'
user = User.objects.create_user('edith', first_name='E\\u0301dith \\U0001f9a0', last_name='', password='secret')
user.last_login = datetime(1, 1, 1, tzinfo=UTC); user.save()
Redirect.objects.create(old_path='/odd', redirect_link=odd[:255])
target = ShareTarget.objects.create(page_id=2**31 - 1, block_id=UUID(int=2**128 - 1), label='Ω' * 200)
ShareTarget.objects.filter(pk=target.pk).update(label=odd[:200])
ShareCount.objects.create(target=target, channel='x', share_class='intent', day=date(9999, 12, 31), count=2**62)
content_type = ContentType.objects.get_for_model(User)
for data in ({}, [], {'n': None}, {'text': odd, 'deep': [[None, 1.5e300, -0.0]]}, 'x' * 3_000_000):
    ModelLogEntry.objects.create(content_type=content_type, object_id='1', label=odd, action='wagtail.edit',
        timestamp=datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC), data=data, content_changed=False, deleted=False)
session = SessionStore(); session['secret'] = 'of a session'; session.save()
print(ShareTarget.objects.order_by('pk').first().pk)
"""


@pytest.fixture(scope="session")
def filled(
    tmp_path_factory: pytest.TempPathFactory, _valkeys: None, migrated: Callable[[Path], None]
) -> SiteData:
    """Return a site with the starter article, odd rows and odd media. Read it only."""
    site = new_site(tmp_path_factory.mktemp("filled") / "data")
    if ON_POSTGRES:  # it has its tables already
        site.data.mkdir()
    else:
        migrated(site.data)
    (site.data / "secret_key").write_text("made up for these tests, fifty characters and some more")
    site.manage("prepare")
    site.run(FILL)
    media = site.data / "media"
    for name, content in {
        "original_images/picture.png": bytes(range(256)) * 999,
        "images/" + "long-" * 40 + "name.webp": b"RIFF",
        "documents/Ärzte 🌊 'x' \"y\".pdf": b"",
        "documents/deep/er/file.bin": b"\0" * 5_000_001,
    }.items():
        file = media / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return site


@dataclass(frozen=True)
class Backup:
    """A backup, and what the site held when it was made."""

    file: Path
    rows: dict[str, list[str]]
    media: dict[str, bytes]


@pytest.fixture(scope="session")
def backup(filled: SiteData, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """Return a backup of it."""
    file = tmp_path_factory.mktemp("backup") / "site.tar"
    filled.manage("backup", file, "--without-events")
    return Backup(file, filled.rows(), filled.media())


@pytest.fixture
def empty(tmp_path: Path) -> Callable[[], SiteData]:
    """Return what makes a site that is empty."""
    numbers = count()
    return lambda: new_site(tmp_path / f"empty{next(numbers)}")
