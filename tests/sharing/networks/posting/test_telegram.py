"""The Bot API: a token in the path, waits in the body, and nothing to look anything up with."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest

from sharing.networks.demo import DemoNetwork, Fault, Kind, telegram_api
from sharing.networks.http import Answered, Expect, Outbound
from sharing.networks.posting.conclusions import (
    CredentialsDead,
    Published,
    Rejected,
    RetryLater,
    Stopped,
    Unknown,
)
from sharing.networks.posting.contract import Visibility
from sharing.networks.posting.telegram import TelegramChannel
from sharing.networks.posting.telegram_addresses import channel_in
from sharing.networks.secret import Secret
from tests.sharing.networks.posting.conftest import LINK, Desk, Rings, open_desk, picture

CHANNEL = "-1001234567890"


@pytest.fixture
def desk(network: DemoNetwork, outbound: Outbound) -> Desk:
    return open_desk("telegram", network, outbound)


def telegram(desk: Desk) -> TelegramChannel:
    return cast("TelegramChannel", desk.connector)


def token(desk: Desk) -> Secret:
    return desk.account.credentials.access


def refusal(desk: Desk, status: int, description: str = "", *, json: bool = True) -> object:
    found = {"ok": False, "error_code": status, "description": description} if json else None
    return telegram(desk)._refusal(Answered(status, {}, json=found), "api.telegram.org")


def test_the_account_is_the_channel_and_the_bot_its_key(desk: Desk) -> None:
    assert desk.account.id == str(telegram_api.chat_of("demo"))
    assert desk.account.handle == "@demo_channel"
    profile = desk.connector.profile(desk.account)
    assert (profile.handle, profile.name) == ("@demo_channel", "The channel of demo")


def test_the_token_is_in_no_header_and_no_word_of_the_ledger(desk: Desk) -> None:
    sent: list[str] = []

    class Listening:
        def request(self, method: str, url: str, **more: object) -> Answered:
            sent.append(f"{url} {more['headers']}")
            return desk.outbound.request(method, url, **more)  # type: ignore[arg-type]

    listening = TelegramChannel(cast("Outbound", Listening()))
    receipt = listening.send(desk.account, desk.prepare())
    assert receipt.asked == f"POST /bot…/sendMessage at {desk.network.netloc}"
    assert isinstance(receipt.outcome, Published)
    [only] = sent
    assert only.count(token(desk).reveal()) == 1
    assert "Authorization" not in only
    assert token(desk).reveal() not in repr(receipt)


@pytest.mark.parametrize(
    "typed", ["", "123456", "1:a/../getMe?xxxxxxxxxxxx", "123456:ABCdef/../logOut?x", "12345:a b c"]
)
def test_what_is_no_token_is_not_sent(desk: Desk, typed: str) -> None:
    asked = desk.network.truth.asked.copy()
    with pytest.raises(Stopped) as stopped:
        telegram(desk).connect(Secret(typed), "@demo_channel", origin=desk.network.origin)
    assert isinstance(stopped.value.outcome, Rejected)
    assert stopped.value.outcome.field == "token"
    assert typed not in str(stopped.value) or not typed
    assert desk.network.truth.asked == asked


def test_a_token_nobody_made_and_a_channel_that_is_not_there_are_refused(desk: Desk) -> None:
    for secret, channel, field in (
        (Secret("1234567890:not-a-token-of-anybody"), "@demo_channel", "token"),
        (token(desk), "@another_channel", "channel"),
    ):
        with pytest.raises(Stopped) as stopped:
            telegram(desk).connect(secret, channel, origin=desk.network.origin)
        assert isinstance(stopped.value.outcome, Rejected)
        assert stopped.value.outcome.field == field


def test_a_bot_that_may_not_post_in_the_channel_is_told_before_anything_is_kept(desk: Desk) -> None:
    desk.network.truth.tokens[token(desk).reveal()].state = "mute"
    with pytest.raises(Stopped) as stopped:
        telegram(desk).connect(token(desk), "@demo_channel", origin=desk.network.origin)
    assert stopped.value.outcome == Rejected(
        "The bot may not post in @demo_channel. In Telegram, open the channel’s administrators, add @demo_bot, and "
        "allow it to post messages.",
        "channel",
    )


CHAT = {"id": -1001234567890, "type": "channel", "title": "Sleep", "username": "sleep_well"}
MAY = {"status": "administrator", "can_post_messages": True}


@pytest.mark.parametrize(
    ("chat", "member", "words"),
    [
        (CHAT, MAY, ""),
        (CHAT | {"type": "supergroup"}, MAY, "no channel, but a group"),
        (CHAT | {"id": 5, "type": "private"}, MAY, "no channel, but a group"),
        (CHAT, {"status": "left"}, "may not post in @sleep_well"),
        (CHAT, {"status": "member", "can_post_messages": True}, "may not post"),
        (CHAT, {"status": "administrator"}, "may not post"),
        (CHAT, None, "may not post"),
        ([], MAY, "no channel"),
    ],
)
def test_only_a_channel_in_which_the_bot_may_post_is_connected(
    desk: Desk, chat: object, member: object, words: str
) -> None:
    class Saying:
        def request(self, method: str, url: str, **more: object) -> Answered:
            said = {"getMe": {"id": 1, "username": "bot"}, "getChat": chat, "getChatMember": member}
            result = said[url.rpartition("/")[2]]
            if result is None:
                inaccessible = {
                    "ok": False,
                    "description": "Bad Request: member list is inaccessible",
                }
                return Answered(400, {}, json=inaccessible)
            return Answered(200, {}, json={"ok": True, "result": result})

    connector = TelegramChannel(cast("Outbound", Saying()))
    if not words:
        account = connector.connect(token(desk), "@sleep_well")
        assert (account.id, account.handle) == ("-1001234567890", "@sleep_well")
        return
    with pytest.raises(Stopped, match=words) as stopped:
        connector.connect(token(desk), "@sleep_well")
    assert isinstance(stopped.value.outcome, Rejected)


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("@sleep_well", "@sleep_well"),
        (" sleep_well ", "@sleep_well"),
        ("https://t.me/sleep_well", "@sleep_well"),
        ("t.me/s/sleep_well/115", "@sleep_well"),
        ("http://telegram.me/sleep_well/", "@sleep_well"),
        ("https://t.me/c/1234567890/5", CHANNEL),
        (CHANNEL, CHANNEL),
        ("https://t.me/+AbCdEfGhIjK", ""),
        ("https://t.me/joinchat/AbCdEfGhIjK", ""),
        ("https://elsewhere.example/sleep_well", ""),
        ("@sl", ""),
        ("12345", ""),
        ("-5", ""),
        ("https://[", ""),
        ("two words", ""),
        ("", ""),
    ],
)
def test_a_channel_is_known_by_its_name_its_address_and_its_id(typed: str, means: str) -> None:
    assert channel_in(typed) == means


def test_a_bot_that_was_thrown_out_has_posted_nothing(desk: Desk) -> None:
    prepared = desk.prepare()
    desk.network.truth.tokens[token(desk).reveal()].state = "kicked"
    outcome = desk.connector.send(desk.account, prepared).outcome
    assert isinstance(outcome, CredentialsDead)
    assert outcome.sentence.endswith("says: Forbidden: bot was kicked from the channel chat")
    assert desk.held() == 0


def test_how_long_to_wait_is_read_from_the_body(desk: Desk) -> None:
    prepared = desk.prepare()
    desk.network.misbehave(Fault(Kind.RATE_LIMIT, shape="body"))
    began = datetime.now(UTC)
    outcome = desk.connector.send(desk.account, prepared).outcome
    assert isinstance(outcome, RetryLater)
    assert 55 <= (outcome.at - began).total_seconds() <= 95
    desk.network.misbehave(Fault(Kind.RATE_LIMIT, shape="body", on="change"))
    with pytest.raises(Stopped) as stopped:
        desk.connector.delete(desk.account, "1")
    assert isinstance(stopped.value.outcome, RetryLater)


@pytest.mark.parametrize("said", [{"ok": False}, {"ok": True, "result": True}, {"result": {}}, []])
def test_a_success_without_an_id_is_unknown(desk: Desk, said: object) -> None:
    class Saying:
        def request(self, method: str, url: str, **more: object) -> Answered:
            return Answered(200, {}, json=said)

    outcome = TelegramChannel(cast("Outbound", Saying())).send(desk.account, desk.prepare()).outcome
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize(
    ("status", "description", "means"),
    [
        (401, "Unauthorized", CredentialsDead),
        (404, "Not Found", CredentialsDead),
        (403, "Forbidden: bot is not a member of the channel chat", CredentialsDead),
        (400, "Bad Request: chat not found", CredentialsDead),
        (400, "Bad Request: need administrator rights in the channel chat", CredentialsDead),
        (400, "Bad Request: not enough rights to send text messages to the chat", CredentialsDead),
        (400, "Bad Request: message is too long", Rejected),
        (400, "Bad Request: something new", Rejected),
        (413, "Request Entity Too Large", Rejected),
    ],
)
def test_a_refusal_means_what_it_says(
    desk: Desk, status: int, description: str, means: type
) -> None:
    assert type(refusal(desk, status, description)) is means


def test_a_text_that_is_too_long_names_the_text_and_a_wall_is_no_network(desk: Desk) -> None:
    refused = refusal(desk, 400, "Bad Request: message is too long")
    assert refused == Rejected("api.telegram.org says: Bad Request: message is too long", "text")
    assert isinstance(refusal(desk, 403, json=False), RetryLater)


def test_emoji_count_as_the_two_units_that_they_are(desk: Desk) -> None:
    room = desk.limits.text.limit - len(LINK)
    fits = "🧂" * (room // 2) + "x" * (room % 2) + LINK
    assert isinstance(
        desk.connector.send(desk.account, desk.prepare(desk.post(fits))).outcome, Published
    )
    [problem] = desk.connector.check(desk.post(f"🧂{fits}"), desk.limits)
    assert problem.sentence == "2 characters too long: 4,096 fit."


def test_what_looks_like_markup_is_posted_as_typed_and_the_link_is_the_previews(desk: Desk) -> None:
    body = json.loads(desk.prepare(desk.post(f"<b>*Salt*</b> {LINK}")).body)
    assert body == {
        "chat_id": desk.account.id,
        "text": f"<b>*Salt*</b> {LINK}",
        "link_preview_options": {"url": LINK},
    }


def test_what_it_cannot_do_is_said(desk: Desk) -> None:
    def problems(text: str = f"Salt {LINK}", **more: object) -> list[tuple[str, bool]]:
        post = desk.post(text, **more)
        return [(each.field, each.blocking) for each in desk.connector.check(post, desk.limits)]

    assert problems() == []
    assert problems("Salt") == [("text", False)]
    assert problems(warning="Salt") == [("warning", False)]
    assert problems(visibility=Visibility.UNLISTED) == [("visibility", True)]
    assert problems(media=(picture(),)) == [("media", True)]


def test_the_same_words_again_are_an_edit_and_a_missing_message_is_none(desk: Desk) -> None:
    prepared = desk.prepare()
    outcome = desk.connector.send(desk.account, prepared).outcome
    assert isinstance(outcome, Published)
    desk.connector.edit(desk.account, outcome.id, prepared)
    desk.connector.delete(desk.account, outcome.id)
    for id_ in (outcome.id, "at://nonsense"):
        with pytest.raises(Stopped) as stopped:
            desk.connector.edit(desk.account, id_, prepared)
        assert isinstance(stopped.value.outcome, Rejected)


def test_a_post_has_a_page_where_people_see_it(desk: Desk) -> None:
    outcome = desk.connector.send(desk.account, desk.prepare()).outcome
    assert isinstance(outcome, Published)
    assert outcome.permalink == f"{desk.network.origin}/demo_channel/{outcome.id}"
    page = desk.outbound.request("GET", outcome.permalink, expects=Expect.TEXT)
    assert "like Telegram" in page.body.decode()
    found = desk.connector.id_in(
        outcome.permalink,
        host=desk.network.netloc,
        account_id=desk.account.id,
        handle=desk.account.handle,
    )
    assert found == outcome.id


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://t.me/sleep_well/115", "115"),
        ("https://T.me/Sleep_Well/115/", "115"),
        ("https://t.me/s/sleep_well/115?single", "115"),
        ("https://telegram.me/sleep_well/115", "115"),
        ("https://t.me/c/1234567890/115", "115"),
        ("https://t.me/c/1234567891/115", ""),
        ("https://t.me/another/115", ""),
        ("https://t.me/sleep_well", ""),
        ("https://t.me/sleep_well/115/../116", ""),
        ("https://elsewhere.example/sleep_well/115", ""),
    ],
)
def test_an_id_is_read_from_this_channels_addresses_alone(address: str, found: str) -> None:
    def id_in(handle: str) -> str:
        return TelegramChannel.id_in(
            address, host="api.telegram.org", account_id=CHANNEL, handle=handle
        )

    assert id_in("@sleep_well") == found
    assert id_in("") == (found if "/c/" in address else "")


def test_a_channel_without_a_name_has_an_address_for_its_members(desk: Desk) -> None:
    class Saying:
        def request(self, method: str, url: str, **more: object) -> Answered:
            return Answered(200, {}, json={"ok": True, "result": {"message_id": 7}})

    account = replace(desk.account, id=CHANNEL, view="")
    outcome = TelegramChannel(cast("Outbound", Saying())).send(account, desk.prepare()).outcome
    assert outcome == Published("7", "https://t.me/c/1234567890/7")


def test_a_new_token_is_taken_over_and_an_old_one_is_dead(desk: Desk) -> None:
    fresh = replace(desk.account.credentials, access=Secret("1:another-token"))
    assert desk.connector.renew(desk.account, Rings(fresh)).credentials == fresh
    with pytest.raises(Stopped) as stopped:
        desk.connector.renew(desk.account, Rings(desk.account.credentials))
    assert isinstance(stopped.value.outcome, CredentialsDead)
