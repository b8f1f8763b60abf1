"""Hold a post against what a server takes, without asking it."""

from collections.abc import Iterator, Sequence

from sharing.networks.posting.contract import Limits, Media, Post, Problem
from sharing.networks.posting.lengths import measure
from sharing.networks.text import hidden, is_blank


def text_problems(post: Post, limits: Limits) -> Iterator[Problem]:
    """Say what is wrong with the words."""
    rule = limits.text
    if is_blank(post.text) and not post.media:
        yield Problem("text", "Write something first.")
    if found := hidden(post.text) or hidden(post.warning):
        yield Problem("text", found)
    length = measure(post.text, rule, warning=post.warning)
    if length.units > rule.limit:
        yield Problem(
            "text", f"{length.units - rule.limit:,} characters too long: {rule.limit:,} fit."
        )
    elif rule.bytes is not None and length.bytes > rule.bytes:
        yield Problem("text", f"{length.bytes - rule.bytes:,} bytes too long: {rule.bytes:,} fit.")


def picture_problems(media: Sequence[Media], limits: Limits) -> Iterator[Problem]:
    """Say what is wrong with each picture."""
    for number, each in enumerate(media, 1):
        if each.type not in limits.media_types:
            yield Problem("media", f"Picture {number} is {each.type}, which is not taken there.")
        if limits.media_bytes is not None and len(each.data) > limits.media_bytes:
            yield Problem("media", f"Picture {number} is larger than {limits.media_bytes:,} bytes.")
        if limits.media_pixels is not None and each.width * each.height > limits.media_pixels:
            yield Problem(
                "media", f"Picture {number} has more than {limits.media_pixels:,} pixels."
            )
        if not each.alt.strip():
            yield Problem("media", f"Picture {number} has no description.", blocking=False)
        if limits.alt is not None and len(each.alt) > limits.alt:
            yield Problem("media", f"The description of picture {number} is too long.")
