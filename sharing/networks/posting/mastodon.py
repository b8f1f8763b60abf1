"""Mastodon, and the servers that speak its API: GoToSocial, Pixelfed, Pleroma, Akkoma, Hollo.

https://docs.joinmastodon.org/methods/statuses/, …/media/, …/instance/ (checked November 2026).

An Idempotency-Key goes out with every post, and is not relied upon. Mastodon writes it down only after the
post is stored (app/services/post_status_service.rb) and for an hour; GoToSocial ignores it; Hollo honours
it for one request after another, not for four at once. So a post is sent again only after the account's
own posts were searched for its link. They show a post at once.

Some servers know less than Mastodon: they change no posts, take no pictures, show all posts however many are asked
for, or give an access that ends after hours and is renewed. Each of these is said, or done, when it is met.
"""

import json as json_format
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

from sharing.networks.http import Answered, Expect
from sharing.networks.posting import multipart, reading
from sharing.networks.posting.asking import SOON, Asking, blaming
from sharing.networks.posting.checks import picture_problems, text_problems
from sharing.networks.posting.conclusions import (
    Absent,
    CannotTell,
    CredentialsDead,
    CredentialsExpired,
    Found,
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
    Media,
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
from sharing.networks.posting.mastodon_entities import (
    contains,
    ends_before,
    permalink,
    read_limits,
    read_numbers,
    read_profile,
    read_seen,
)
from sharing.networks.posting.mastodon_sign_in import refreshed
from sharing.networks.posting.renewing import renewed

_VISIBILITIES = {
    Visibility.PUBLIC: "public",
    Visibility.UNLISTED: "unlisted",
    Visibility.FOLLOWERS: "private",
}
_NOT_FOUND = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_NOT_KNOWN_HERE = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
_NO_RENEWAL = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED})
_ID_IN_PATH = re.compile(
    r"/(?:@[^/]+|users/[^/]+/statuses|users/[^/]+(?=/\d)|ap/users/[^/]+/statuses|p/[^/]+|notice)"
    r"/(?P<id>[A-Za-z0-9-]{1,64})/?"
)
# So many of the account's own posts are looked through: 10 pages of 40.
_PAGE = 40
_PAGES = 10
# A server's clock may be wrong by this much.
_CLOCKS_DIFFER = timedelta(hours=1)
# A picture is made ready by the server within a minute, or the post waits.
_LOOK_AGAIN = (0.5, 1, 2, 4, 8, 15, 30)


