"""Everything that writes articles beside the editor."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from wagtail.log_actions import log
from wagtail.models import Page, Site

from articles import queries
from articles.importing.drafts import draft_of
from articles.importing.imported import ImportedArticle
from articles.importing.pictures import known_pictures, with_known_pictures_only
from articles.importing.source import ImportRefused
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


class SlugInUse(ImportRefused):
    """An import whose address another page has already."""

    def __init__(self, slug: str, page: Page) -> None:
        super().__init__(f"The address “{slug}” is in use by “{page.title}”. Choose another.")
        self.page = page


def check_import_slug(*, slug: str) -> None:
    """Raise ImportRefused where no article under the home page can have this slug."""
    _check_slug(slug, _parent_of_imports())


def _parent_of_imports() -> Page:
    home = queries.home_page()
    if home is None:
        raise ImportRefused("There is no home page yet to put an article under.")
    return home


def _check_slug(slug: str, parent: Page) -> None:
    if not slug:
        raise ImportRefused("No address can be made from the title. Give the article a slug.")
    try:
        ArticlePage._meta.get_field("slug").run_validators(slug)
    except ValidationError as error:
        raise ImportRefused(
            f"“{slug}” cannot be an address: use letters, numbers, hyphens and underscores only."
        ) from error
    if slug in settings.RESERVED_ARTICLE_SLUGS:
        raise ImportRefused(f"“{slug}” is an address of the site itself. Choose another.")
    other = parent.get_children().filter(slug=slug).first()
    if other is not None:
        raise SlugInUse(slug, other)


@transaction.atomic
def import_article(
    *,
    article: ImportedArticle,
    slug: str = "",
    publish: bool = False,
    user: AbstractBaseUser | None = None,
) -> ArticlePage:
    """Create a draft below the home page from what was understood; publish it where asked.

    Without a slug, the source's own or its title's is taken. Raises ImportRefused; then nothing was created.
    """
    home = _parent_of_imports()
    # Of two imports at once, the second waits here and then finds the slug in use.
    parent = Page.objects.select_for_update().get(pk=home.pk)
    slug = slug or article.suggested_slug
    _check_slug(slug, parent)
    settled = with_known_pictures_only(article)
    draft = draft_of(settled, slug=slug, pictures=known_pictures(settled))
    draft.owner = user
    try:
        draft.full_clean(exclude=["path", "depth", "draft_title", "content_type"])
    except ValidationError as error:
        raise ImportRefused(" ".join(error.messages)) from error
    parent.add_child(instance=draft)
    log(instance=draft, action="wagtail.create", user=user, content_changed=True)
    revision = draft.save_revision(user=user, log_action=False)
    if publish:
        revision.publish(user=user)
    created: ArticlePage = ArticlePage.objects.get(pk=draft.pk)
    return created


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
