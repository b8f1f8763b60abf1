"""Telegram: a channel that a bot may post in.

https://core.telegram.org/bots/api (sendMessage, editMessageText, deleteMessage, getMe, getChat, getChatMember) and
https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this (checked November 2026).

sendMessage knows no key that would make a second request harmless, and no method shows a bot what is in its
channel. So after a lost answer nothing can be concluded, ever: a person looks and decides.

A message holds 4,096 "characters after entities parsing". Offsets and lengths of entities are UTF-16 units
(https://core.telegram.org/api/entities), and the limit is read as that too: no other unit gives a larger count
but bytes, so that what fits here fits there.

The token is a part of each path. It is written into a path in `_path` alone, and no path is shown to anybody.
"""

import json as json_format
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit
from uuid import uuid4

from sharing.networks.http import Answered
from sharing.networks.posting import rates, reading
from sharing.networks.posting.asking import SOON, Asking
from sharing.networks.posting.checks import text_problems
from sharing.networks.posting.conclusions import (
    CannotTell,
    CredentialsDead,
    Hindrance,
    Outcome,
    Published,
    Receipt,
    Rejected,
    RetryLater,
    Stopped,
    Unknown,
)
from sharing.networks.posting.contract import (
    Abilities,
    Account,
    CardFrom,
    Credentials,
    Keyring,
    Limits,
    Numbers,
    Post,
    Prepared,
    Problem,
    Profile,
    Repeat,
    Seen,
    Stamp,
    Visibility,
)
from sharing.networks.posting.lengths import TextRule
from sharing.networks.posting.telegram_addresses import permalink, post_in
from sharing.networks.secret import Secret

ORIGIN = "https://api.telegram.org"
# Pictures go out through sendPhoto, whose captions are a quarter as long: nothing here asks it yet.
LIMITS = Limits(
    text=TextRule(4_096, unit="utf16"),
    media=0,
    media_types=frozenset(),
    media_bytes=None,
    alt=None,
)
_TOKEN = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{10,100}")
_BAD = frozenset({HTTPStatus.BAD_REQUEST})
# Refusals of 400 that say something of the channel or of the bot's rights in it, and nothing of the post.
_SHUT_OUT = (
    "chat not found",
    "chat_write_forbidden",
    "need administrator rights",
    "not enough rights",
    "have no rights",
    "group chat was upgraded",
)