class MastodonApi(Asking):
    """Publish on a server of the fediverse that speaks Mastodon's API."""

    slug: ClassVar[str] = "mastodon"
    name: ClassVar[str] = "Mastodon"
    abilities: ClassVar[Abilities] = Abilities(
        card=CardFrom.PAGE,
        repeat=Repeat.AFTER_FINDING_NOTHING,
        settles_after=timedelta(seconds=60),
        key_kept_for=timedelta(hours=1),
        edits=True,
        warnings=True,
        visibilities=frozenset(_VISIBILITIES),
        numbers=("reposts", "likes", "replies", "quotes"),
    )

    @classmethod
    def id_in(cls, address: str, *, host: str, account_id: str, handle: str = "") -> str:
        """Read /@name/ID, /users/name/statuses/ID, /p/name/ID (Pixelfed), /notice/ID (Pleroma), /users/name/ID (kepi)."""
        parts = urlsplit(address)
        found = _ID_IN_PATH.fullmatch(parts.path)
        return found["id"] if found and parts.netloc.lower() == host.lower() else ""

    @classmethod
    def counted_by(cls, account: Account) -> str:
        """Return the account's own server."""
        return urlsplit(account.origin).netloc

    def limits(self, account: Account) -> Limits:
        """Ask /api/v2/instance, and v1 where there is no second."""
        answer = self._ask(account.origin, "GET", "/api/v2/instance", allow=_NOT_FOUND)
        if answer.status in _NOT_FOUND:
            answer = self._ask(account.origin, "GET", "/api/v1/instance")
        return read_limits(answer.json)

    def usual_limits(self) -> Limits:
        """Return Mastodon's own figures."""
        return read_limits({})

    def check(self, post: Post, limits: Limits) -> Sequence[Problem]:
        """See Connector."""
        return list(_problems(post, limits))

    def stamp(self, now: datetime) -> Stamp:
        """Make an Idempotency-Key."""
        return Stamp(str(uuid4()), now)

    def prepare(self, account: Account, post: Post, stamp: Stamp, limits: Limits) -> Prepared:
        """Upload the pictures and wait until the server has made them ready."""
        self._refuse_what_does_not_fit(post, limits)
        body: dict[str, Any] = {
            "status": post.text,
            "visibility": _VISIBILITIES[post.visibility],
        }
        # Only what is meant: Hollo refuses a form that says `sensitive` without need.
        if post.warning:
            body |= {"spoiler_text": post.warning, "sensitive": True}
        if post.language:
            body["language"] = post.language
        if post.media:
            with blaming("media"):
                body["media_ids"] = [self._upload(account, each) for each in post.media]
        return Prepared(stamp, post.link, json_format.dumps(body))

    def prepares_alone(self, post: Post) -> bool:
        """Only pictures are sent beforehand."""
        return not post.media

    def send(self, account: Account, prepared: Prepared) -> Receipt:
        """POST /api/v1/statuses, once."""

        def read(found: Any) -> Outcome:
            id_ = reading.text(found, "id")
            if not id_:
                return Unknown(f"{urlsplit(account.origin).netloc} took the post and gave no id.")
            return Published(id_, permalink(account, found))

        receipt = self._send(
            account,
            "POST",
            "/api/v1/statuses",
            json=prepared.body.encode(),
            headers={"Idempotency-Key": prepared.stamp.key},
            read=read,
        )
        return replace(receipt, outcome=_of_access(receipt.outcome, account))

    def find(
        self, account: Account, prepared: Prepared, *, sent_at: datetime, now: datetime
    ) -> Found | Absent | CannotTell:
        """Look for the link among the account's own posts, back to before the post was stamped."""
        oldest = prepared.stamp.created_at - _CLOCKS_DIFFER
        query = [("limit", str(_PAGE)), ("exclude_reblogs", "true")]
        older: list[tuple[str, str]] = []
        known: set[str] = set()
        for _ in range(_PAGES):
            answer = self._ask_as(
                account,
                "GET",
                f"/api/v1/accounts/{quote(account.id, safe='')}/statuses",
                query=[*query, *older],
                allow=_NOT_FOUND,
            )
            statuses = answer.json
            if answer.status in _NOT_FOUND or not isinstance(statuses, list):
                return CannotTell("The server does not show the account's own posts.", None)
            for status in statuses:
                if contains(status, prepared.link) and reading.text(status, "id"):
                    return Found(reading.text(status, "id"), permalink(account, status))
            if not statuses or ends_before(statuses, oldest):
                return self._not_found(sent_at, now)
            last = reading.text(statuses[-1], "id")
            if not last:
                break
            ids = {reading.text(each, "id") for each in statuses}
            if ids <= known:
                return self._of_one_list(statuses, known, sent_at, now)
            known |= ids
            older = [("max_id", last)]
        return CannotTell(f"It is not among the last {_PAGE * _PAGES} posts of the account.", None)

    def fetch(self, account: Account, id: str) -> Seen | None:
        """GET /api/v1/statuses/:id."""
        status = self._status(account, id)
        if status is None:
            return None
        return read_seen(status, account, id)

    def edit(self, account: Account, id: str, prepared: Prepared) -> None:
        """PUT /api/v1/statuses/:id."""
        answer = self._ask_as(
            account, "PUT", _of_status(id), json=prepared.body.encode(), allow=_NOT_KNOWN_HERE
        )
        if answer.status in _NOT_KNOWN_HERE:
            host = urlsplit(account.origin).netloc
            raise Stopped(Rejected(f"{host} does not change posts: its software cannot."))

    def delete(self, account: Account, id: str) -> None:
        """DELETE /api/v1/statuses/:id; 404 is success, for it is gone."""
        self._ask_as(account, "DELETE", _of_status(id), allow=_NOT_FOUND)

    def observe(self, account: Account, ids: Sequence[str]) -> Sequence[Numbers]:
        """Read one post after another: asking for several is new, and not everywhere."""
        found = []
        for id_ in ids:
            status = self._status(account, id_)
            if status is not None:
                found.append(read_numbers(status, id_, self._now()))
        return found

    def profile(self, account: Account) -> Profile:
        """GET /api/v1/accounts/verify_credentials."""
        answer = self._ask_as(account, "GET", "/api/v1/accounts/verify_credentials")
        return read_profile(answer.json, account.origin)

    def renew(self, account: Account, keyring: Keyring) -> Account:
        """Use the refresh token where a server gave one, one caller at a time: it is good once.

        Most servers give none: their access lives until it is revoked. What another caller saved is taken over.
        """
        return renewed(account, keyring, lambda saved: self._refreshed(account.origin, saved))

    def revoke(self, account: Account) -> None:
        """POST /oauth/revoke, with this site's own registration."""
        credentials = account.credentials
        self._ask(
            account.origin,
            "POST",
            "/oauth/revoke",
            content=_form(credentials, token=credentials.access.reveal()),
            expects=Expect.NOTHING,
        )

    def _upload(self, account: Account, media: Media) -> str:
        content = multipart.form({"description": media.alt}, media)
        for version in (2, 1):
            answer = self._ask_as(
                account, "POST", f"/api/v{version}/media", content=content, allow=_NOT_FOUND
            )
            if answer.status not in _NOT_FOUND:
                break
        else:
            host = urlsplit(account.origin).netloc
            raise Stopped(Rejected(f"{host} takes no pictures: its software cannot.", "media"))
        id_ = reading.text(answer.json, "id")
        if not id_:
            raise Stopped(
                RetryLater(self._now() + SOON, "The server took a picture and gave no id.")
            )
        waits = iter(_LOOK_AGAIN)
        while answer.status in {HTTPStatus.ACCEPTED, HTTPStatus.PARTIAL_CONTENT}:
            wait = next(waits, None)
            if wait is None:
                raise Stopped(
                    RetryLater(self._now() + SOON, "The server is still working on a picture.")
                )
            self._pause(wait)
            answer = self._ask_as(account, "GET", f"/api/v1/media/{quote(id_, safe='')}")
        return id_

    def _status(self, account: Account, id: str) -> Any:
        answer = self._ask_as(account, "GET", _of_status(id), allow=_NOT_FOUND)
        return None if answer.status in _NOT_FOUND else answer.json

    def _ask_as(
        self,
        account: Account,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        json: bytes | None = None,
        content: tuple[str, bytes] | None = None,
        allow: frozenset[int] = frozenset(),
    ) -> Answered:
        """Ask as `_ask` does, with an account's access."""
        try:
            return self._ask(
                account.origin,
                method,
                path,
                bearer=account.credentials.access,
                query=query,
                json=json,
                content=content,
                allow=allow,
            )
        except Stopped as stopped:
            raise Stopped(_of_access(stopped.outcome, account)) from None

    def _refreshed(self, origin: str, saved: Credentials) -> Credentials | None:
        if not saved.refresh:
            return None
        more = {"grant_type": "refresh_token", "refresh_token": saved.refresh.reveal()}
        answer = self._ask(
            origin, "POST", "/oauth/token", content=_form(saved, **more), allow=_NO_RENEWAL
        )
        return None if answer.status in _NO_RENEWAL else refreshed(answer, saved)

    def _of_one_list(
        self, statuses: Sequence[Any], known: set[str], sent_at: datetime, now: datetime
    ) -> Absent | CannotTell:
        """Conclude from what a server shows that has one list, whichever page is asked for."""
        count = reading.count(statuses[0], "account", "statuses_count")
        if count is not None and count <= len(known):
            return self._not_found(sent_at, now)
        return CannotTell("The server shows only some of the account's own posts.", None)

    def _refusal(self, answer: Answered, host: str) -> Hindrance:
        words = reading.said(answer.json, "error")
        said = f"{host} says: {words}" if words else f"{host} answered {answer.status}."
        match answer.status:
            case HTTPStatus.UNAUTHORIZED:
                return CredentialsExpired(
                    f"{host} no longer accepts the connection: connect it anew."
                )
            case HTTPStatus.FORBIDDEN if "scope" in words.lower():
                return CredentialsDead(
                    f"{host} says that the connection lacks a permission: connect it anew."
                )
            case HTTPStatus.FORBIDDEN if answer.json is not None:
                return CredentialsDead(said)
            case HTTPStatus.FORBIDDEN:
                # A wall in front of the server, not the server: it may be gone tomorrow.
                return RetryLater(self._now() + SOON, said)
            case HTTPStatus.UNPROCESSABLE_ENTITY if "processing" in words.lower():
                return RetryLater(self._now() + SOON, said, prepare=True)
            case _:
                return Rejected(said)


def _problems(post: Post, limits: Limits) -> Iterator[Problem]:
    yield from text_problems(post, limits)
    if post.link not in post.text:
        yield Problem(
            "text", "The post's link must be in its text: it is how the post is found again."
        )
    if len(post.media) > limits.media:
        yield Problem("media", f"At most {limits.media} pictures fit.")
    yield from picture_problems(post.media, limits)


_O = TypeVar("_O", bound=Outcome)


def _of_access(outcome: _O, account: Account) -> _O | CredentialsDead:
    """Return what it means that an access is over: the end, where there is nothing to renew it with."""
    if isinstance(outcome, CredentialsExpired) and not account.credentials.refresh:
        return CredentialsDead(outcome.sentence)
    return outcome


def _form(credentials: Credentials, **fields: str) -> tuple[str, bytes]:
    """Return a form with this site's own registration in it."""
    secret = credentials.client_secret
    mine = {
        "client_id": credentials.client_id,
        "client_secret": secret.reveal() if secret else "",
    }
    return "application/x-www-form-urlencoded", urlencode(fields | mine).encode()


def _of_status(id: str) -> str:
    return f"/api/v1/statuses/{quote(id, safe='')}"
