"""A reader is about to share: recorded once, and sent to the network's own composer."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.db import OperationalError
from django.test import Client

from sharing import actions, campaigns, card_actions
from sharing.models import ShareCount, ShareTarget
from sharing.networks import NETWORKS, FederatedNetwork
from tests.factories import add_draft, edit
from tests.markup import values
from tests.sharing.conftest import Shared

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

REDIRECTING = [network for network in NETWORKS if not isinstance(network, FederatedNetwork)]


def counted() -> dict[tuple[str, str, str], int]:
    """Return all counts by code, channel and class, after a sweep."""
    actions.drain()
    rows = ShareCount.objects.values_list("target__code", "channel", "share_class", "count")
    return {(code, channel, share_class): count for code, channel, share_class, count in rows}


@pytest.mark.parametrize("network", REDIRECTING, ids=lambda network: network.slug)
def test_an_intent_leads_to_the_composer_with_our_short_link(
    network: object, shared: Shared, reader: Client
) -> None:
    slug, suffix = network.slug, network.suffix  # type: ignore[attr-defined]
    answer = reader.get(f"/share/{shared.code}/{slug}/")
    assert answer.status_code == 303
    target = answer.headers["Location"]
    assert urlsplit(target).scheme in network.schemes  # type: ignore[attr-defined]
    shared_url = f"http://127.0.0.1:8000/s/{shared.code}{suffix}/"
    if not network.takes_short_links:  # type: ignore[attr-defined]
        shared_url = shared.article.full_url
    assert shared_url in unquote(target)
    assert counted() == {(shared.code, slug, "intent"): 1}


def test_a_network_that_distrusts_short_links_gets_the_sections_own_address(
    shared: Shared, reader: Client
) -> None:
    answer = reader.get(f"/share/{shared.sections['why']}/hackernews/")
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["u"] == [shared.article.section_url("why")]


def test_pinterest_gets_the_card_once_there_is_one(
    shared: Shared, reader: Client, readers: Callable[[], Client]
) -> None:
    path = f"/share/{shared.code}/pinterest/"
    assert "media=" not in reader.get(path).headers["Location"]
    card_actions.make_cards()
    query = parse_qs(urlsplit(readers().get(path).headers["Location"]).query)
    [picture] = query["media"]
    assert picture.startswith("http://127.0.0.1:8000/media/cards/")
    answer = reader.get(urlsplit(picture).path)
    assert answer.headers["Content-Type"] == "image/png"
    assert b"".join(answer).startswith(b"\x89PNG")


def test_a_section_has_a_code_and_a_link_of_its_own(shared: Shared, reader: Client) -> None:
    code = shared.sections["why"]
    answer = reader.get(f"/share/{code}/bluesky/")
    text = parse_qs(urlsplit(answer.headers["Location"]).query)["text"][0]
    assert "Why" in text
    assert f"/s/{code}bs/" in text
    assert counted() == {(code, "bluesky", "intent"): 1}


DESTINATIONS = [
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "%0d%0aX: 1",
    "https://evil.example",
]


@pytest.mark.parametrize("name", ["url", "u", "next", "to", "redirect", "instance", "text"])
@pytest.mark.parametrize("value", DESTINATIONS)
def test_no_parameter_names_a_destination(
    name: str, value: str, shared: Shared, reader: Client, readers: Callable[[], Client]
) -> None:
    plain = reader.get(f"/share/{shared.code}/facebook/").headers["Location"]
    answer = readers().get(f"/share/{shared.code}/facebook/?{name}={value}")
    assert answer.status_code == 303
    assert answer.headers["Location"] == plain
    arrival = readers().get(f"/s/{shared.code}fb/?{name}={value}")
    assert arrival.headers["Location"] == shared.article.full_url


def test_no_parameter_of_any_share_address_leads_elsewhere_or_is_said_again(
    shared: Shared, readers: Callable[[], Client]
) -> None:
    target = ShareTarget.objects.get(code=shared.code)
    campaign = campaigns.create(target=target, name="Poster", expires_at=None, created_by=None)
    # The reader's own server is not among them: it is named on a page, as a link (below).
    names = ("next", "to", "u", "url", "dest", "return_to", "redirect_uri", "without", "code")
    for path in (
        f"/share/{shared.code}/",
        f"/share/{shared.code}/email/",
        f"/share/{shared.code}/mastodon/",
        f"/share/{shared.code}/qr.svg",
        f"/s/{shared.code}/",
        f"/s/{shared.code}cl/",
        f"/s/{campaign.code}/",
    ):
        for value in DESTINATIONS:
            plain = readers().get(path)
            # All at once: one that were heeded would be seen.
            answer = readers().get(f"{path}?{'&'.join(f'{name}={value}' for name in names)}")
            assert answer.status_code in {plain.status_code, 400}, path
            assert answer.headers.get("Location") == plain.headers.get("Location"), path
            assert "X" not in answer.headers
            links = [url for tag in ("a", "form", "img") for url in links_of(answer, tag)]
            assert not [url for url in links if "evil" in url or "alert(1)" in url], path


@pytest.mark.parametrize(
    "tail",
    ["//evil.example/", "/\\evil.example/", "%2f%2fevil.example/", "%0d%0aLocation:%20//evil.example/",
     "/javascript:alert(1)/", "/..%2f..%2f/evil.example", "@evil.example/", "?//evil.example", ";//evil.example/"],
)  # fmt: skip
def test_no_end_of_a_share_address_leads_elsewhere(
    tail: str, shared: Shared, readers: Callable[[], Client]
) -> None:
    for path in (
        f"/share/{shared.code}", f"/share/{shared.code}/facebook", f"/s/{shared.code}fb", "/share", "/s",
    ):  # fmt: skip
        answer = readers().get(f"{path}{tail}")
        assert answer.status_code in {301, 302, 303, 400, 404}, path
        location = answer.headers.get("Location", "/")
        host = urlsplit(location).netloc
        assert host in {"", "127.0.0.1:8000", "www.facebook.com"}, location
        assert not location.startswith(("//", "/\\")), location
        assert "\n" not in location


def links_of(answer: Any, tag: str) -> list[str]:
    """Return where the elements of a page lead."""
    if not answer.headers["Content-Type"].startswith("text/html"):
        return []
    page = answer.content.decode()
    return [url for name in ("href", "action", "src") for url in values(page, tag, name)]


def test_the_answer_is_never_stored_and_tells_no_referrer(shared: Shared, reader: Client) -> None:
    answer = reader.get(f"/share/{shared.code}/x/")
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert not answer.cookies


@pytest.mark.parametrize(
    "path",
    ["/share/nonesuch/bluesky/", "/share/nonesuch/", "/s/nonesuchbs/", "/s/x/", "/s/nonesuch/",
     "/share/%22/bluesky/", "/share/CODE/myspace/", "/share/CODE/copy-link/", "/s/CODEzz/"],
)  # fmt: skip
def test_unknown_codes_and_networks_are_not_found(
    path: str, shared: Shared, reader: Client
) -> None:
    assert reader.get(path.replace("CODE", shared.code)).status_code == 404


def test_a_drafts_codes_are_not_found(shared: Shared, reader: Client) -> None:
    shared.article.unpublish()
    for path in (
        f"/share/{shared.code}/bluesky/",
        f"/share/{shared.code}/",
        f"/s/{shared.code}bs/",
    ):
        assert reader.get(path).status_code == 404
    assert counted() == {}


def test_a_draft_that_was_never_published_has_no_code(shared: Shared) -> None:
    home = shared.article.get_parent().specific
    draft = add_draft(home, title="Unfinished")
    assert not ShareTarget.objects.filter(page_id=draft.pk).exists()


def test_a_removed_sections_links_are_gone_and_lead_to_the_article(
    shared: Shared, reader: Client
) -> None:
    code = shared.sections["how"]
    kept = [block for block in shared.article.body.raw_data if block["value"]["heading"] == "Why"]
    edit(shared.article, *kept)
    for path in (f"/share/{code}/bluesky/", f"/share/{code}/", f"/s/{code}bs/"):
        answer = reader.get(path)
        assert answer.status_code == 410
        assert shared.article.full_url in answer.content.decode()


def test_a_deleted_articles_links_are_gone_and_its_counts_stay(
    shared: Shared, reader: Client
) -> None:
    reader.get(f"/share/{shared.code}/bluesky/")
    before = counted()
    shared.article.delete()
    assert reader.get(f"/share/{shared.code}/bluesky/").status_code == 410
    assert reader.get(f"/s/{shared.code}bs/").status_code == 410
    assert counted() == before == {(shared.code, "bluesky", "intent"): 1}


def test_a_renamed_and_moved_article_keeps_its_code_and_counts(
    shared: Shared, reader: Client
) -> None:
    reader.get(f"/share/{shared.code}/bluesky/")
    article = edit(shared.article, title="Slumber", slug="slumber")
    assert reader.get(f"/s/{shared.code}bs/").headers["Location"] == article.full_url
    assert article.full_url.endswith("/slumber/")
    assert counted()[shared.code, "bluesky", "intent"] == 1


@pytest.mark.parametrize("path", ["/share/CODE/bluesky/", "/s/CODEbs/"])
def test_a_reader_goes_on_when_nothing_can_take_the_event(
    path: str,
    shared: Shared,
    reader: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def disk_full(**kwargs: object) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr("sharing.actions.accept", disk_full)
    assert reader.get(path.replace("CODE", shared.code)).status_code in {302, 303}
    assert "was not recorded" in caplog.text


# The reader's own instance


def test_mastodon_asks_for_the_readers_server(shared: Shared, reader: Client) -> None:
    answer = reader.get(f"/share/{shared.code}/mastodon/")
    assert answer.status_code == 200
    assert 'name="instance"' in answer.content.decode()
    assert counted() == {}


def test_mastodon_names_the_server_and_offers_one_plain_link(
    shared: Shared, reader: Client
) -> None:
    answer = reader.get(f"/share/{shared.code}/mastodon/", {"instance": "Mastodon.Social"})
    page = answer.content.decode()
    assert answer.status_code == 200, "never a redirect: that would be an open one"
    assert page.count('href="https://mastodon.social/share?text=') == 1
    assert "Continue to mastodon.social" in page
    assert counted() == {(shared.code, "mastodon", "intent"): 1}


@pytest.mark.parametrize(
    "typed",
    ["", "127.0.0.1", "2130706433", "0x7f.1", "localhost.", "[::1]", "a@b@c", "host:8080",
     "javascript:alert(1)", "//evil", "<script>alert(1)</script>", "a" * 300, "x.local",
     "mastodon.social/path", "mastodon\u202e.social"],
)  # fmt: skip
def test_a_server_that_is_none_is_refused_with_a_reason(
    typed: str, shared: Shared, reader: Client
) -> None:
    answer = reader.get(f"/share/{shared.code}/mastodon/", {"instance": typed})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Continue to" not in page
    assert "<script>alert" not in page
    assert counted() == {}
