"""A campaign link: a name and a count of its own, until it ends."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sharing import actions, campaigns, queries
from sharing.channels import BY_SUFFIX
from sharing.links import campaign_address, is_campaign_code
from sharing.models import CODE_ALPHABET, CampaignLink, ShareCount, ShareTarget
from tests.conftest import new_reader
from tests.factories import edit
from tests.sharing.conftest import Shared

pytestmark = pytest.mark.django_db


def target_of(code: str) -> ShareTarget:
    return ShareTarget.objects.get(code=code)


def link_to(code: str, name: str = "Newsletter", **fields: Any) -> CampaignLink:
    """Make a campaign link to the target of a share code."""
    expires_at: datetime | None = fields.pop("expires_at", None)
    return campaigns.create(
        target=target_of(code), name=name, expires_at=expires_at, created_by=fields.pop("by", None)
    )


def counted() -> dict[tuple[str, str], int]:
    """Return all counts by channel and class, after a sweep."""
    actions.drain()
    rows = ShareCount.objects.values_list("channel", "share_class", "count")
    return {(channel, share_class): count for channel, share_class, count in rows}


# The link


def test_a_link_leads_to_its_page_and_counts_under_its_own_channel(
    shared: Shared, readers: Callable[[], Client]
) -> None:
    link = link_to(shared.sections["why"])
    for _ in range(3):
        answer = readers().get(f"/s/{link.code}/")
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"{shared.article.full_url}why/"
        assert "no-store" in answer.headers["Cache-Control"]
        assert not answer.cookies
    assert counted() == {(f"campaign-{link.code}", "arrival"): 3}
    [link] = queries.campaign_links_of(shared.article.pk)
    assert link.arrivals == 3  # type: ignore[attr-defined]  # annotated


def test_two_campaigns_of_one_page_are_counted_apart(
    shared: Shared, readers: Callable[[], Client]
) -> None:
    first, second = link_to(shared.code, "First"), link_to(shared.code, "Second")
    visitor = readers()
    for link in (first, second, first):
        visitor.get(f"/s/{link.code}/")
    assert counted() == {(first.channel, "arrival"): 1, (second.channel, "arrival"): 1}


def test_a_code_is_nine_letters_and_never_a_readers_link(shared: Shared) -> None:
    code = link_to(shared.code).code
    assert len(code) == 9
    assert set(code) <= set(CODE_ALPHABET)
    for suffix in BY_SUFFIX:
        assert not is_campaign_code(shared.code + suffix)


def test_a_link_whose_code_looks_like_a_share_code_is_still_its_own(
    shared: Shared, reader: Client
) -> None:
    link = link_to(shared.sections["how"])
    CampaignLink.objects.filter(pk=link.pk).update(code=f"{shared.code}b")
    answer = reader.get(f"/s/{shared.code}b/")
    assert answer.headers["Location"] == f"{shared.article.full_url}how/"


@pytest.mark.parametrize("headers", [
    {"user-agent": "Googlebot/2.1"}, {"user-agent": "http.rb/5.2.0 (Mastodon/4.3.0; +https://m.example/) Bot"}, {"user-agent": ""},
    {"sec-gpc": "1"}, {"dnt": "1"}, {"sec-purpose": "prefetch"}, {"purpose": "preview"},
    {"sec-fetch-dest": "image"},
])  # fmt: skip
def test_robots_prefetching_and_those_who_object_are_sent_on_uncounted(
    headers: dict[str, str], shared: Shared
) -> None:
    link = link_to(shared.code)
    answer = new_reader(**headers).get(f"/s/{link.code}/")
    assert answer.status_code == 302
    assert counted() == {}


def test_head_and_a_signed_in_editor_are_not_counted(
    shared: Shared, reader: Client, editor: Client
) -> None:
    link = link_to(shared.code)
    assert reader.head(f"/s/{link.code}/").status_code == 302
    assert editor.get(f"/s/{link.code}/").status_code == 302
    for method in ("post", "put", "delete"):
        assert getattr(reader, method)(f"/s/{link.code}/").status_code == 405
    assert counted() == {}


def test_an_unknown_code_is_not_found(shared: Shared, reader: Client) -> None:
    link = link_to(shared.code)
    for path in (
        "/s/222222222/",
        f"/s/{link.code.upper()}/",
        f"/s/{link.code}x/",
        "/s/%22aaaaaaaa/",
    ):
        if path != f"/s/{link.code}/":  # a code of digits alone has no capitals
            assert reader.get(path).status_code == 404


def test_a_campaigns_arrival_costs_few_queries(shared: Shared, reader: Client) -> None:
    link = link_to(shared.sections["why"])
    reader.get(f"/s/{link.code}/")
    with CaptureQueriesContext(connection) as captured:
        reader.get(f"/s/{link.code}/")
    campaign = len(captured)
    with CaptureQueriesContext(connection) as captured:
        reader.get(f"/s/{shared.sections['why']}bs/")
    assert campaign <= len(captured)


# Its end


def test_an_ended_link_says_so_counts_nothing_and_leads_on(shared: Shared, reader: Client) -> None:
    link = link_to(shared.sections["why"])
    campaigns.end(link=link)
    answer = reader.get(f"/s/{link.code}/")
    page = answer.content.decode()
    assert answer.status_code == 410
    assert "no-store" in answer.headers["Cache-Control"]
    assert "This link has ended" in page
    assert f'href="{shared.article.full_url}why/"' in page
    assert "Newsletter" not in page
    assert counted() == {}


@pytest.mark.parametrize(("after", "status"), [(-1, 302), (0, 410), (1, 410)])
def test_a_link_is_over_at_the_very_moment_of_its_end(
    after: int, status: int, shared: Shared, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = timezone.now() + timedelta(hours=1)
    link = link_to(shared.code, expires_at=end)
    now = end + timedelta(microseconds=after)
    monkeypatch.setattr("sharing.views.timezone.now", lambda: now)
    assert reader.get(f"/s/{link.code}/").status_code == status


def test_a_reopened_link_works_and_counts_on(shared: Shared, readers: Callable[[], Client]) -> None:
    link = link_to(shared.code)
    readers().get(f"/s/{link.code}/")
    campaigns.end(link=link)
    readers().get(f"/s/{link.code}/")
    campaigns.reopen(link=link)
    assert readers().get(f"/s/{link.code}/").status_code == 302
    assert counted() == {(link.channel, "arrival"): 2}


def test_ending_twice_keeps_the_first_moment(shared: Shared) -> None:
    link = link_to(shared.code)
    campaigns.end(link=link)
    first = link.ended_at
    campaigns.end(link=link)
    assert link.ended_at == first


def test_a_link_to_a_draft_is_not_found_and_to_what_is_gone_says_so(
    shared: Shared, reader: Client
) -> None:
    article, section = link_to(shared.code), link_to(shared.sections["how"])
    ended = link_to(shared.code, "Ended")
    campaigns.end(link=ended)
    kept = [block for block in shared.article.body.raw_data if block["value"]["heading"] == "Why"]
    edit(shared.article, *kept)
    gone = reader.get(f"/s/{section.code}/")
    assert gone.status_code == 410
    assert shared.article.full_url in gone.content.decode()
    shared.article.unpublish()
    for link in (article, ended):
        answer = reader.get(f"/s/{link.code}/")
        assert answer.status_code == 404
        assert "Sleep" not in answer.content.decode()
    shared.article.delete()
    for link in (article, ended):
        assert reader.get(f"/s/{link.code}/").status_code == 410
    assert counted() == {}


# Its name


def test_a_name_is_one_running_links_of_a_page(shared: Shared) -> None:
    first = link_to(shared.code, "Poster")
    for again in ("Poster", "POSTER"):
        with pytest.raises(campaigns.NameTaken):
            link_to(shared.code, again)
    link_to(shared.sections["why"], "Poster")
    campaigns.end(link=first)
    second = link_to(shared.code, "Poster")
    with pytest.raises(campaigns.NameTaken):
        campaigns.reopen(link=first)
    first.refresh_from_db()
    assert first.ended_at is not None
    campaigns.change(link=second, name="Another", expires_at=None)
    campaigns.reopen(link=first)
    with pytest.raises(campaigns.NameTaken):
        campaigns.change(link=second, name="poster", expires_at=None)
    second.refresh_from_db()
    assert second.name == "Another"


def test_the_database_itself_refuses_a_second_one(shared: Shared) -> None:
    link_to(shared.code, "Poster")
    with pytest.raises(IntegrityError), transaction.atomic():
        CampaignLink.objects.create(target=target_of(shared.code), name="poster")


def test_a_code_that_is_taken_is_drawn_again(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = link_to(shared.code, "First").code
    codes = iter([taken, taken, "23456789a"])
    monkeypatch.setattr(CampaignLink._meta.get_field("code"), "default", lambda: next(codes))
    CampaignLink._meta.get_field("code").__dict__.pop("_get_default", None)
    try:
        assert link_to(shared.code, "Second").code == "23456789a"
    finally:
        CampaignLink._meta.get_field("code").__dict__.pop("_get_default", None)


def test_a_target_with_a_campaign_cannot_be_deleted_and_its_maker_can(shared: Shared) -> None:
    maker = User.objects.create_user("maker")
    link = link_to(shared.code, by=maker)
    with pytest.raises(ProtectedError):
        target_of(shared.code).delete()
    maker.delete()
    link.refresh_from_db()
    assert link.created_by is None


# What others are told


def test_readers_see_campaigns_as_one_and_editors_by_name(
    shared: Shared, readers: Callable[[], Client], editor: Client
) -> None:
    first = link_to(shared.code, "Secret newsletter")
    second = link_to(shared.code, "Secret poster")
    for link in (first, first, second):
        readers().get(f"/s/{link.code}/")
    readers().get(f"/s/{shared.code}bs/")
    actions.drain()
    page = readers().get(f"/share/{shared.code}/").content.decode()
    assert "Secret" not in page
    assert first.code not in page
    assert "campaign-" not in page
    assert page.count("Campaign links") == 1
    row = page[page.index("Campaign links") :]
    assert [row[row.index("<td>") :].split("<td>")[n][0] for n in (1, 2, 3)] == ["0", "0", "3"]
    page = editor.get(f"/share/{shared.code}/").content.decode()
    assert "Campaign: Secret newsletter" in page
    assert "Campaign: Secret poster" in page


def test_the_api_tells_no_campaign_and_adds_none_to_the_total(
    shared: Shared, readers: Callable[[], Client]
) -> None:
    link = link_to(shared.code, "Secret newsletter")
    readers().get(f"/s/{link.code}/")
    actions.drain()
    answer = readers().get("/api/v1/share-counts/", {"code": shared.code})
    [result] = answer.json()["results"]
    assert result["total"] == 0
    assert result["classes"]["arrival"] == 1
    assert "Secret" not in answer.content.decode()
    assert link.code not in answer.content.decode()


def test_a_beacon_cannot_count_for_a_campaign(shared: Shared, reader: Client) -> None:
    link = link_to(shared.code)
    for code, channel in ((shared.code, link.channel), (link.code, "copy-link")):
        answer = reader.post(
            "/api/v1/share-events/",
            {"event_id": str(uuid4()), "code": code, "channel": channel, "class": "handed_over"},
            content_type="application/json",
        )
        assert answer.status_code in {400, 404}
    assert counted() == {}


def test_channels_have_names_for_editors_with_one_query(shared: Shared) -> None:
    links = [link_to(shared.code, f"Number {n}") for n in range(5)]
    with CaptureQueriesContext(connection) as captured:
        names = queries.channel_names([*(link.channel for link in links), "bluesky", "campaign-?"])
    assert len(captured) == 1
    assert names[links[3].channel] == "Campaign: Number 3"
    assert names["bluesky"] == "Bluesky"
    assert names["campaign-?"] == "Campaign links"


def test_an_address_is_whole_and_short(shared: Shared) -> None:
    link = link_to(shared.code)
    assert campaign_address(link.code) == f"http://127.0.0.1:8000/s/{link.code}/"
