"""Settings of a faulty site: the site's own, with named points at which a drainer kills itself."""

from healthsite.settings import *

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults"]
# So small that kills fall between, before and inside batches.
SHARE_EVENT_BATCH = 300
# So low that many targets have floods.
SHARE_BURST_LIMIT = 60
LOGGING = LOGGING | {"root": {"handlers": ["console"], "level": "WARNING"}}
