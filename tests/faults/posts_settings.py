"""Settings of a site whose senders are killed while they post."""

from tests.faults.settings import *

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.posts_app.PostsConfig"]
