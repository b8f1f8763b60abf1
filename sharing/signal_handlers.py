"""Wagtail's way in: what an article's saved state means for sharing."""

from typing import Any

from sharing import actions, card_actions, shareables


def article_state_saved(sender: Any, article: Any, **kwargs: Any) -> None:
    """Give a published article and its sections share codes and cards, in the article's transaction."""
    if article.live:
        actions.ensure_targets(labels=shareables.labels_of(article))
        card_actions.want_cards(page_id=article.pk, faces=shareables.faces_of(article))


def share_settings_changed(sender: Any, **kwargs: Any) -> None:
    """Let pages show what readers are offered now."""
    shareables.offers_changed()
