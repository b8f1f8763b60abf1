"""The pictures of cards, in Django's default storage, named after what is in them.

A name is never written twice with other bytes, so that a file may be cached for ever.
"""

import os
import re
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urljoin

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

FOLDER = "cards"
_NAME = re.compile(r"([0-9a-f]{64})\.png")
_UNFINISHED = ".unfinished-"
# Nobody writes one file for so long.
_LEFT_BEHIND = timedelta(hours=1)


def name(digest: str) -> str:
    """Return the storage name of a card."""
    return f"{FOLDER}/{digest}.png"


def is_card(path: str) -> bool:
    """Tell whether a path below the media address names a card."""
    folder, _, file = path.partition("/")
    return folder == FOLDER and _NAME.fullmatch(file) is not None


def url(digest: str) -> str:
    """Return the absolute address of a card."""
    return urljoin(settings.SITE_URL, default_storage.url(name(digest)))


def exists(digest: str) -> bool:
    """Tell whether a card's file is there."""
    return bool(default_storage.exists(name(digest)))


def read(digest: str) -> bytes:
    """Return a card's bytes; raises OSError where they cannot be read."""
    with default_storage.open(name(digest)) as file:
        data: bytes = file.read()
    return data


def write(digest: str, picture: bytes) -> None:
    """Store a card: wholly or not at all, whatever is killed. Raises OSError where it cannot be."""
    try:
        path = Path(default_storage.path(name(digest)))
    except NotImplementedError:
        # So says Django's Storage.path where there is no file system, such as for a bucket, which stores an
        # object wholly or not at all by itself.
        if not exists(digest):
            default_storage.save(name(digest), ContentFile(picture))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(picture)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).chmod(settings.FILE_UPLOAD_PERMISSIONS or 0o644)
        Path(unfinished).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(unfinished).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # The name too must outlive a power cut before the database says that it is there.
        os.fsync(folder)
    finally:
        os.close(folder)


def delete(digest: str) -> None:
    """Remove a card's file; one that is not there is no harm."""
    default_storage.delete(name(digest))


def stored() -> set[str]:
    """Return the digests of all files that are there, and clear away what a killed worker left."""
    if not default_storage.exists(FOLDER):
        return set()
    _, files = default_storage.listdir(FOLDER)
    limit = timezone.now() - _LEFT_BEHIND
    for file in files:
        if file.startswith(_UNFINISHED):
            with suppress(OSError):
                if default_storage.get_modified_time(f"{FOLDER}/{file}") < limit:
                    default_storage.delete(f"{FOLDER}/{file}")
    return {match[1] for file in files if (match := _NAME.fullmatch(file))}
