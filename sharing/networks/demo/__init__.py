"""A network of its own, on this machine, for tests and for people without accounts anywhere.

It speaks what our connectors use of Mastodon's API, of the AT Protocol and of Telegram's Bot API, keeps the truth about every post,
and misbehaves when it is told to. Nothing in it reaches the internet. No Django.
"""

from sharing.networks.demo.faults import Fault, Kind
from sharing.networks.demo.server import DemoNetwork
from sharing.networks.demo.truth import Habits, StoredPost, Truth

__all__ = ["DemoNetwork", "Fault", "Habits", "Kind", "StoredPost", "Truth"]
