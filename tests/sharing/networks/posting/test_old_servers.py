"""Servers that know no more of Mastodon's API than its first version, and whose access ends and is renewed."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from sharing.networks.demo import DemoNetwork, Fault, Kind
from sharing.networks.http import Outbound
from sharing.networks.posting import mastodon_sign_in as sign_in
from sharing.networks.posting.conclusions import (
    Absent,
    CannotTell,
    CredentialsDead,
    CredentialsExpired,
    Found,
    Published,
    Rejected,
    RetryLater,
    Stopped,
    Unknown,
)
from sharing.networks.posting.contract import Account
from sharing.networks.posting.mastodon import MastodonApi
from tests.sharing.networks.posting.conftest import (
    REDIRECT_URI,
    Desk,
    Rings,
    allow,
    open_desk,
    picture,
)


@pytest.fixture
def network(network: DemoNetwork) -> DemoNetwork:
    network.truth.habits.flavour = "old"
    network.truth.habits.honours_keys = False
    return network


@pytest.fixture
def desk(network: DemoNetwork, outbound: Outbound) -> Desk:
    return open_desk("mastodon", network, outbound)


def add_others(desk: Desk, how_many: int, *, age: timedelta = timedelta()) -> None:
    truth = desk.network.truth
    for number in range(how_many):
        said = {"status": "Other"}
        post = truth.add("mastodon", "demo", f"k{number}", "Other", said, truth.next_id())
        post.created_at -= age


def test_an_old_server_is_asked_for_the_whole_and_a_newer_one_for_no_more_than_is_used(
    network: DemoNetwork, outbound: Outbound, desk: Desk
) -> None:
    assert desk.account.credentials.scopes == {"read", "write"}
    network.truth.habits.flavour = "mastodon"
    app = sign_in.register(
        outbound, network.origin, redirect_uri=REDIRECT_URI, name="Health", website=""
    )
    assert app.scopes == sign_in.SCOPES


@pytest.mark.parametrize(
    ("version", "whole"),
    [
        ("1.0.0", True),
        ("2.4.2", True),
        ("2.4.3", False),
        ("2.7.2 (compatible; Pleroma 2.6.0)", False),
        ("0.20.0 git-1234567", False),
        ("", False),
        ("new", False),
    ],
)
def test_what_an_old_server_is_asked_for_follows_from_its_version(
    outbound: Outbound,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    whole: bool,
) -> None:
    request = Outbound.request

    def told(self: Outbound, method: str, url: str, **more: object) -> object:
        answer = request(self, method, url, **more)  # type: ignore[arg-type]
        if urlsplit(url).path == "/api/v1/instance":
            return replace(answer, json={"version": version})
        return answer

    monkeypatch.setattr(Outbound, "request", told)
    app = sign_in.register(
        outbound, desk.network.origin, redirect_uri=REDIRECT_URI, name="Health", website=""
    )
    assert app.scopes == (("read", "write") if whole else sign_in.SCOPES)


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.ERROR_BEFORE, Kind.SWALLOW_REPLY])
def test_a_server_that_says_nothing_of_itself_now_is_asked_for_no_more_than_is_used(
    outbound: Outbound, desk: Desk, kind: Kind
) -> None:
    desk.network.misbehave(Fault(kind, on="instance"))
    app = sign_in.register(
        outbound, desk.network.origin, redirect_uri=REDIRECT_URI, name="Health", website=""
    )
    assert app.scopes == sign_in.SCOPES


def test_a_registration_is_made_with_a_form_because_not_every_server_reads_json(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {}
    request = Outbound.request

    def noted(self: Outbound, method: str, url: str, **more: object) -> object:
        if method == "POST":
            headers = more["headers"]
            assert isinstance(headers, dict)
            kinds[urlsplit(url).path] = headers["Content-Type"]
        return request(self, method, url, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Outbound, "request", noted)
    open_desk("mastodon", desk.network, desk.outbound)
    desk.connector.revoke(desk.account)
    form = "application/x-www-form-urlencoded"
    assert {kinds[path] for path in ("/api/v1/apps", "/oauth/token", "/oauth/revoke")} == {form}


@pytest.mark.parametrize("others", [0, 60])
def test_a_post_is_looked_for_where_a_server_shows_all_posts_the_oldest_first(
    desk: Desk, others: int
) -> None:
    add_others(desk, others)
    prepared = desk.prepare()
    desk.network.misbehave(Fault(Kind.SWALLOW_REPLY))
    assert isinstance(desk.connector.send(desk.account, prepared).outcome, Unknown)
    add_others(desk, others)
    assert isinstance(desk.find_now(prepared), Found)


@pytest.mark.parametrize("age", [timedelta(), timedelta(days=3)])
def test_it_is_absent_where_the_server_shows_as_many_posts_as_it_counts(
    desk: Desk, age: timedelta
) -> None:
    add_others(desk, 60, age=age)
    add_others(desk, 1)
    prepared = desk.prepare()
    assert isinstance(desk.find_now(prepared), CannotTell)
    assert isinstance(desk.find_later(prepared), Absent)


@pytest.mark.parametrize("age", [timedelta(), timedelta(days=3)])
def test_nothing_is_concluded_where_the_server_counts_more_posts_than_it_shows(
    desk: Desk, age: timedelta
) -> None:
    add_others(desk, 3, age=age)
    add_others(desk, 3, age=age - timedelta(minutes=1))
    desk.network.truth.habits.hidden_posts = 1
    found = desk.find_later(desk.prepare())
    assert found == CannotTell("The server shows only some of the account's own posts.", None)


def test_a_server_that_takes_no_pictures_is_told_as_such(desk: Desk) -> None:
    with pytest.raises(Stopped, match="takes no pictures") as stopped:
        desk.prepare(desk.post(media=(picture(),)))
    assert isinstance(stopped.value.outcome, Rejected)
    assert stopped.value.outcome.field == "media"


def test_a_server_that_changes_no_posts_is_told_as_such_and_the_post_stays(desk: Desk) -> None:
    published = desk.connector.send(desk.account, desk.prepare()).outcome
    assert isinstance(published, Published)
    with pytest.raises(Stopped, match="does not change posts") as stopped:
        desk.connector.edit(desk.account, published.id, desk.prepare())
    assert isinstance(stopped.value.outcome, Rejected)
    assert desk.held() == 1


def test_an_access_that_is_over_is_renewed_once_for_all_who_wait(desk: Desk) -> None:
    prepared = desk.prepare()
    desk.network.truth.mark_tokens("expired", kinds=frozenset({"oauth"}))
    outcome = desk.connector.send(desk.account, prepared).outcome
    assert isinstance(outcome, CredentialsExpired)
    with pytest.raises(Stopped) as stopped:
        desk.connector.profile(desk.account)
    assert isinstance(stopped.value.outcome, CredentialsExpired)

    rings = Rings(desk.account.credentials)
    renewed = desk.connector.renew(desk.account, rings)
    late = desk.connector.renew(desk.account, rings)
    assert renewed.credentials == late.credentials == rings.credentials
    assert rings.saved == 1
    assert renewed.credentials.refresh not in {None, desk.account.credentials.refresh}
    assert renewed.credentials.client_secret == desk.account.credentials.client_secret
    assert isinstance(desk.connector.send(renewed, prepared).outcome, Published)
    assert desk.held() == 1


def test_an_access_that_cannot_be_renewed_any_more_is_dead(desk: Desk) -> None:
    desk.network.truth.mark_tokens("revoked")
    with pytest.raises(Stopped) as stopped:
        desk.connector.renew(desk.account, Rings(desk.account.credentials))
    assert isinstance(stopped.value.outcome, CredentialsDead)


def test_trouble_while_an_access_is_renewed_ends_no_connection(desk: Desk) -> None:
    rings = Rings(desk.account.credentials)
    for kind in (Kind.ERROR_BEFORE, Kind.RATE_LIMIT, Kind.SWALLOW_REQUEST):
        desk.network.misbehave(Fault(kind, on="token"))
        with pytest.raises(Stopped) as stopped:
            desk.connector.renew(desk.account, rings)
        assert isinstance(stopped.value.outcome, RetryLater)
    assert rings.saved == 0
    assert desk.connector.renew(desk.account, rings).credentials.access != (
        desk.account.credentials.access
    )


def test_a_server_that_does_not_know_parts_of_a_permission_says_so_to_the_editor(
    outbound: Outbound, network: DemoNetwork
) -> None:
    app = sign_in.register(
        outbound, network.origin, redirect_uri=REDIRECT_URI, name="Health", website=""
    )
    back = allow(outbound, sign_in.begin(replace(app, scopes=sign_in.SCOPES)).url)
    assert back["error"] == ["invalid_scope"]
    assert "code" in allow(outbound, sign_in.begin(app).url)
    assert parse_qs(urlsplit(sign_in.begin(app).url).query)["scope"] == ["read write"]


def test_the_address_of_a_post_is_read_whichever_way_a_server_writes_it(desk: Desk) -> None:
    def read(address: str) -> str:
        account: Account = desk.account
        return MastodonApi.id_in(address, host="old.example", account_id=account.id)

    assert read("https://old.example/users/salt/17") == "17"
    assert read("https://old.example/users/salt/statuses/17") == "17"
    assert read("https://old.example/users/salt/statuses") == ""
    assert read("https://old.example/users/salt/following") == ""
    assert read("https://other.example/users/salt/17") == ""