class TelegramChannel(Asking):
    """Publish in a Telegram channel as a bot that is its administrator."""

    slug: ClassVar[str] = "telegram"
    name: ClassVar[str] = "Telegram"
    abilities: ClassVar[Abilities] = Abilities(
        card=CardFrom.PAGE,
        repeat=Repeat.NEVER,
        settles_after=timedelta(seconds=60),
        edits=True,
    )

    @classmethod
    def id_in(cls, address: str, *, host: str, account_id: str, handle: str = "") -> str:
        """Read t.me/NAME/ID, t.me/s/NAME/ID, and t.me/c/CHAT/ID, which channels without a name have.

        Messages are numbered in each channel anew, so that a number under another name is another post.
        """
        return post_in(address, host=host, account_id=account_id, handle=handle)

    @classmethod
    def counted_by(cls, account: Account) -> str:
        """Return the Bot API's host, though it has no numbers."""
        return urlsplit(account.origin).netloc

    def limits(self, account: Account) -> Limits:
        """Return the documented figures: no method tells them."""
        return LIMITS

    def usual_limits(self) -> Limits:
        """See Connector."""
        return LIMITS

    def check(self, post: Post, limits: Limits) -> Sequence[Problem]:
        """See Connector."""
        return list(_problems(post, limits))

    def stamp(self, now: datetime) -> Stamp:
        """Make a key for our own use: Telegram takes none."""
        return Stamp(str(uuid4()), now)

    def prepare(self, account: Account, post: Post, stamp: Stamp, limits: Limits) -> Prepared:
        """Write the message; nothing is asked for it."""
        self._refuse_what_does_not_fit(post, limits)
        # Without a parse mode, what looks like markup is posted as it was typed.
        body = {
            "chat_id": account.id,
            "text": post.text,
            "link_preview_options": {"url": post.link},
        }
        return Prepared(stamp, post.link, json_format.dumps(body))

    def prepares_alone(self, post: Post) -> bool:
        """Nothing is uploaded beforehand."""
        return True

    def send(self, account: Account, prepared: Prepared) -> Receipt:
        """Call sendMessage, once."""

        def read(found: Any) -> Outcome:
            id_ = reading.count(found, "result", "message_id")
            if reading.at(found, "ok") is not True or not id_:
                return Unknown(f"{urlsplit(account.origin).netloc} took the post and gave no id.")
            return Published(str(id_), permalink(account, found, id_))

        return self._send(
            account,
            "POST",
            _path(account.credentials.access, "sendMessage"),
            json=prepared.body.encode(),
            read=read,
            shown="/bot…/sendMessage",
        )

    def find(
        self, account: Account, prepared: Prepared, *, sent_at: datetime, now: datetime
    ) -> CannotTell:
        """Say that nothing can be looked up, however late."""
        return CannotTell("Telegram does not show bots what is in a channel.", None)

    def fetch(self, account: Account, id: str) -> Seen | None:
        """Refuse: no method reads a message back."""
        raise Stopped(Rejected("Telegram does not show bots what is in a channel."))

    def edit(self, account: Account, id: str, prepared: Prepared) -> None:
        """Call editMessageText; the same words again are no error."""
        body = json_format.loads(prepared.body) | {"message_id": _number(id)}
        self._change(account, "editMessageText", body, fine="message is not modified")

    def delete(self, account: Account, id: str) -> None:
        """Call deleteMessage; a message that is gone is no error."""
        body = {"chat_id": account.id, "message_id": _number(id)}
        self._change(account, "deleteMessage", body, fine="message to delete not found")

    def observe(self, account: Account, ids: Sequence[str]) -> Sequence[Numbers]:
        """Return nothing: views and reactions are not a bot's to ask for."""
        return []

    def profile(self, account: Account) -> Profile:
        """Call getChat: the account is the channel, and the bot only its key, as long as it may post there."""
        origin, token = account.origin, account.credentials.access
        bot = self._result(origin, token, "getMe", {})
        profile = self._profile_of(self._result(origin, token, "getChat", {"chat_id": account.id}))
        if lacking := self._lacking(origin, token, profile, bot):
            raise Stopped(CredentialsDead(lacking))
        return profile

    def connect(
        self, token: Secret, channel: str, *, origin: str = ORIGIN, view: str = ""
    ) -> Account:
        """Return the account of a channel, "@name" or its id, in which a bot with this token may post.

        Raises Stopped: Rejected names "token" or "channel", whichever a person has to mend.
        """
        # What is no token is not sent: as a part of a path it could ask for anything.
        if not _TOKEN.fullmatch(token.reveal()):
            words = "That is no token of a bot. Copy the whole of it from @BotFather’s message: digits, a colon, letters."
            raise Stopped(Rejected(words, "token"))
        bot = self._bot(origin, token)
        chat = self._chat(origin, token, channel.strip())
        if reading.text(chat, "type") != "channel":
            raise Stopped(Rejected("That is no channel, but a group or a person.", "channel"))
        profile = self._profile_of(chat)
        if lacking := self._lacking(origin, token, profile, bot):
            raise Stopped(Rejected(lacking, "channel"))
        return Account(origin, profile.id, profile.handle, Credentials(token), view)

    def _bot(self, origin: str, token: Secret) -> Any:
        """Return the bot of a token: its `id` and `username`."""
        try:
            return self._result(origin, token, "getMe", {})
        except Stopped as stopped:
            if not isinstance(stopped.outcome, CredentialsDead):
                raise
            words = (
                f"{urlsplit(origin).netloc} knows no bot with this token. Copy it from @BotFather again: a new token "
                "makes the one before it useless."
            )
            raise Stopped(Rejected(words, "token")) from None

    def _chat(self, origin: str, token: Secret, channel: str) -> Any:
        try:
            return self._result(origin, token, "getChat", {"chat_id": channel})
        except Stopped as stopped:
            if not isinstance(stopped.outcome, CredentialsDead | Rejected):
                raise
            words = (
                f"The bot finds no such channel. Check the name, and that the bot is among the channel’s "
                f"administrators. ({stopped})"
            )
            raise Stopped(Rejected(words, "channel")) from None

    def _lacking(self, origin: str, token: Secret, profile: Profile, bot: Any) -> str:
        """Return what a bot lacks to post in a channel, or "": whoever only reads it finds it all the same."""
        asked = {"chat_id": profile.id, "user_id": reading.at(bot, "id")}
        try:
            member = self._result(origin, token, "getChatMember", asked)
        except Stopped as stopped:
            # A bot that is no administrator is not even told who is.
            if not isinstance(stopped.outcome, CredentialsDead | Rejected):
                raise
            member = None
        is_administrator = reading.text(member, "status") == "administrator"
        if is_administrator and reading.at(member, "can_post_messages") is True:
            return ""
        name = reading.text(bot, "username")
        who = f"@{name}" if name else "the bot"
        return (
            f"The bot may not post in {profile.handle}. In Telegram, open the channel’s administrators, add {who}, and "
            "allow it to post messages."
        )

    def _profile_of(self, chat: Any) -> Profile:
        id_ = reading.at(chat, "id")
        if isinstance(id_, bool) or not isinstance(id_, int):
            raise Stopped(RetryLater(self._now() + SOON, "Telegram named no channel."))
        username, title = reading.text(chat, "username"), reading.said(chat, "title")
        return Profile(str(id_), f"@{username}" if username else title, title or username)

    def renew(self, account: Account, keyring: Keyring) -> Account:
        """Take over what another caller saved: a token lives until @BotFather makes another."""
        with keyring.lock():
            saved = keyring.load()
        if saved.access == account.credentials.access:
            raise Stopped(CredentialsDead(f"Connect {account.handle} anew."))
        return replace(account, credentials=saved)

    def revoke(self, account: Account) -> None:
        """Do nothing: only the bot's owner can take a token back, in a talk with @BotFather."""

    def _change(self, account: Account, method: str, body: dict[str, Any], *, fine: str) -> None:
        answer = self._call(account.origin, account.credentials.access, method, body, allow=_BAD)
        if answer.status in _BAD and fine not in _description(answer).lower():
            raise Stopped(self._bad_request(answer, urlsplit(account.origin).netloc))

    def _result(self, origin: str, token: Secret, method: str, body: dict[str, Any]) -> Any:
        return reading.at(self._call(origin, token, method, body).json, "result")

    def _call(
        self,
        origin: str,
        token: Secret,
        method: str,
        body: dict[str, Any],
        *,
        allow: frozenset[int] = frozenset(),
    ) -> Answered:
        return self._ask(
            origin,
            "POST",
            _path(token, method),
            json=json_format.dumps(body).encode(),
            allow=allow,
        )

    def _retry_at(self, answer: Answered) -> datetime:
        """Read `parameters.retry_after`, which is documented, before a header, which is not."""
        seconds = reading.count(answer.json, "parameters", "retry_after")
        headers = answer.headers if seconds is None else {"retry-after": str(seconds)}
        return rates.retry_at(headers, self._now())

    def _refusal(self, answer: Answered, host: str) -> Hindrance:
        match answer.status:
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.NOT_FOUND:
                # 404 is what a token gets that never was one, for the path is then unknown.
                return CredentialsDead(
                    f"{host} no longer accepts the bot's token: connect it anew."
                )
            case HTTPStatus.FORBIDDEN if answer.json is not None:
                return CredentialsDead(_said(answer, host))
            case HTTPStatus.FORBIDDEN:
                # A wall in front of the server, not the server: it may be gone tomorrow.
                return RetryLater(self._now() + SOON, _said(answer, host))
            case _:
                return self._bad_request(answer, host)

    def _bad_request(self, answer: Answered, host: str) -> Hindrance:
        words = _description(answer).lower()
        if any(each in words for each in _SHUT_OUT):
            return CredentialsDead(_said(answer, host))
        field = "text" if "message is too long" in words or "text is empty" in words else ""
        return Rejected(_said(answer, host), field)


def _problems(post: Post, limits: Limits) -> Iterator[Problem]:
    yield from text_problems(replace(post, media=()), limits)
    if post.visibility is not Visibility.PUBLIC:
        yield Problem("visibility", "Everybody in a channel sees its posts: choose “public”.")
    if post.warning:
        yield Problem(
            "warning", "Telegram has no content warnings: the words are left out.", blocking=False
        )
    if post.link not in post.text:
        yield Problem("text", "The link is not in the text.", blocking=False)
    if post.media:
        yield Problem("media", "Pictures are not posted on Telegram: its own preview shows one.")


def _path(token: Secret, method: str) -> str:
    return f"/bot{quote(token.reveal(), safe=':')}/{method}"


def _number(id: str) -> int:
    if not id.isdecimal():
        raise Stopped(Rejected("That is no id of a message."))
    return int(id)


def _description(answer: Answered) -> str:
    return reading.said(answer.json, "description")


def _said(answer: Answered, host: str) -> str:
    words = _description(answer)
    return f"{host} says: {words}" if words else f"{host} answered {answer.status}."
