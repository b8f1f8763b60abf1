"""A Telegram channel is connected with its bot's token, and each refusal stands at its field."""

import re

import pytest
from pytest_django import Settings

from sharing.models import ShareTarget, SocialAccount
from sharing.networks.demo import Fault, Kind, telegram_api
from sharing.posting import reaching, vault
from sharing.posting.engine import send_due
from sharing.posting.sending import Networks
from tests.sharing.conftest import Shared
from tests.sharing.posting.accounts.conftest import PASSWORD, Desk, said
from tests.sharing.posting.published import written

pytestmark = pytest.mark.any_database

S = SocialAccount.State
TOKEN = telegram_api.token_of("demo", PASSWORD)


def test_a_channel_is_connected_and_its_token_sealed(desk: Desk) -> None:
    assert "Telegram" in said(desk.get("social_account_connect"))
    assert desk.connect_telegram().status_code == 302
    account = desk.account("telegram")
    assert (account.handle, account.name) == ("@demo_channel", "The channel of demo")
    assert (account.remote_id, account.state) == (str(telegram_api.chat_of("demo")), S.ACTIVE)
    assert account.expires_at is None
    assert TOKEN not in account.secrets
    assert vault.open_(account.secrets)["access"] == TOKEN
    page = said(desk.get("social_account", account.pk))
    assert "@demo_channel on Telegram is connected." in page


def test_a_channel_that_was_connected_by_the_form_is_posted_to(
    desk: Desk, shared: Shared, settings: Settings
) -> None:
    settings.DEMO_NETWORK_HOST = desk.network.netloc
    desk.connect_telegram()
    target = ShareTarget.objects.get(code=shared.sections["why"])
    delivery = written(target, desk.account("telegram"))
    send_due(Networks(reaching.outbound()), seconds=30)
    delivery.refresh_from_db()
    assert delivery.permalink.startswith(f"{desk.network.origin}/demo_channel/"), delivery.problem
    assert len(desk.network.truth.holding(delivery.link_code)) == 1


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"token": ""}, "token", "This field is required"),
        ({"token": "my bot"}, "token", "That is no token of a bot"),
        ({"token": "1234567890:nobodys-token-nobodys"}, "token", "knows no bot with this token"),
        ({"token": "x" * 5000}, "token", "at most 300"),
        ({"channel": ""}, "channel", "This field is required"),
        ({"channel": "https://t.me/+AbCdEfGhIjK"}, "channel", "An invitation is not enough"),
        ({"channel": "@another_channel"}, "channel", "The bot finds no such channel"),
        ({"server": "127.0.0.1"}, "server", "not a number or an IP address"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_kept(
    desk: Desk, fields: dict[str, str], field: str, words: str
) -> None:
    answer = desk.connect_telegram(**fields)
    assert answer.status_code == 200
    (told,) = answer.context["form"].errors[field]
    assert words in told
    page = answer.content.decode()
    assert re.findall(r'<input[^>]*name="(\w+)"[^>]*autofocus', page) == [field]
    assert TOKEN not in page
    if "channel" not in fields:
        assert 'value="@demo_channel"' in page, "nothing else that was typed is lost"
    assert not SocialAccount.objects.exists()


def test_a_bot_that_may_not_post_is_told_what_it_lacks(desk: Desk) -> None:
    desk.connect_telegram()
    SocialAccount.objects.all().delete()
    desk.network.truth.tokens[TOKEN].state = "mute"
    answer = desk.connect_telegram()
    assert "The bot may not post in @demo_channel" in said(answer)
    assert "add @demo_bot, and allow it to post messages" in said(answer)
    desk.network.truth.tokens[TOKEN].state = "kicked"
    assert "bot was kicked from the channel chat" in said(desk.connect_telegram())
    assert not SocialAccount.objects.exists()


def test_a_server_in_trouble_is_told_at_the_server(desk: Desk) -> None:
    for kind in (Kind.ERROR_BEFORE, Kind.HTML, Kind.RATE_LIMIT):
        desk.network.misbehave(Fault(kind, on="read"))
        answer = desk.connect_telegram()
        assert list(answer.context["form"].errors) == ["server"], kind
    assert not SocialAccount.objects.exists()


def test_a_lost_channel_is_connected_again_with_a_new_token_and_no_other_one(desk: Desk) -> None:
    desk.connect_telegram()
    account = desk.account("telegram")
    SocialAccount.objects.update(state=S.EXPIRED)
    query = f"?account={account.pk}"
    led = desk.get("social_account_connect", query=query)
    assert led["Location"].endswith(f"/telegram/{query}")
    assert 'value="@demo_channel"' in desk.browser.get(led["Location"]).content.decode()
    assert "You let in @other_channel" in said(desk.connect_telegram("other", query=query))
    account.refresh_from_db()
    assert account.state == S.EXPIRED
    assert desk.connect_telegram(query=query).status_code == 302
    account.refresh_from_db()
    assert account.state == S.ACTIVE


def test_checking_finds_that_the_bot_may_no_longer_post_and_that_it_may_again(desk: Desk) -> None:
    desk.connect_telegram()
    account = desk.account("telegram")
    for state, words in (("mute", "The bot may not post in @demo_channel."), ("kicked", "kicked")):
        desk.network.truth.tokens[TOKEN].state = state
        desk.post("social_account_check", account.pk)
        account.refresh_from_db()
        assert account.state == S.EXPIRED
        assert words in account.problem
    desk.network.truth.tokens[TOKEN].state = "good"
    desk.post("social_account_check", account.pk)
    account.refresh_from_db()
    assert (account.state, account.problem) == (S.ACTIVE, "")


def test_disconnecting_says_what_only_the_bots_owner_can_do(desk: Desk) -> None:
    desk.connect_telegram()
    page = said(desk.get("social_account_disconnect", desk.account("telegram").pk))
    assert "nobody but the bot’s owner take it back" in page
    assert "/revoke" in page
