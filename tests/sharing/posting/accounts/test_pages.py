"""The list of accounts says how each does; checking, pausing and disconnecting do what they say."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.urls import reverse
from wagtail.models import ModelLogEntry

from sharing.models import Delivery, ShareTarget, SocialAccount
from sharing.networks.demo import Fault, Kind
from sharing.posting import accounts, claims, disconnecting, vault
from sharing.posting.claims import clock
from sharing.posting.outcomes import Later
from sharing.posting.recording import Step, record
from sharing.posting.states import DeliveryState
from tests.sharing.posting.accounts.conftest import Desk, said
from tests.sharing.posting.conftest import Composed, add_account

pytestmark = pytest.mark.any_database

S = SocialAccount.State
D = DeliveryState


def test_an_empty_list_says_what_to_do(desk: Desk) -> None:
    page = said(desk.get("social_accounts"))
    assert "No account is connected yet" in page
    assert "Connect the first account" in page


def test_the_list_tells_each_account_s_state_health_and_what_waits(
    desk: Desk, composed: Composed, account: SocialAccount
) -> None:
    composed()
    composed(approved=False)
    now = clock()
    add_account("paused", state=S.PAUSED)
    add_account("lost", state=S.EXPIRED, problem="social.example says no.")
    add_account("ends", expires_at=now + timedelta(days=3), scopes="write:statuses odd")
    add_account("slow", silent_until=now + timedelta(hours=1), problem="Too many requests.")
    add_account("used", used_at=now)
    add_account("gone", state=S.DISCONNECTED)
    page = said(desk.get("social_accounts"))
    for words in (
        "Works: no problem is known. Waiting posts 2 Last used Never",
        "Paused by hand: its posts wait.",
        "social.example says no. Posts wait until it is connected again.",
        "The access ends soon.",
        "It may write posts, odd",
        "Too many requests. It is asked again at",
        "1 disconnected account",
    ):
        assert words in page
    # Those that need a person come first.
    assert page.index("ends") < page.index("lost") < page.index("sleep@social.example")


@pytest.mark.parametrize("number", [2, 30])
def test_the_list_asks_as_often_for_many_accounts(
    desk: Desk, number: int, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for each in range(number):
        add_account(f"{each}@social.example")
    desk.get("social_accounts")
    with django_assert_max_num_queries(14):
        desk.get("social_accounts")


def test_what_a_server_calls_itself_is_shown_as_words(desk: Desk) -> None:
    account = add_account("<b>bold</b>", name="<script>alert(1)</script>", problem="<i>no</i>")
    for answer in (desk.get("social_accounts"), desk.get("social_account", account.pk)):
        page = answer.content.decode()
        assert "<b>bold" not in page
        assert "<script>alert" not in page
        assert "<i>no" not in page


def test_no_page_of_accounts_has_inline_code(desk: Desk) -> None:
    desk.connect_mastodon()
    pk = desk.account().pk
    for name, *args in (
        ("social_accounts",),
        ("social_account", pk),
        ("social_account_disconnect", pk),
        ("social_account_connect",),
        ("social_account_connect_mastodon",),
        ("social_account_connect_bluesky",),
        ("social_account_connect_telegram",),
        ("posting_site",),
    ):
        answer = desk.get(name, *args)
        main = answer.content.decode().partition("<main")[2].partition("</main")[0]
        assert main
        assert not re.search(r"<script|<style|style=|\son\w+=", main)
        assert "no-store" in answer.headers["Cache-Control"]


def test_an_account_that_is_not_there_is_a_404(desk: Desk) -> None:
    assert desk.get("social_account", 12345).status_code == 404
    assert desk.post("social_account_check", 12345).status_code == 404


@pytest.mark.parametrize("name", ["check", "pause", "resume"])
def test_nothing_is_done_by_following_a_link(desk: Desk, name: str, account: SocialAccount) -> None:
    assert desk.get(f"social_account_{name}", account.pk).status_code == 405


@pytest.mark.parametrize("kind", ["mastodon", "bluesky"])
def test_checking_says_that_an_account_works_and_takes_a_lost_one_back(
    desk: Desk, kind: str
) -> None:
    (desk.connect_mastodon if kind == "mastodon" else desk.connect_bluesky)()
    account = desk.account(kind)
    SocialAccount.objects.update(state=S.EXPIRED, problem="gone", handle="@old")
    desk.post("social_account_check", account.pk)
    account.refresh_from_db()
    assert (account.state, account.problem) == (S.ACTIVE, "")
    assert account.handle != "@old"
    assert "is connected and works" in said(desk.get("social_account", account.pk))


def test_checking_renews_a_session_that_is_over(desk: Desk) -> None:
    desk.connect_bluesky()
    account = desk.account("bluesky")
    desk.network.truth.mark_tokens("expired", kinds=frozenset({"access"}))
    desk.post("social_account_check", account.pk)
    again = desk.account("bluesky")
    assert (again.state, again.problem) == (S.ACTIVE, "")
    assert again.secrets != account.secrets
    assert again.expires_at is None


def test_checking_waits_for_no_other_renewal_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.connect_bluesky()
    desk.network.truth.mark_tokens("expired", kinds=frozenset({"access"}))
    SocialAccount.objects.update(renewing_until=clock() + timedelta(minutes=1))
    waited: list[float] = []
    fake = mock.Mock(monotonic=lambda: sum(waited), sleep=waited.append)
    monkeypatch.setattr(accounts, "time", fake)
    desk.post("social_account_check", desk.account("bluesky").pk)
    assert 0 < sum(waited) < 3
    account = desk.account("bluesky")
    assert account.state == S.ACTIVE
    assert "is being renewed at this moment" in said(desk.get("social_account", account.pk))


def test_checking_finds_an_access_that_is_gone(desk: Desk) -> None:
    desk.connect_mastodon()
    desk.network.truth.mark_tokens("revoked")
    desk.post("social_account_check", desk.account().pk)
    assert desk.account().state == S.EXPIRED
    assert "Choose “Connect again”" in said(desk.get("social_accounts"))


def test_trouble_while_checking_disconnects_nothing(desk: Desk) -> None:
    desk.connect_mastodon()
    desk.network.misbehave(Fault(Kind.ERROR_BEFORE, on="read"))
    desk.post("social_account_check", desk.account().pk)
    assert desk.account().state == S.ACTIVE
    assert "Nothing was changed" in said(desk.get("social_account", desk.account().pk))


def test_a_paused_account_sends_nothing_until_it_goes_on(
    desk: Desk, composed: Composed, account: SocialAccount
) -> None:
    composed()
    desk.post("social_account_pause", account.pk)
    assert claims.take_due(5, clock()) == []
    assert "Go on" in said(desk.get("social_account", account.pk))
    desk.post("social_account_resume", account.pk)
    assert len(claims.take_due(5, clock())) == 1


def test_disconnecting_asks_first_and_says_how_much_is_cancelled(
    desk: Desk, composed: Composed
) -> None:
    desk.connect_mastodon()
    account = desk.account()
    for _ in range(2):
        composed(to=account)
    composed(to=account, state=D.UNKNOWN)
    page = said(desk.get("social_account_disconnect", account.pk))
    assert "2 waiting posts will be cancelled" in page
    assert "1 whose outcome is unknown" in page
    assert desk.account().state == S.ACTIVE

    desk.post("social_account_disconnect", account.pk)
    account.refresh_from_db()
    assert (account.state, account.secrets, account.scopes) == (S.DISCONNECTED, "", "")
    assert {each.state for each in desk.network.truth.tokens.values()} == {"revoked"}
    assert sorted(Delivery.objects.values_list("state", flat=True)) == [
        D.CANCELLED, D.CANCELLED, D.UNKNOWN,
    ]  # fmt: skip
    page = said(desk.get("social_accounts"))
    assert "2 waiting posts were cancelled" in page
    # Twice does it once.
    desk.post("social_account_disconnect", account.pk)
    assert ModelLogEntry.objects.filter(action=disconnecting.DISCONNECT).count() == 1


@pytest.mark.parametrize("kind", [Kind.ERROR_BEFORE, Kind.SWALLOW_REPLY])
def test_a_network_that_does_not_take_its_access_back_hinders_nothing(
    desk: Desk, kind: Kind
) -> None:
    desk.connect_mastodon()
    desk.network.misbehave(Fault(kind, on="token"))
    account = desk.account()
    desk.post("social_account_disconnect", account.pk)
    account.refresh_from_db()
    assert (account.state, account.secrets) == (S.DISCONNECTED, "")
    assert "The network could not be told" in said(desk.get("social_accounts"))


def test_secrets_that_no_key_opens_are_erased_all_the_same(desk: Desk) -> None:
    account = add_account(secrets="not to be opened")
    desk.post("social_account_check", account.pk)
    account.refresh_from_db()
    assert account.state == S.ACTIVE
    assert "cannot be read with the keys in use" in account.problem
    desk.post("social_account_disconnect", account.pk)
    account.refresh_from_db()
    assert (account.state, account.secrets) == (S.DISCONNECTED, "")


def test_what_a_worker_gives_back_after_the_end_is_given_up(
    desk: Desk, composed: Composed, account: SocialAccount
) -> None:
    delivery = composed()
    (claim,) = claims.take_due(1, clock())
    claims.arm([claim], clock())
    desk.post("social_account_disconnect", account.pk)
    record([Step(claim, account.pk, D.ARMED, 0, Later("Not now."))], clock())
    assert disconnecting.cancel_stragglers() == 1
    delivery.refresh_from_db()
    assert delivery.state == D.CANCELLED
    assert disconnecting.cancel_stragglers() == 0


def test_a_renewal_that_ends_after_the_end_keeps_no_secrets(desk: Desk) -> None:
    from sharing.posting.accounts import Keyring, credentials  # noqa: PLC0415

    desk.connect_bluesky()
    account = desk.account("bluesky")
    fresh = credentials(vault.open_(account.secrets))
    SocialAccount.objects.update(state=S.DISCONNECTED, secrets="")
    Keyring(account.pk).save(fresh)
    account.refresh_from_db()
    assert account.secrets == ""


def test_everything_is_in_the_log(desk: Desk) -> None:
    desk.connect_mastodon()
    pk = desk.account().pk
    for name in ("check", "pause", "resume"):
        desk.post(f"social_account_{name}", pk)
    desk.connect_mastodon(query=f"?account={pk}")
    desk.post("social_account_disconnect", pk)
    actions = ModelLogEntry.objects.order_by("pk").values_list("action", flat=True)
    assert [action.rpartition(".")[2] for action in actions] == [
        "connect", "check", "pause", "resume", "reconnect", "disconnect",
    ]  # fmt: skip
    page = said(desk.get("social_account", pk))
    assert "Disconnect social account ada" in page
    assert desk.browser.get(reverse("wagtailadmin_reports:site_history")).status_code == 200


def test_the_menu_and_the_first_page_tell_those_who_manage_accounts(
    administrator: Client, editor: Client, account: SocialAccount
) -> None:
    home = reverse("wagtailadmin_home")
    assert "need you" not in said(administrator.get(home))
    SocialAccount.objects.update(state=S.EXPIRED)
    page = administrator.get(home).content.decode()
    assert reverse("social_accounts") in page
    assert "1 social account needs you" in page
    assert reverse("social_account", args=[account.pk]) in page
    page = editor.get(home).content.decode()
    assert "social-accounts" not in page


def test_a_role_can_be_given_accounts_in_the_group_editor(superuser: Client) -> None:
    page = superuser.get(reverse("wagtailusers_groups:add")).content.decode()
    assert "social account" in page.lower()


def test_a_form_of_another_site_does_nothing(
    desk: Desk, account: SocialAccount, target: ShareTarget
) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1:8000"})
    strict.cookies = desk.browser.cookies
    answer = strict.post(reverse("social_account_disconnect", args=[account.pk]))
    assert answer.status_code == 403
    account.refresh_from_db()
    assert account.state == S.ACTIVE
