"""Ask a network over HTTP, and put what happened into the contract's words."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from sharing.networks.http import Answered, Expect, NotSent, Outbound, OutcomeUnknown
from sharing.networks.posting import rates
from sharing.networks.posting.conclusions import (
    Absent,
    CannotTell,
    Hindrance,
    Outcome,
    Receipt,
    Rejected,
    RetryLater,
    Stopped,
    Unknown,
)
from sharing.networks.posting.contract import Abilities, Account, Limits, Post, Problem
from sharing.networks.secret import Secret

# After a failure that says nothing about when; the caller's own back-off adds to it.
SOON = timedelta(seconds=30)
_MOVED = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}
# Of these nobody knows how far the request had come.
_OPEN = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}


def now() -> datetime:
    """Return this moment."""
    return datetime.now(UTC)


class Asking(ABC):
    """The part of a connector that every network needs."""

    name: ClassVar[str]
    abilities: ClassVar[Abilities]

    def __init__(
        self,
        outbound: Outbound,
        *,
        clock: Callable[[], datetime] = now,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._outbound = outbound
        self._now = clock
        self._pause = pause

    def prepares_alone(self, post: Post) -> bool:
        """See Connector; who does not say so may make requests."""
        return False

    @abstractmethod
    def check(self, post: Post, limits: Limits) -> Sequence[Problem]:
        """See Connector."""

    @abstractmethod
    def _refusal(self, answer: Answered, host: str) -> Hindrance | Unknown:
        """Say what a status of 400 to 499 means; Unknown where nothing may be concluded from it."""

    def _retry_at(self, answer: Answered) -> datetime:
        """Return when to ask again after a refusal; networks that say it in the body read it there."""
        return rates.retry_at(answer.headers, self._now())

    def _refuse_what_does_not_fit(self, post: Post, limits: Limits) -> None:
        """Raise Stopped for the first problem of a post that blocks it."""
        for problem in self.check(post, limits):
            if problem.blocking:
                raise Stopped(Rejected(problem.sentence, problem.field))

    def _not_found(self, sent_at: datetime, now: datetime) -> Absent | CannotTell:
        """Conclude from not finding a post where all posts were looked through."""
        settled = sent_at + self.abilities.settles_after
        if now >= settled:
            return Absent()
        return CannotTell("It is not there yet; the request may still be under way.", settled)

    def _ask(
        self,
        origin: str,
        method: str,
        path: str,
        *,
        bearer: Secret | None = None,
        query: Sequence[tuple[str, str]] = (),
        json: bytes | None = None,
        content: tuple[str, bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        expects: Expect = Expect.JSON,
        allow: frozenset[int] = frozenset(),
    ) -> Answered:
        """Make a request that may be repeated; raises Stopped for all but success and `allow`."""
        host = urlsplit(origin).netloc
        try:
            answer = self._outbound.request(
                method,
                _address(origin, path, query),
                headers=_headers(bearer, json, content, headers),
                body=json if json is not None else (content[1] if content else b""),
                expects=expects,
            )
        except (NotSent, OutcomeUnknown) as reason:
            raise Stopped(RetryLater(self._now() + SOON, str(reason))) from None
        if answer.status < HTTPStatus.MULTIPLE_CHOICES or answer.status in allow:
            return answer
        outcome = self._conclude(answer, host)
        if isinstance(outcome, Unknown):
            outcome = RetryLater(self._retry_at(answer), outcome.sentence)
        raise Stopped(outcome)

    def _send(
        self,
        account: Account,
        method: str,
        path: str,
        *,
        json: bytes,
        read: Callable[[Any], Outcome],
        headers: Mapping[str, str] | None = None,
        shown: str = "",
    ) -> Receipt:
        """Make the one request that may not be repeated, and say what may be concluded from it.

        `shown` stands for the path in the ledger, where the path itself holds the token: it is in no
        header then.
        """
        bearer = None if shown else account.credentials.access
        host = urlsplit(account.origin).netloc
        asked = f"{method} {shown or path} at {host}"
        try:
            answer = self._outbound.request(
                method,
                _address(account.origin, path, ()),
                headers=_headers(bearer, json, None, headers),
                body=json,
            )
        except NotSent as reason:
            return Receipt(RetryLater(self._now() + SOON, str(reason)), asked, "Nothing was sent.")
        except OutcomeUnknown as reason:
            return Receipt(Unknown(str(reason)), asked, str(reason))
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            outcome = read(answer.json)
        else:
            outcome = self._conclude(answer, host)
        came_back = f"{answer.status} {_phrase(answer.status)}".strip()
        return Receipt(outcome, asked, came_back, rates.budget(answer.headers, self._now()))

    def _conclude(self, answer: Answered, host: str) -> Hindrance | Unknown:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            return RetryLater(self._retry_at(answer), f"{host} asks to wait: too many requests.")
        if answer.status in _MOVED:
            return Rejected(f"{host} has moved to another address: connect the account anew.")
        if answer.status not in _OPEN and 400 <= answer.status < 500:
            return self._refusal(answer, host)
        return Unknown(f"{host} answered {answer.status} {_phrase(answer.status)}".strip() + ".")


@contextmanager
def blaming(field: str) -> Iterator[None]:
    """Let a post that is rejected within be rejected for this field."""
    try:
        yield
    except Stopped as stopped:
        if isinstance(stopped.outcome, Rejected):
            raise Stopped(replace(stopped.outcome, field=field)) from None
        raise


def _address(origin: str, path: str, query: Sequence[tuple[str, str]]) -> str:
    return f"{origin}{path}?{urlencode(query)}" if query else f"{origin}{path}"


def _headers(
    bearer: Secret | None,
    json: bytes | None,
    content: tuple[str, bytes] | None,
    more: Mapping[str, str] | None,
) -> dict[str, str]:
    named = dict(more or {})
    if bearer:
        named["Authorization"] = f"Bearer {bearer.reveal()}"
    if json is not None:
        named["Content-Type"] = "application/json"
    elif content:
        named["Content-Type"] = content[0]
    return named


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
