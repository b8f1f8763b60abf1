"""Which faults there are, and what they run on."""

import os

# By name, the module whose `run` does it; imported once Django is set up.
FAULTS = {
    "events": "tests.faults.events",
    "stream": "tests.faults.streams",
    "posts": "tests.faults.posts",
    "posts-broker": "tests.faults.posts_broker",
}
DATABASES = tuple(os.environ.get("FAULT_DATABASES", "sqlite postgresql").split())
