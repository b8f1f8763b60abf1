"""Settings of the tests: the site's own, on servers that the tests start.

`tests/conftest.py` sets the environment first; on their own (type checks) these need none.
"""

import os

os.environ.setdefault(
    "SECRET_KEY", "a key for the tests alone, of at least fifty characters, never used"
)

from healthsite import settings as site
from healthsite.settings import *

if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file, so that workers and web servers of a test see it too.
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
# Small, so that kills fall between batches.
SHARE_EVENT_BATCH = 50
# Tests share one article thousands of times; those of the burst guard switch it on.
SHARE_BURST_LIMIT = int(os.environ.get("SHARE_BURST_LIMIT", "0"))

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# Collected files belong to a running site; templates only need the names.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# What a test saves can be found at once; tests of chores take SITE_TASKS, the site's own.
SITE_TASKS = site.TASKS
TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
