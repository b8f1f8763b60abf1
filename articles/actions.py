"""Everything that writes articles beside the editor."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import transaction
from wagtail.models import Page, Site

from articles.models import ArticlePage, HomePage
from articles.synchronise import Changes

STARTER = Path(__file__).parent / "starter" / "muscle_twitching.toml"


def rebuild_sections() -> Iterator[tuple[ArticlePage, Changes]]:
    """Make every article's rows equal to its published body; yield each article with what changed."""
    for pk in ArticlePage.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            # Read inside, so that an edit in the meantime is not undone.
            article = ArticlePage.objects.select_for_update().filter(pk=pk).first()
            changes = article.synchronise_sections() if article else Changes()
        if article:
            yield article, changes


@transaction.atomic
def install_starter_content() -> ArticlePage | None:
    """Create the home page and the starter article on a site that has no home page.

    Returns the article, or None where a home page exists: then editors own the site.
    """
    root = Page.objects.filter(depth=1).select_for_update().first()
    if root is None or HomePage.objects.exists():
        return None
    home = HomePage(
        title="Health, in plain words",
        slug="health",
        introduction="Careful articles about health. Every part has an address of its own, "
        "so you can share just the part that matters.",
        search_description="Careful, sourced articles about health in plain words.",
    )
    root.add_child(instance=home)
    # Wagtail's migrations leave a welcome page; it goes where the site still shows it.
    default = Site.objects.filter(is_default_site=True).select_related("root_page").first()
    if default is None:
        Site.objects.create(hostname="localhost", root_page=home, is_default_site=True)
    else:
        welcome = default.root_page
        default.root_page = home
        default.save()
        if welcome.depth > 1 and welcome.specific_class is Page and not welcome.numchild:
            welcome.delete()
    article = _starter_article(tomllib.loads(STARTER.read_text(encoding="utf-8")))
    Page.objects.get(pk=home.pk).specific.add_child(instance=article)
    article.save_revision().publish()
    published: ArticlePage = ArticlePage.objects.get(pk=article.pk)
    return published


def _starter_article(data: dict[str, Any]) -> ArticlePage:
    body = [{"type": block.pop("type"), "value": _block_value(block)} for block in data["body"]]
    return ArticlePage(
        title=data["title"],
        slug=data["slug"],
        standfirst=data["standfirst"],
        search_description=data["search_description"],
        introduction=data["introduction"].strip(),
        body=json.dumps(body),
        live=False,
    )


def _block_value(block: dict[str, Any]) -> Any:
    if "aspect" in block:
        text = block.pop("text").strip()
        references = block.pop("references", [])
        return block | {
            "body": [{"type": "text", "value": text}],
            # Without an id Wagtail takes the whole item for a value of the older format, and empties it.
            "references": [
                {"type": "item", "id": str(uuid4()), "value": reference} for reference in references
            ],
        }
    return {key: value.strip() for key, value in block.items()}
