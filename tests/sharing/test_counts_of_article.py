"""One small answer has the numbers of a whole page, and is kept for a moment."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from articles import freshness
from articles.models import HomePage
from sharing import actions, queries
from sharing.api import COUNTS_KEPT
from tests.factories import add_article, edit, section
from tests.sharing.conftest import Shared, codes_of, shared_article

pytestmark = pytest.mark.django_db


def address(code: str) -> str:
    return f"/api/v1/share-counts/{code}/"


def counts(client: Client, code: str) -> list[dict[str, Any]]:
    answer = client.get(address(code))
    assert answer.status_code == 200
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_an_article_and_its_sections_are_told_at_once_the_article_first(
    shared: Shared, reader: Client
) -> None:
    shared_article(shared.article.get_parent().specific, title="Another")
    reader.get(f"/share/{shared.sections['why']}/bluesky/")
    reader.get(f"/s/{shared.code}bs/")
    actions.drain()
    results = counts(reader, shared.code)
    assert [each["code"] for each in results] == [shared.code, *shared.sections.values()]
    assert [each["total"] for each in results] == [0, 1, 0]
    assert [each["classes"]["arrival"] for each in results] == [1, 0, 0]
    same = reader.get("/api/v1/share-counts/", {"code": [each["code"] for each in results]})
    assert same.json()["results"] == results


def test_the_threshold_is_kept_for_each_number(
    shared: Shared, reader: Client, readers: Callable[[], Client], settings: Any
) -> None:
    settings.SHARE_COUNT_MIN = 2
    for each in (reader, readers()):
        each.get(f"/share/{shared.sections['how']}/bluesky/")
    reader.get(f"/share/{shared.code}/bluesky/")
    actions.drain()
    results = {each["code"]: each for each in counts(reader, shared.code)}
    assert results[shared.sections["how"]]["total"] == 2
    withheld = results[shared.code]
    assert (withheld["total"], withheld["classes"], withheld["below"]) == (None, None, 2)


def test_queries_do_not_grow_with_sections(home: HomePage, reader: Client) -> None:
    few = shared_article(home)
    many = codes_of(add_article(home, *(section(f"Part {number}") for number in range(12))))
    actions.drain()
    counts(reader, few.code)  # the site's own look-ups are cached from here on
    used = []
    for each in (few, many):
        with CaptureQueriesContext(connection) as captured:
            assert len(counts(reader, each.code)) == 1 + len(each.sections)
        used.append(len(captured))
    # The targets, the sections, the article, the counts.
    assert used == [4, 4]


def test_only_a_published_articles_code_is_answered(shared: Shared, reader: Client) -> None:
    for code in ("nonesuch", shared.sections["why"], "%22", "x" * 1000):
        answer = reader.get(address(code))
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
    shared.article.unpublish()
    assert reader.get(address(shared.code)).status_code == 404
    shared.article.delete()
    assert reader.get(address(shared.code)).status_code == 404


def test_a_removed_section_is_left_out(shared: Shared, reader: Client) -> None:
    kept = [block for block in shared.article.body.raw_data if block["value"]["heading"] == "Why"]
    edit(shared.article, *kept)
    told = [each["code"] for each in counts(reader, shared.code)]
    assert told == [shared.code, shared.sections["why"]]


def test_it_is_kept_for_a_moment_and_no_longer_than_its_article(
    shared: Shared, reader: Client
) -> None:
    with freshness.recording() as made:
        counts(reader, shared.code)
    assert made.is_kept
    assert made.names == {freshness.article(shared.article.pk)}
    assert made.seconds == COUNTS_KEPT
    assert not made.parameters
    for path in (address("nonesuch"), address(shared.sections["why"])):
        with freshness.recording() as made:
            reader.get(path)
        assert not made.is_kept


def test_all_pages_of_an_article_ask_for_the_same_address(shared: Shared, reader: Client) -> None:
    paths = [
        shared.article.url,
        f"{shared.article.url}why/",
        f"/share/{shared.code}/",
        f"/share/{shared.sections['why']}/",
    ]
    for path in paths:
        page = reader.get(path).content.decode()
        asked = page.count(f'data-article="{shared.code}"')
        assert asked == page.count("data-article=") == page.count("data-count=") > 0
    assert queries.article_code(shared.article.pk) == shared.code
