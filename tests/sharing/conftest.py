"""What the tests of sharing have in common: one published article of two sections."""

from dataclasses import dataclass

import pytest

from articles.models import ArticlePage, HomePage
from sharing import queries
from tests.factories import add_article, section


@dataclass(frozen=True)
class Shared:
    """A published article with its share codes."""

    article: ArticlePage
    code: str
    sections: dict[str, str]  # slug -> share code


def shared_article(home: HomePage, title: str = "Sleep") -> Shared:
    """Publish an article of two sections."""
    article = add_article(
        home, section("Why", summary="Why we do it."), section("How"), title=title
    )
    return codes_of(article)


def codes_of(article: ArticlePage) -> Shared:
    """Return an article with its share codes."""
    codes = {key: each.code for key, each in queries.identities(article.pk).items()}
    rows = article.sections.live()
    return Shared(article, codes[None], {row.slug: codes[row.block_id] for row in rows})


@pytest.fixture
def shared(home: HomePage) -> Shared:
    """Return a published article of two sections, “Why” and “How”."""
    return shared_article(home)
