"""What the API and the counts page tell of the numbers."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import HomePage
from sharing import actions
from tests.sharing.conftest import Shared, shared_article

pytestmark = pytest.mark.django_db

URL = "/api/v1/share-counts/"
ZEROS = {"intent": 0, "handed_over": 0, "arrival": 0, "observed": 0, "mention": 0}


def counts(client: Client, *codes: str) -> list[dict[str, Any]]:
    answer = client.get(URL, {"code": list(codes)})
    assert answer.status_code == 200
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_what_nobody_shared_counts_zero(shared: Shared, reader: Client) -> None:
    actions.drain()
    [result] = counts(reader, shared.code)
    assert result["total"] == 0
    assert result["classes"] == ZEROS
    assert datetime.fromisoformat(result["as_of"]) <= timezone.now()


def test_the_total_is_intents_and_handed_over_and_never_arrivals(
    shared: Shared, readers: Callable[[], Client]
) -> None:
    readers().get(f"/share/{shared.code}/bluesky/")
    readers().get(f"/share/{shared.code}/x/")
    for _ in range(3):
        readers().get(f"/s/{shared.code}bs/")
    actions.drain()
    [result] = counts(readers(), shared.code)
    assert result["classes"] == ZEROS | {"intent": 2, "arrival": 3}
    assert result["total"] == 2


def test_an_articles_sections_have_counts_of_their_own(shared: Shared, reader: Client) -> None:
    reader.get(f"/share/{shared.sections['why']}/bluesky/")
    actions.drain()
    results = counts(reader, shared.code, shared.sections["why"], shared.sections["how"])
    assert [result["total"] for result in results] == [0, 1, 0]


def test_counts_come_in_the_order_asked_for_each_once(shared: Shared, reader: Client) -> None:
    codes = [shared.sections["how"], shared.code, shared.sections["why"]]
    assert [result["code"] for result in counts(reader, *codes, codes[0])] == codes


def test_many_codes_cost_as_many_queries_as_one(home: HomePage, reader: Client) -> None:
    every = [shared_article(home, title=f"Sleep {number}") for number in range(5)]
    counts(reader, every[0].code)  # the site's own look-ups are cached from here on
    used = []
    for some in (every[:1], every):
        with CaptureQueriesContext(connection) as queries:
            counts(
                reader,
                *(code for shared in some for code in (shared.code, *shared.sections.values())),
            )
        used.append(len(queries))
    assert used[0] == used[1] <= 6


def test_queries_do_not_grow_while_the_cache_is_silent(
    home: HomePage, reader: Client, frozen_cache: None
) -> None:
    every = [shared_article(home, title=f"Sleep {number}") for number in range(5)]
    used = []
    for some in (every[:1], every):
        with CaptureQueriesContext(connection) as queries:
            counts(reader, *(shared.code for shared in some))
            reader.get("/api/v1/articles/", {"page_size": len(some)})
        used.append(len(queries))
    assert used[0] == used[1]


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("code=", 404), ("code=nonesuch", 404), ("code=%22", 404), ("code=%00", 400),
     ("code=" + "x" * 20_000, 404), ("&".join(f"code={n}" for n in range(101)), 400)],
)  # fmt: skip
def test_bad_codes_get_a_problem(query: str, status: int, shared: Shared, reader: Client) -> None:
    answer = reader.get(f"{URL}?{query}")
    assert answer.status_code == status
    if "%00" not in query:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert len(answer.content) < 1000


def test_a_drafts_counts_are_not_found_and_a_deleted_articles_are_kept(
    shared: Shared, reader: Client
) -> None:
    reader.get(f"/share/{shared.code}/bluesky/")
    actions.drain()
    shared.article.unpublish()
    assert reader.get(URL, {"code": shared.code}).status_code == 404
    shared.article.delete()
    assert counts(reader, shared.code)[0]["total"] == 1


def test_small_counts_are_not_told_where_the_site_says_so(
    shared: Shared, reader: Client, readers: Callable[[], Client], settings: Any
) -> None:
    settings.SHARE_COUNT_MIN = 2
    reader.get(f"/share/{shared.code}/bluesky/")
    actions.drain()
    [result] = counts(reader, shared.code)
    assert (result["total"], result["classes"], result["below"]) == (None, None, 2)
    readers().get(f"/share/{shared.code}/bluesky/")
    actions.drain()
    [result] = counts(reader, shared.code)
    assert result["total"] == 2
    assert "below" not in result


def test_the_counts_page_tells_classes_and_names_every_network(
    shared: Shared, reader: Client
) -> None:
    reader.get(f"/share/{shared.code}/bluesky/")
    actions.drain()
    answer = reader.get(f"/share/{shared.code}/")
    page = answer.content.decode()
    assert answer.status_code == 200
    for name in ("Bluesky", "Mastodon", "Facebook", "LinkedIn", "WhatsApp", "E-mail"):
        assert name.lower() in page.lower()
    assert "Shared once" in page
    assert not answer.cookies


def test_the_counts_page_hides_small_counts_too(
    shared: Shared, reader: Client, settings: Any
) -> None:
    settings.SHARE_COUNT_MIN = 10
    reader.get(f"/share/{shared.code}/bluesky/")
    actions.drain()
    page = reader.get(f"/share/{shared.code}/").content.decode()
    assert "Shared once" not in page
    assert "fewer than 10" in page.lower()


def test_counts_can_be_asked_for_again_cheaply(shared: Shared, reader: Client) -> None:
    actions.drain()
    first = reader.get(URL, {"code": shared.code})
    assert first.headers["ETag"]
    again = reader.get(URL, {"code": shared.code}, headers={"if-none-match": first.headers["ETag"]})
    assert again.status_code == 304
