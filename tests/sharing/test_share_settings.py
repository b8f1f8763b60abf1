"""What readers see of the settings of sharing: on the article, a section, the share page and in links."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from articles.models import HomePage
from sharing import actions, offers
from sharing.models import ShareCount
from sharing.networks import NETWORKS, FederatedNetwork
from sharing.share_settings import ShareSettings
from tests.factories import add_article, section
from tests.sharing.conftest import Shared, codes_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

SLUGS = [each.slug for each in NETWORKS]
TABLE = ShareSettings._meta.db_table


def choose(*slugs: str, off: tuple[str, ...] = (), **labels: str) -> list[dict[str, Any]]:
    """Return stored choices: these slugs first, the rest after them."""
    order = [*slugs, *(slug for slug in SLUGS if slug not in slugs)]
    return [
        {"slug": slug, "shown": slug not in off, "label": labels.get(slug, "")} for slug in order
    ]


def save(networks: object = (), **fields: Any) -> None:
    ShareSettings.objects.all().delete()
    ShareSettings.objects.create(networks=list(networks), **fields)  # type: ignore[call-overload]


def links(html: str, code: str) -> list[str]:
    """Return the slugs of the share links to one code, in order."""
    return re.findall(rf'href="/share/{code}/([a-z0-9-]+)/"', html)


def bars(html: str) -> list[str]:
    """Return the share bars of a page."""
    return re.split(r'<div class="share[ "]', html)[1:]


def html_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    assert not answer.cookies
    return re.sub(r"\s+", " ", answer.content.decode())


@contextmanager
def the_settings_cannot_be_read() -> Iterator[None]:
    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        if TABLE in sql:
            raise OperationalError("the table is locked")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        yield


def places(shared: Shared) -> list[tuple[str, str]]:
    """Return the pages where networks are offered, each with the code it offers."""
    return [
        (shared.article.url, shared.code),
        (f"{shared.article.url}why/", shared.sections["why"]),
        (f"/share/{shared.code}/", shared.code),
        (f"/share/{shared.sections['why']}/", shared.sections["why"]),
    ]


def test_order_switch_and_label_are_seen_wherever_networks_are_offered(
    shared: Shared, reader: Client
) -> None:
    save(choose("email", "x", off=("facebook",), email="Send a letter"))
    for address, code in places(shared):
        html = html_of(reader, address)
        offered = links(html, code)
        assert offered[:2] == ["email", "x"], address
        assert "facebook" not in offered, address
        assert set(offered) == set(SLUGS) - {"facebook"}, address
        assert "Send a letter</a>" in html
        assert "E-mail</a>" not in html


def test_a_label_is_text_and_nothing_else(shared: Shared, reader: Client) -> None:
    save(choose(x="<b>X</b> & more"))
    for address, _ in places(shared):
        html = html_of(reader, address)
        assert "&lt;b&gt;X&lt;/b&gt; &amp; more</a>" in html
        assert "<b>X" not in html


def test_the_icon_stays_decoration_beside_the_label(shared: Shared, reader: Client) -> None:
    save(choose("x", x="Post it"))
    assert re.search(
        r'<svg aria-hidden="true"> <use href="#icon.x" /> </svg> ?Post it</a>',
        html_of(reader, shared.article.url),
    )


def test_so_many_stand_before_more_as_the_settings_say(shared: Shared, reader: Client) -> None:
    save(compact=2)
    bar = bars(html_of(reader, shared.article.url))[0]
    before, _, after = bar.partition("<details>")
    assert links(before, shared.code) == SLUGS[:2]
    assert links(after, shared.code) == SLUGS[2:]


def test_there_is_no_more_where_all_are_visible(shared: Shared, reader: Client) -> None:
    save(choose(off=tuple(SLUGS[3:])), compact=3)
    assert "<details>" not in bars(html_of(reader, shared.article.url))[0]


@pytest.mark.parametrize("number", [0, 8])
def test_no_more_than_seven_and_no_fewer_than_one_are_visible(number: int) -> None:
    for field in ("compact", "generous"):
        with pytest.raises(ValidationError):
            ShareSettings(**{field: number}).full_clean()
        with pytest.raises(IntegrityError), transaction.atomic():
            ShareSettings.objects.create(**{field: number})


def test_without_any_network_the_link_is_still_there(shared: Shared, reader: Client) -> None:
    save(choose(off=tuple(SLUGS)))
    for address, code in places(shared):
        html = html_of(reader, address)
        assert links(html, code) == []
        assert "data-copy=" in html
        assert "data-sheet=" in html
        assert "More" not in html
    article = html_of(reader, shared.article.url)
    assert re.search(
        rf'<noscript> <p> <a href="/share/{shared.code}/"[^>]*>Copy the address by hand', article
    )
    ways = html_of(reader, f"/share/{shared.code}/")
    assert "Copy this address by hand" in ways
    assert "Or copy" not in ways
    assert "every way above" not in ways


def test_a_change_is_seen_with_the_next_request(shared: Shared, reader: Client) -> None:
    # Nothing but the database is between processes, so another connection's change is like this one.
    assert "x" in links(html_of(reader, shared.article.url), shared.code)
    save(choose(off=("x",)))
    assert "x" not in links(html_of(reader, shared.article.url), shared.code)


# --- Links that are older than the settings ------------------------------------------------------


@pytest.mark.parametrize(
    "slug", [SLUGS[0], *(e.slug for e in NETWORKS if isinstance(e, FederatedNetwork))]
)
def test_a_switched_off_network_leads_to_the_ways_that_are_left_and_counts_nothing(
    slug: str, shared: Shared, reader: Client
) -> None:
    save(choose(off=(slug,)))
    answer = reader.get(f"/share/{shared.code}/{slug}/", {"instance": "mastodon.social"})
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        f"/share/{shared.code}/?without={slug}",
    )
    page = html_of(reader, answer.headers["Location"])
    name = next(each.name for each in NETWORKS if each.slug == slug)
    assert f"“{name}” is switched off on this site at the moment" in page
    assert links(page, shared.code)
    actions.drain()
    assert not ShareCount.objects.exists()


def test_the_share_page_speaks_only_of_networks_that_are_switched_off(
    shared: Shared, readers: Callable[[], Client]
) -> None:
    save(choose(off=("facebook",)))
    for word in ("x", "nonesuch", "<script>", "facebook ", ""):
        answer = readers().get(f"/share/{shared.code}/", {"without": word})
        assert answer.status_code == 200
        assert "switched off" not in answer.content.decode()


def test_links_already_posted_go_on_working(shared: Shared, reader: Client) -> None:
    save(choose(off=tuple(SLUGS)))
    answer = reader.get(f"/s/{shared.code}fb/")
    assert (answer.status_code, answer.headers["Location"]) == (302, shared.article.full_url)
    actions.drain()
    assert ShareCount.objects.get().share_class == "arrival"


def test_counts_name_a_network_by_its_own_name(
    shared: Shared, reader: Client, readers: Callable[[], Client]
) -> None:
    save(choose(email="Send a letter"))
    readers().get(f"/share/{shared.code}/email/")
    actions.drain()
    assert re.search(r'<th scope="row">E-mail</th>', html_of(reader, f"/share/{shared.code}/"))


def test_an_unknown_network_is_still_not_there(shared: Shared, reader: Client) -> None:
    save([{"slug": "myspace", "shown": True, "label": ""}])
    assert reader.get(f"/share/{shared.code}/myspace/").status_code == 404


# --- What is stored, and what it costs -----------------------------------------------------------


def test_a_network_added_later_appears_and_one_that_is_gone_does_not(
    shared: Shared, reader: Client
) -> None:
    stored = [each for each in choose("email") if each["slug"] != SLUGS[1]]
    save([{"slug": "myspace", "shown": True, "label": "MySpace"}, *stored])
    offered = links(html_of(reader, f"/share/{shared.code}/"), shared.code)
    assert offered[:3] == ["email", SLUGS[0], SLUGS[1]]
    assert len(offered) == len(SLUGS)


@pytest.mark.parametrize("stored", [{"a": 1}, [1], ["x"], [None], [{"slug": "x"}], "words", 5])
def test_stored_nonsense_offers_all_and_tells_an_operator(
    stored: Any, shared: Shared, reader: Client, caplog: pytest.LogCaptureFixture
) -> None:
    ShareSettings.objects.create(networks=stored)
    assert links(html_of(reader, f"/share/{shared.code}/"), shared.code) == SLUGS
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize(
    "networks",
    [
        {"x": True},
        [{"slug": "x"}],
        [{"slug": "x", "shown": True, "label": "Facebook"}],
        [{"slug": "x", "shown": True, "label": ""}] * 2,
        [{"slug": "x", "shown": True, "label": "a" * 41}],
    ],
)
def test_the_model_refuses_what_no_form_would_store(networks: Any) -> None:
    with pytest.raises(ValidationError):
        ShareSettings(networks=networks).full_clean()


def test_a_database_that_does_not_answer_costs_the_choice_and_not_the_page(
    shared: Shared, reader: Client, caplog: pytest.LogCaptureFixture
) -> None:
    save(choose(off=("x",)))
    with the_settings_cannot_be_read():
        for address, code in places(shared):
            assert set(links(html_of(reader, address), code)) == set(SLUGS)
        assert reader.get(f"/share/{shared.code}/x/").status_code == 303
    assert "were not read" in caplog.text


def test_a_page_asks_for_the_settings_once_and_never_writes_them(
    home: HomePage, reader: Client
) -> None:
    call = {"type": "share_call", "value": {"text": "Tell a friend?"}}
    shared = codes_of(add_article(home, section("Why"), call, section("How"), call))
    assert len(bars(html_of(reader, shared.article.url))) == 3
    for address, _ in [*places(shared), (f"/share/{shared.code}/facebook/", "")]:
        with CaptureQueriesContext(connection) as queries:
            reader.get(address)
        asked = [query["sql"] for query in queries if TABLE in query["sql"]]
        assert len(asked) == 1, address
        assert asked[0].startswith("SELECT")
    assert not ShareSettings.objects.exists()


def test_without_a_request_the_settings_are_asked_each_time(
    django_assert_num_queries: Callable[[int], Any],
) -> None:
    save(choose(off=("x",)))
    with django_assert_num_queries(2):
        assert "x" not in offers.offer_for(None)
        assert "x" not in offers.offer_for(None)
