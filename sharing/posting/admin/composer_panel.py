"""What the article editor shows of posts."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from wagtail.admin.panels import Panel

from sharing import shareables
from sharing.models import ShareTarget
from sharing.posting import queries
from sharing.posting.admin.composer_lines import Line, lines

_MOST_LINES = 6


@dataclass(frozen=True)
class Row:
    """The article or a section, with its newest posts; `write_url` is empty where it was removed."""

    title: str
    is_section: bool
    write_url: str
    lines: list[Line]
    more: int


class PostsPanel(Panel):
    """What was posted or is planned about the article and each section, and the way to another post."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("heading", "Posts")
        super().__init__(**kwargs)

    class BoundPanel(Panel.BoundPanel):
        """The panel for one article."""

        template_name = "sharing/admin/posts_panel.html"

        class Media:
            css: dict[str, list[str]] = {"all": ["sharing/composer.css"]}  # noqa: RUF012 - Django's

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            """Add a row for the article and one a section, in the order of the draft."""
            context: dict[str, Any] = super().get_context_data(parent_context)
            page = self.instance
            return context | {"rows": rows(page) if page.pk else []}


def rows(article: Any) -> list[Row]:
    """Return the rows of an article as its draft has it, and of removed sections that were posted about."""
    targets = {each.block_id: each for each in ShareTarget.objects.filter(page_id=article.pk)}
    by_target: dict[int, list[Line]] = {}
    for line in lines(
        queries.deliveries_about(each.pk for each in targets.values()), timezone.now()
    ):
        by_target.setdefault(line.delivery.target_id, []).append(line)
    labels = shareables.labels_of(article)
    found = [
        _row(
            each.text,
            each.block_id,
            _write_url(article.pk, each.block_id, targets.get(each.block_id)),
            by_target.get(targets[each.block_id].pk, []) if each.block_id in targets else [],
        )
        for position, each in enumerate(labels)
        # A block that was never saved has no id to write about.
        if position == 0 or each.block_id is not None
    ]
    kept = {each.block_id for each in labels}
    removed = [
        _row(f"{each.label} (removed)", block_id, "", by_target[each.pk])
        for block_id, each in targets.items()
        if block_id not in kept and each.pk in by_target
    ]
    return [*found, *removed]


def _row(title: str, block_id: UUID | None, write_url: str, found: list[Line]) -> Row:
    return Row(
        title, block_id is not None, write_url, found[:_MOST_LINES], len(found[_MOST_LINES:])
    )


def _write_url(page_id: int, block_id: UUID | None, target: ShareTarget | None) -> str:
    if target is not None:
        return reverse("post_compose", args=[target.pk])
    return reverse("post_begin", args=[page_id, str(block_id) if block_id else "article"])
