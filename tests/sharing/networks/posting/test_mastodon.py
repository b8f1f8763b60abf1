"""Servers that speak Mastodon's API: their limits, their differences, and connecting an account."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sharing.networks.demo import DemoNetwork, Fault, Kind
from sharing.networks.http import Expect, Outbound
from sharing.networks.posting import mastodon_sign_in as sign_in
from sharing.networks.posting.conclusions import (
    CredentialsDead,
    Published,
    Rejected,
    RetryLater,
    Stopped,
    Unknown,
)
from sharing.networks.posting.contract import Credentials, Visibility
from sharing.networks.posting.lengths import TextRule
from sharing.networks.posting.mastodon_entities import read_limits
from sharing.networks.secret import Secret
from tests.sharing.networks.posting.conftest import (
    LINK,
    REDIRECT_URI,
    Desk,
    Rings,
    allow,
    open_desk,
    picture,
)


@pytest.fixture
def desk(network: DemoNetwork, outbound: Outbound) -> Desk:
    return open_desk("mastodon", network, outbound)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({}, TextRule(500, link=23, local_mentions=True, warning_counts=True)),
        (
            {
                "version": "4.5.0+glitch",
                "configuration": {
                    "statuses": {"max_characters": 5000, "characters_reserved_per_url": 25}
                },
            },
            TextRule(5000, link=25, local_mentions=True, warning_counts=True),
        ),
        (
            {
                "version": "0.20.0 git-1234567",
                "source_url": "https://codeberg.org/superseriousbusiness/gotosocial",
                "configuration": {"statuses": {"max_characters": 5000}},
            },
            TextRule(5000, unit="codepoint", warning_counts=True),
        ),
        (
            {"version": "2.7.2 (compatible; Pleroma 2.6.0)", "max_toot_chars": 5000},
            TextRule(5000, warning_counts=True),
        ),
        (
            {"version": "3.5.3 (compatible; Pixelfed 0.12.4)"},
            TextRule(500, unit="codepoint"),
        ),
        (
            {"configuration": {"statuses": {"max_characters": "many"}}, "version": 4},
            TextRule(500, link=23, local_mentions=True, warning_counts=True),
        ),
        (["nonsense"], TextRule(500, link=23, local_mentions=True, warning_counts=True)),
    ],
)
def test_each_server_is_counted_by_its_own_rule(said: Any, rule: TextRule) -> None:
    assert read_limits(said).text == rule


def test_limits_are_asked_from_the_server_and_from_the_old_address_where_there_is_no_new(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.network.truth.habits.characters = 1234
    limits = desk.limits
    assert limits.text.limit == 1234
    assert (limits.media, limits.alt, limits.media_bytes) == (4, 1500, 16 * 1024 * 1024)
    assert "image/webp" in limits.media_types
    asked = []
    request = Outbound.request

    def old(self: Outbound, method: str, url: str, **more: Any) -> Any:
        asked.append(urlsplit(url).path)
        if url.endswith("/api/v2/instance"):
            url = f"{desk.network.origin}/nothing"
        return request(self, method, url.replace("/v1/instance", "/v2/instance"), **more)

    monkeypatch.setattr(Outbound, "request", old)
    assert desk.limits == limits
    assert asked == ["/api/v2/instance", "/api/v1/instance"]


def test_gotosocial_ignores_the_key_so_the_search_alone_prevents_a_double(desk: Desk) -> None:
    desk.network.truth.habits.flavour = "gotosocial"
    desk.network.truth.habits.honours_keys = False
    prepared = desk.prepare()
    for _ in range(2):
        assert isinstance(desk.connector.send(desk.account, prepared).outcome, Published)
    assert desk.held() == 2  # so `abilities.repeat` must not say that it may be sent at any time
    assert desk.connector.abilities.repeat == "after finding nothing"


def test_warning_language_and_visibility_go_out_and_nothing_that_was_not_meant(desk: Desk) -> None:
    meant = desk.post(warning="Blood", language="de", visibility=Visibility.FOLLOWERS)
    desk.connector.send(desk.account, desk.prepare(meant))
    desk.connector.send(desk.account, desk.prepare())
    first, second = (each.said for each in desk.network.truth.posts)
    assert first == {
        "status": meant.text,
        "visibility": "private",
        "spoiler_text": "Blood",
        "sensitive": True,
        "language": "de",
    }
    assert set(second) == {"status", "visibility"}


def test_a_picture_is_waited_for_while_the_server_works_on_it(
    network: DemoNetwork, outbound: Outbound
) -> None:
    waits: list[float] = []
    desk = open_desk("mastodon", network, outbound)
    desk.connector = type(desk.connector)(outbound, pause=waits.append)  # type: ignore[call-arg]
    network.truth.habits.media_looks = 3
    prepared = desk.prepare(desk.post(media=(picture(),)))
    assert waits == [0.5, 1, 2]
    assert isinstance(desk.connector.send(desk.account, prepared).outcome, Published)
    network.truth.habits.media_looks = 1_000
    with pytest.raises(Stopped, match="still working") as stopped:
        desk.prepare(desk.post(media=(picture(),)))
    assert isinstance(stopped.value.outcome, RetryLater)


def test_a_picture_that_is_not_ready_has_the_post_prepared_again(desk: Desk) -> None:
    prepared = desk.prepare(desk.post(media=(picture(),)))
    desk.network.truth.media.clear()
    outcome = desk.connector.send(desk.account, prepared).outcome
    assert isinstance(outcome, RetryLater)
    assert outcome.prepare


def test_a_post_without_its_link_is_refused_because_it_could_not_be_found_again(desk: Desk) -> None:
    [problem] = desk.connector.check(desk.post("Salt"), desk.limits)
    assert problem.blocking
    assert "link must be in its text" in problem.sentence


def test_a_missing_permission_asks_for_the_account_to_be_connected_anew(desk: Desk) -> None:
    prepared = desk.prepare()
    desk.network.truth.drop_scope("write:statuses")
    outcome = desk.connector.send(desk.account, prepared).outcome
    assert isinstance(outcome, CredentialsDead)
    assert "permission" in outcome.sentence


def test_a_server_that_moved_is_told_as_such(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = desk.prepare()
    moved = replace(
        desk.outbound.request("GET", f"{desk.network.origin}/api/v2/instance"), status=308
    )
    monkeypatch.setattr(Outbound, "request", lambda *_, **__: moved)
    outcome = desk.connector.send(desk.account, prepared).outcome
    assert isinstance(outcome, Rejected)
    assert "moved" in outcome.sentence


def test_a_wall_in_front_of_the_server_ends_no_connection(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = desk.prepare()
    answer = desk.outbound.request("GET", f"{desk.network.origin}/api/v2/instance")
    wall = replace(answer, status=403, json=None)
    monkeypatch.setattr(Outbound, "request", lambda *_, **__: wall)
    assert isinstance(desk.connector.send(desk.account, prepared).outcome, RetryLater)


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 520, 599])
def test_a_status_that_says_nothing_about_the_post_is_unknown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    prepared = desk.prepare()
    answer = desk.outbound.request("GET", f"{desk.network.origin}/api/v2/instance")
    monkeypatch.setattr(Outbound, "request", lambda *_, **__: replace(answer, status=status))
    assert isinstance(desk.connector.send(desk.account, prepared).outcome, Unknown)


def test_a_token_that_another_worker_renewed_is_taken_over(desk: Desk) -> None:
    credentials = desk.account.credentials
    rings = Rings(replace(credentials, access=Secret("new")))
    assert desk.connector.renew(desk.account, rings).credentials.access == Secret("new")
    with pytest.raises(Stopped) as stopped:
        desk.connector.renew(desk.account, Rings(credentials))
    assert isinstance(stopped.value.outcome, CredentialsDead)


def test_a_post_that_is_not_among_the_last_400_cannot_be_told(desk: Desk) -> None:
    prepared = desk.prepare(stamp=desk.stamp(age=timedelta(days=3)))
    truth = desk.network.truth
    for number in range(401):
        truth.add("mastodon", "demo", f"k{number}", "Other", {"status": "Other"}, truth.next_id())
    found = desk.find_later(prepared)
    assert "not among the last 400" in found.sentence
    assert found.again_at is None


# Connecting


@pytest.fixture
def app(network: DemoNetwork, outbound: Outbound) -> sign_in.App:
    return sign_in.register(
        outbound,
        network.origin,
        redirect_uri=REDIRECT_URI,
        name="Health",
        website="https://health.example/",
    )


def test_an_editor_is_sent_with_pkce_and_a_state_of_their_own(app: sign_in.App) -> None:
    first, second = sign_in.begin(app), sign_in.begin(app)
    query = {name: values[0] for name, values in parse_qs(urlsplit(first.url).query).items()}
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == REDIRECT_URI
    assert query["scope"] == "read:accounts read:statuses write:statuses write:media"
    assert first.verifier.reveal() not in first.url
    assert first.state != second.state
    assert query["state"] not in repr(first).replace(first.url, "")


def connect(outbound: Outbound, app: sign_in.App, **different: str) -> Credentials:
    begun = sign_in.begin(app)
    back = {name: values[0] for name, values in allow(outbound, begun.url).items()}
    given = {"state": back["state"], "code": back["code"]} | different
    return sign_in.finish(outbound, app, begun, **given)


@pytest.mark.parametrize(
    ("different", "said"),
    [
        ({"state": ""}, "not the sign-in that was begun"),
        ({"state": "another's"}, "not the sign-in that was begun"),
        ({"state": "ünsinn"}, "not the sign-in that was begun"),
        ({"code": ""}, "did not allow"),
        ({"code": "made up"}, "did not accept"),
        ({"issuer": "https://evil.example"}, "Another server answered"),
    ],
)
def test_a_sign_in_that_is_not_the_one_begun_is_refused(
    outbound: Outbound, app: sign_in.App, different: dict[str, str], said: str
) -> None:
    with pytest.raises(sign_in.SignInFailed, match=said):
        connect(outbound, app, **different)


def test_a_code_is_good_once_and_only_with_its_verifier(
    outbound: Outbound, app: sign_in.App
) -> None:
    begun = sign_in.begin(app)
    back = allow(outbound, begun.url)
    state, code = back["state"][0], back["code"][0]
    stolen = replace(begun, verifier=Secret("another"))
    with pytest.raises(sign_in.SignInFailed):
        sign_in.finish(outbound, app, stolen, state=state, code=code)
    begun = sign_in.begin(app)
    back = allow(outbound, begun.url)
    state, code = back["state"][0], back["code"][0]
    issuer = f"{app.origin}/"
    credentials = sign_in.finish(outbound, app, begun, state=state, code=code, issuer=issuer)
    assert set(sign_in.SCOPES) == credentials.scopes
    with pytest.raises(sign_in.SignInFailed):
        sign_in.finish(outbound, app, begun, state=state, code=code)


def test_an_editor_who_refuses_is_told_so(outbound: Outbound, app: sign_in.App) -> None:
    begun = sign_in.begin(app)
    back = allow(outbound, begun.url, account="")
    assert back["error"] == ["access_denied"]
    with pytest.raises(sign_in.SignInFailed, match="did not allow"):
        sign_in.finish(outbound, app, begun, state=back["state"][0], code="")


def test_a_server_that_gives_less_than_is_needed_is_refused(
    network: DemoNetwork, outbound: Outbound, app: sign_in.App
) -> None:
    begun = sign_in.begin(app)
    back = allow(outbound, begun.url)
    [code] = back["code"]
    network.truth.codes[code]["scope"] = "read write:media"
    with pytest.raises(sign_in.SignInFailed, match="write:statuses"):
        sign_in.finish(outbound, app, begun, state=back["state"][0], code=code)


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.ERROR_BEFORE, Kind.SWALLOW_REPLY, Kind.NO_ID])
def test_a_server_in_trouble_connects_nobody(
    network: DemoNetwork, outbound: Outbound, kind: Kind
) -> None:
    network.misbehave(Fault(kind, on="token"))
    with pytest.raises(sign_in.SignInFailed):
        sign_in.register(
            outbound, network.origin, redirect_uri=REDIRECT_URI, name="Health", website=""
        )


def test_an_instance_that_points_inside_is_not_asked() -> None:
    with pytest.raises(sign_in.SignInFailed):
        sign_in.register(
            Outbound(), "https://127.0.0.1", redirect_uri=REDIRECT_URI, name="Health", website=""
        )


def test_the_demo_network_shows_its_posts_and_says_that_it_is_none(desk: Desk) -> None:
    published = desk.connector.send(
        desk.account, desk.prepare(desk.post(f"<b>Salt</b> {LINK}"))
    ).outcome
    assert isinstance(published, Published)
    for address in (f"{desk.network.origin}/", published.permalink):
        page = page_of(desk, address)
        assert "pretend network on this machine" in page
        assert f'<a href="{LINK}">' in page
        assert "<b>" not in page


def page_of(desk: Desk, address: str) -> str:
    return desk.outbound.request("GET", address, expects=Expect.TEXT).body.decode()
