"""Accounts are connected in the admin, and whatever goes wrong is said and loses nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from sharing.models import Delivery, NetworkApp, ShareTarget, SocialAccount
from sharing.networks.demo import DemoNetwork, Fault, Kind
from sharing.networks.http import Outbound
from sharing.posting import connecting, vault
from sharing.posting.admin import connecting_state
from sharing.posting.claims import clock
from sharing.posting.states import DeliveryState
from tests.sharing.posting.accounts.conftest import PASSWORD, Desk, said
from tests.sharing.posting.conftest import Composed

pytestmark = pytest.mark.any_database

S = SocialAccount.State


def test_a_mastodon_account_is_connected_by_signing_in_there(desk: Desk) -> None:
    answer = desk.connect_mastodon()
    account = desk.account()
    assert answer.url == reverse("social_account", args=[account.pk])
    assert account.handle == f"@demo@{desk.network.netloc}"
    assert account.host == desk.network.netloc
    assert account.state == S.ACTIVE
    assert "write:statuses" in account.scopes
    kept = vault.open_(account.secrets)
    assert desk.network.truth.tokens[kept["access"]].account == "demo"
    page = said(desk.get("social_account", account.pk))
    assert "is connected" in page
    assert "Connect social account" in page


def test_a_bluesky_account_is_connected_with_an_app_password(desk: Desk) -> None:
    assert desk.connect_bluesky().status_code == 302
    account = desk.account("bluesky")
    assert (account.handle, account.state) == ("demo.test", S.ACTIVE)
    # The session is renewed with the password: nobody need be told of its end.
    assert account.expires_at is None
    assert vault.open_(account.secrets)["password"] == PASSWORD


def test_a_wrong_password_is_told_at_its_field_and_nothing_else_is_lost(desk: Desk) -> None:
    answer = desk.connect_bluesky(app_password="wrong-wron-wron-wron")
    page = answer.content.decode()
    assert "does not accept this name and app password" in page
    assert 'value="demo.test"' in page
    assert f'value="{desk.network.netloc}"' in page
    assert "wrong-wron-wron-wron" not in page
    assert not SocialAccount.objects.exists()


def test_the_account_s_own_password_is_not_sent_to_bluesky(desk: Desk) -> None:
    answer = desk.connect_bluesky(app_password="my own password", server="")
    assert "That is no app password" in answer.content.decode()
    assert desk.network.truth.asked["session"] == 0


NO_SERVERS = (
    ("", "Type the name of your server"),
    ("127.0.0.1", "not a number or an IP address"),
    ("169.254.169.254", "not a number or an IP address"),
    ("0x7f.1", "not a number or an IP address"),
    ("[::1]", "Type only the server"),
    ("localhost", "has a dot in it"),
    ("social.internal", "kept for private networks"),
    ("social.example:8080", "without a port"),
    ("me:pw@social.example", "without a port"),
    ("file:///etc/passwd", "without a port"),
    ("social.example/\r\nX: y", "spaces and invisible"),
    ("a" * 290 + ".example", "at most 253"),
    ("x" * 5000, "at most 300"),
    ("\x00", "ull characters"),
)


@pytest.mark.parametrize("kind", ["mastodon", "bluesky"])
def test_a_server_that_points_inside_or_is_none_is_refused_at_its_field(
    desk: Desk, kind: str
) -> None:
    fields = {"handle": "demo.test", "app_password": PASSWORD} if kind == "bluesky" else {}
    for typed, words in NO_SERVERS:
        if kind == "bluesky" and not typed:
            continue
        answer = desk.post(f"social_account_connect_{kind}", server=typed, **fields)
        assert answer.status_code == 200
        assert words in said(answer), typed
    assert not NetworkApp.objects.exists()
    assert desk.network.truth.asked == {}


def test_a_public_name_that_leads_inside_is_refused_at_its_field(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sharing.networks.http.connections.socket.getaddrinfo",
        lambda *_, **__: [(2, 1, 6, "", ("10.0.0.7", 443))],
    )
    client = Outbound()
    monkeypatch.setattr("sharing.posting.reaching.client", lambda trusted: client)
    answer = desk.post("social_account_connect_mastodon", server="social.example")
    client.close()
    assert 'value="social.example"' in answer.content.decode()
    assert "Nothing was changed" in said(answer)


def test_one_registration_a_server_is_kept_and_its_secret_is_sealed(desk: Desk) -> None:
    desk.connect_mastodon()
    desk.connect_mastodon("other")
    row = NetworkApp.objects.get()
    assert len(desk.network.truth.apps) == 1
    ((client_id, (secret, _)),) = desk.network.truth.apps.items()
    assert client_id not in row.secrets
    assert secret not in row.secrets
    assert {each.handle.split("@")[1] for each in SocialAccount.objects.all()} == {"demo", "other"}


def test_a_server_that_forgot_this_site_is_asked_anew(desk: Desk) -> None:
    desk.begin()
    desk.network.truth.apps.clear()
    answer = desk.browser.get(desk.allow(desk.begin(anew="1")))
    assert answer.status_code == 302
    assert desk.account().state == S.ACTIVE


def test_a_refused_token_drops_the_registration_so_that_the_next_try_makes_another(
    desk: Desk,
) -> None:
    back = desk.allow(desk.begin())
    desk.network.truth.apps.clear()
    answer = desk.browser.get(back)
    assert answer.status_code == 400
    assert "did not accept the sign-in" in said(answer)
    assert desk.connect_mastodon().status_code == 302


def test_a_refusal_there_is_told_and_the_way_goes_on(desk: Desk) -> None:
    answer = desk.browser.get(desk.allow(desk.begin(), account=""))
    assert answer.status_code == 400
    assert "the request was refused there" in said(answer)
    assert reverse("social_account_connect_mastodon") in answer.content.decode()
    assert not SocialAccount.objects.exists()


def test_a_sign_in_is_used_once(desk: Desk) -> None:
    back = desk.allow(desk.begin())
    assert desk.browser.get(back).status_code == 302
    asked = desk.network.truth.asked["token"]
    again = desk.browser.get(back)
    assert again.status_code == 400
    assert "it was used already" in said(again)
    assert desk.network.truth.asked["token"] == asked


@pytest.mark.parametrize("state", ["", "made-up", "ü" * 500])
def test_a_state_that_was_never_given_is_foreign(desk: Desk, state: str) -> None:
    desk.begin()
    answer = desk.browser.get(reverse("social_account_connected"), {"state": state, "code": "any"})
    assert answer.status_code == 400
    assert "no sign-in that you began here" in said(answer)
    assert desk.network.truth.asked["token"] == 1  # the registration


def test_a_sign_in_that_another_person_began_is_foreign(desk: Desk, superuser: Client) -> None:
    back = desk.allow(desk.begin())
    answer = superuser.get(back)
    assert answer.status_code == 400
    assert not SocialAccount.objects.exists()


def test_a_sign_in_whose_person_changed_in_the_same_browser_is_foreign(
    desk: Desk, superuser: Client
) -> None:
    back = desk.allow(desk.begin())
    sealed = desk.browser.session["sharing_sign_ins"]
    session = superuser.session
    session["sharing_sign_ins"] = sealed
    session.save()
    assert superuser.get(back).status_code == 400


def test_a_sign_in_begun_long_ago_is_over(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    back = desk.allow(desk.begin())
    monkeypatch.setattr(connecting_state, "LASTS", timedelta(0))
    answer = desk.browser.get(back)
    assert answer.status_code == 400
    assert "too long ago" in said(answer)
    assert not SocialAccount.objects.exists()


def test_an_answer_of_another_server_is_refused(desk: Desk) -> None:
    back = desk.allow(desk.begin())
    answer = desk.browser.get(f"{back}&iss=https%3A%2F%2Fevil.example")
    assert answer.status_code == 400
    assert "Another server answered" in said(answer)
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("kind", [Kind.HTML, Kind.SWALLOW_REPLY])
@pytest.mark.parametrize("at", ["token", "read"])
def test_trouble_on_the_way_connects_nothing_and_says_what_to_do(
    desk: Desk, kind: Kind, at: str
) -> None:
    back = desk.allow(desk.begin())
    desk.network.misbehave(Fault(kind, on=at))
    answer = desk.browser.get(back)
    assert answer.status_code == 400
    assert "No account was connected" in said(answer)
    assert "Begin again" in said(answer)
    assert not SocialAccount.objects.exists()
    assert desk.connect_mastodon().status_code == 302


def test_several_sign_ins_may_be_under_way_in_tabs(desk: Desk) -> None:
    first, second = desk.begin(), desk.begin()
    assert desk.browser.get(desk.allow(first)).status_code == 302
    assert desk.browser.get(desk.allow(second, "other")).status_code == 302
    assert SocialAccount.objects.count() == 2


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("mastodon", S.EXPIRED, S.ACTIVE),
        ("mastodon", S.PAUSED, S.PAUSED),
        ("mastodon", S.DISCONNECTED, S.ACTIVE),
        ("bluesky", S.ACTIVE, S.ACTIVE),
        ("telegram", S.EXPIRED, S.ACTIVE),
    ],
)
def test_connecting_an_account_again_renews_its_secrets_in_the_same_row(
    desk: Desk, kind: str, before: Any, after: Any
) -> None:
    connect = getattr(desk, f"connect_{kind}")
    connect()
    account = desk.account(kind)
    sealed = "" if before == S.DISCONNECTED else account.secrets
    SocialAccount.objects.update(
        state=before, secrets=sealed, problem="gone", warned_of="expired", failures=3
    )
    assert connect(query=f"?account={account.pk}").status_code == 302
    again = desk.account(kind)
    assert again.pk == account.pk
    assert again.state == after
    assert again.secrets
    assert again.secrets != account.secrets
    assert (again.problem, again.warned_of, again.failures) == ("", "", 0)


def test_another_account_than_the_one_to_connect_again_is_told_and_not_kept(desk: Desk) -> None:
    desk.connect_mastodon()
    account = desk.account()
    before = account.secrets
    answer = desk.connect_mastodon("other", query=f"?account={account.pk}")
    assert answer.status_code == 400
    assert "You let in @other" in said(answer)
    account.refresh_from_db()
    assert account.secrets == before
    assert SocialAccount.objects.count() == 1
    # What was let in for nothing is given back.
    states = {each.account: each.state for each in desk.network.truth.tokens.values()}
    assert states == {"demo": "good", "other": "revoked"}


def test_what_waits_goes_on_once_a_lost_account_is_back(
    desk: Desk, composed: Composed, target: ShareTarget
) -> None:
    desk.connect_mastodon()
    account = desk.account()
    delivery = composed(to=account)
    SocialAccount.objects.update(state=S.EXPIRED)
    desk.connect_mastodon(query=f"?account={account.pk}")
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.APPROVED


def test_a_public_site_without_a_key_of_its_own_connects_nothing(
    desk: Desk, settings: Settings
) -> None:
    settings.EMBEDDED = False
    for name in ("social_account_connect", "social_account_connect_bluesky"):
        assert "must set POSTING_KEYS first" in said(desk.get(name))
    assert desk.connect_bluesky().status_code == 200
    assert desk.post("social_account_connect_mastodon", server=desk.network.netloc)
    assert not SocialAccount.objects.exists()
    assert not NetworkApp.objects.exists()


def test_a_key_made_later_costs_no_account(
    desk: Desk, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    desk.connect_mastodon()
    settings.POSTING_KEYS = ["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]
    desk.post("social_account_check", desk.account().pk)
    assert desk.account().state == S.ACTIVE
    assert desk.account().problem == ""


def test_the_demo_network_is_connected_with_one_click(desk: Desk, settings: Settings) -> None:
    assert "Connect the demo network" not in said(desk.get("social_accounts"))
    settings.DEMO_NETWORK_HOST = desk.network.netloc
    page = said(desk.get("social_accounts"))
    assert "Connect the demo network" in page
    assert "Nothing that you post there leaves this machine" in page
    for _ in range(2):
        desk.post("social_account_connect_demo")
    accounts = SocialAccount.objects.order_by("network")
    assert [each.network for each in accounts] == ["bluesky", "mastodon", "telegram"]
    assert "demo: nothing leaves this machine" in said(desk.get("social_accounts"))


def test_without_a_demo_network_the_button_says_so(desk: Desk) -> None:
    desk.post("social_account_connect_demo")
    assert "No demo network runs on this machine" in said(desk.get("social_accounts"))


def test_a_demo_network_that_is_gone_is_told(desk: Desk, settings: Settings) -> None:
    settings.DEMO_NETWORK_HOST = "127.0.0.1:1"
    desk.post("social_account_connect_demo")
    assert "did not let us in" in said(desk.get("social_accounts"))


def test_two_who_connect_the_same_account_at_once_leave_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.connect_mastodon()
    known = connecting._known
    seen: list[Any] = [None]
    # The first look finds nothing, as it does when both look before either has written.
    monkeypatch.setattr(connecting, "_known", lambda it: seen.pop() if seen else known(it))
    assert desk.connect_mastodon().status_code == 302
    assert SocialAccount.objects.count() == 1


def test_only_who_manages_accounts_comes_in(
    editor: Client, publisher: Client, network: DemoNetwork, db: None
) -> None:
    account = SocialAccount.objects.create(
        network="mastodon", host="social.example", remote_id="1", handle="@a@social.example"
    )
    for browser in (editor, publisher):
        for name in (
            "social_accounts",
            "social_account_connect",
            "social_account_connect_mastodon",
            "social_account_connect_bluesky",
            "social_account_connected",
            "posting_site",
        ):
            assert browser.get(reverse(name)).status_code == 302
        for name in ("check", "pause", "resume", "disconnect"):
            address = reverse(f"social_account_{name}", args=[account.pk])
            assert browser.post(address).headers["Location"] == reverse("wagtailadmin_home")
        assert browser.post(reverse("posting_site")).status_code == 302
        assert browser.post(reverse("social_account_connect_demo")).status_code == 302
    account.refresh_from_db()
    assert account.state == S.ACTIVE


def test_what_came_late_to_a_disconnected_account_is_not_sent_after_it_is_back(
    desk: Desk, composed: Composed
) -> None:
    desk.connect_mastodon()
    account = desk.account()
    delivery = composed(to=account)
    SocialAccount.objects.update(state=S.DISCONNECTED, secrets="")
    desk.connect_mastodon(query=f"?account={account.pk}")
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.CANCELLED
    assert (
        Delivery.objects.filter(state=DeliveryState.APPROVED, not_before__lte=clock()).count() == 0
    )
