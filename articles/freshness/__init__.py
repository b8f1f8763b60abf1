"""What an answer was made from, and whether that still holds (docs/decisions/0014).

Whoever changes something that readers see says so with `touch`, in the same transaction. Whoever makes an
answer says with `depends_on` what it is made from; `Memory` and the delivery of pages keep it for as long as
none of that was touched.
"""

from articles.freshness.changes import drop_everything, recent_changes, take_over, touch
from articles.freshness.memory import Memory
from articles.freshness.names import ADDRESSES, EVERYTHING, LISTS, SETTINGS, article, image
from articles.freshness.recording import Recording, depends_on, keep, recording
from articles.freshness.slots import Stamp, slots

__all__ = [
    "ADDRESSES",
    "EVERYTHING",
    "LISTS",
    "SETTINGS",
    "Memory",
    "Recording",
    "Stamp",
    "article",
    "depends_on",
    "drop_everything",
    "image",
    "keep",
    "recent_changes",
    "recording",
    "slots",
    "take_over",
    "touch",
]
