"""What a page's publication, and its end, mean for the posts that wait for it; in the page's transaction."""

from collections.abc import Collection
from uuid import UUID

from sharing.models import ShareTarget
from sharing.posting import actions, auto_posts, following
from sharing.posting.waking import wake_sender


def published(*, page_id: int, block_ids: Collection[UUID | None]) -> None:
    """Let go out what waits for this article and these sections; give up what waits for removed ones."""
    targets = {
        block_id: pk
        for pk, block_id in ShareTarget.objects.filter(page_id=page_id).values_list(
            "pk", "block_id"
        )
    }
    there = [pk for block_id, pk in targets.items() if block_id is None or block_id in block_ids]
    removed = set(targets.values()) - set(there)
    if removed:
        actions.cancel_waiting(target_ids=removed, why="The section was removed from its article.")
        following.page_gone(target_ids=removed)
    auto_posts.first_publication(
        page_id=page_id, targets={key: pk for key, pk in targets.items() if pk in there}
    )
    if actions.published(target_ids=there):
        wake_sender()


def taken_down(*, page_id: int, why: str) -> None:
    """Give up what waits for an article or its sections."""
    targets = list(ShareTarget.objects.filter(page_id=page_id).values_list("pk", flat=True))
    actions.cancel_waiting(target_ids=targets, why=why)
    following.page_gone(target_ids=targets)
