"""Wagtail's way in: what an article's saved state means for sharing."""

from typing import Any

from sharing import actions, card_actions, shareables
from sharing.posting import pages


def article_state_saved(sender: Any, article: Any, taken_down: bool = False, **kwargs: Any) -> None:
    """Give a published article and its sections share codes, cards, and the posts that waited for it.

    In the article's transaction; those of an article that is taken down are given up there.
    """
    if article.live:
        actions.ensure_targets(labels=shareables.labels_of(article))
        card_actions.want_cards(page_id=article.pk, faces=shareables.faces_of(article))
        pages.published(page_id=article.pk, block_ids={part.block_id for part in article.parts})
    elif taken_down:
        pages.taken_down(page_id=article.pk, why="The page was unpublished.")


def article_deleted(sender: Any, page_id: int, **kwargs: Any) -> None:
    """Give up the posts that wait for an article that is deleted, in the same transaction."""
    pages.taken_down(page_id=page_id, why="The page was deleted.")


def share_settings_changed(sender: Any, **kwargs: Any) -> None:
    """Let pages show what readers are offered now."""
    shareables.offers_changed()
