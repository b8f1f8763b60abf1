"""Bluesky, and any other server of the AT Protocol.

https://docs.bsky.app/docs/api/, lexicons of com.atproto.repo and app.bsky (checked November 2026).

A post's record key and `createdAt` are fixed before the first try, and it is written with
`putRecord` and `"swapRecord": null`: "there must be no record under this key". The first one creates it, the
same record again is answered with 200 and changes nothing, another record under the key is `InvalidSwap`.
So it may be sent any number of times. `createRecord` on a used key answers 500 instead, and a
`putRecord` without `swapRecord` overwrites in silence.
"""

import json as json_format
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlsplit

from sharing.networks.http import Answered
from sharing.networks.posting import reading
from sharing.networks.posting.asking import SOON, blaming
from sharing.networks.posting.bluesky_facets import facets
from sharing.networks.posting.bluesky_sessions import Sessions, refusal_of_session
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
    Limits,
    Media,
    Numbers,
    Post,
    Prepared,
    Problem,
    Repeat,
    Seen,
    Stamp,
    Visibility,
)
from sharing.networks.posting.lengths import TextRule
from sharing.networks.posting.tid import tid

LIMITS = Limits(
    text=TextRule(300, bytes=3_000),
    media=4,
    media_types=frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"}),
    media_bytes=1_000_000,
    alt=2_000,
)
_COLLECTION = "app.bsky.feed.post"
_WEB = "https://bsky.app"
_COUNTED_AT = "https://public.api.bsky.app"
_COUNTED_AT_ONCE = 25
_ID_IN_URI = re.compile(rf"at://(?P<who>[^/]+)/{re.escape(_COLLECTION)}/(?P<key>[a-z2-7]{{13}})")
_ID_IN_PATH = re.compile(r"/profile/(?P<who>[^/]+)/post/(?P<key>[a-z2-7]{13})/?")
_BAD = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})


class Bluesky(Sessions):
    """Publish on Bluesky with an app password."""

    slug: ClassVar[str] = "bluesky"
    name: ClassVar[str] = "Bluesky"
    abilities: ClassVar[Abilities] = Abilities(
        card=CardFrom.POST,
        repeat=Repeat.ANY_TIME,
        settles_after=timedelta(seconds=30),
        visibilities=frozenset({Visibility.PUBLIC}),
        numbers=("reposts", "likes", "replies", "quotes"),
        counted_at_once=_COUNTED_AT_ONCE,
    )

    @classmethod
    def id_in(cls, address: str, *, host: str, account_id: str, handle: str = "") -> str:
        """Read at://DID/app.bsky.feed.post/KEY, or …/profile/NAME/post/KEY on any site that shows posts.

        A handle may have changed since, so that only another DID makes it another account's.
        """
        found = _ID_IN_URI.fullmatch(address) or _ID_IN_PATH.fullmatch(urlsplit(address).path)
        if not found or (found["who"].startswith("did:") and found["who"] != account_id):
            return ""
        return f"at://{account_id}/{_COLLECTION}/{found['key']}"

    @classmethod
    def counted_by(cls, account: Account) -> str:
        """Return the service that counts, which is not the account's own server."""
        return urlsplit(account.view or _COUNTED_AT).netloc

    def limits(self, account: Account) -> Limits:
        """Return the lexicon's figures: they are the same on every server."""
        return LIMITS

    def usual_limits(self) -> Limits:
        """See Connector."""
        return LIMITS

    def check(self, post: Post, limits: Limits) -> Sequence[Problem]:
        """See Connector."""
        return list(_problems(post, limits))

    def stamp(self, now: datetime) -> Stamp:
        """Make a record key (a TID); any other form is refused by the server."""
        return Stamp(tid(now), now)

    def prepare(self, account: Account, post: Post, stamp: Stamp, limits: Limits) -> Prepared:
        """Upload pictures, look up who is mentioned, and write the record."""
        self._refuse_what_does_not_fit(post, limits)
        self._refuse_an_old_session(account)
        record: dict[str, Any] = {
            "$type": _COLLECTION,
            "text": post.text,
            "createdAt": _iso(stamp.created_at),
        }
        if post.language:
            record["langs"] = [post.language]
        found = facets(post.text, lambda handle: self._did_of(account, handle))
        if found:
            record["facets"] = found
        embed = self._embed(account, post, limits)
        if embed:
            record["embed"] = embed
        body = {
            "repo": account.id,
            "collection": _COLLECTION,
            "rkey": stamp.key,
            "record": record,
            "swapRecord": None,
        }
        return Prepared(stamp, post.link, json_format.dumps(body))

    def send(self, account: Account, prepared: Prepared) -> Receipt:
        """Call com.atproto.repo.putRecord, once."""

        def read(found: Any) -> Outcome:
            uri = reading.text(found, "uri")
            if not uri.endswith(f"/{_COLLECTION}/{prepared.stamp.key}"):
                return Unknown(
                    f"{urlsplit(account.origin).netloc} took the post and gave no address."
                )
            return Published(uri, _permalink(account, prepared.stamp.key))

        return self._send(
            account,
            "POST",
            "/xrpc/com.atproto.repo.putRecord",
            json=prepared.body.encode(),
            read=read,
        )

    def find(
        self, account: Account, prepared: Prepared, *, sent_at: datetime, now: datetime
    ) -> Found | Absent | CannotTell:
        """Read the record under the key; this needs no credentials, so dead ones do not matter."""
        record = self._record(account, prepared.stamp.key)
        if record is not None:
            uri = reading.text(record, "uri") or _uri(account, prepared.stamp.key)
            return Found(uri, _permalink(account, prepared.stamp.key))
        return self._not_found(sent_at, now)

    def fetch(self, account: Account, id: str) -> Seen | None:
        """Read the record back from the account's own server."""
        key = _key(id)
        record = self._record(account, key)
        if record is None:
            return None
        embed = reading.text(record, "value", "embed", "$type")
        return Seen(
            id,
            _permalink(account, key),
            reading.text(record, "value", "text"),
            reading.moment(record, "value", "createdAt"),
            card=embed == "app.bsky.embed.external",
        )

    def edit(self, account: Account, id: str, prepared: Prepared) -> None:
        """Refuse: the network shows what was posted first, whatever the record says later."""
        raise Stopped(Rejected("Posts on Bluesky cannot be edited."))

    def delete(self, account: Account, id: str) -> None:
        """Call com.atproto.repo.deleteRecord: success when there is none, too."""
        self._refuse_an_old_session(account)
        self._call(
            account,
            "com.atproto.repo.deleteRecord",
            {"repo": account.id, "collection": _COLLECTION, "rkey": _key(id)},
        )

    def observe(self, account: Account, ids: Sequence[str]) -> Sequence[Numbers]:
        """Ask the service that counts, without credentials, for 25 posts at a time."""
        found = []
        for start in range(0, len(ids), _COUNTED_AT_ONCE):
            some = ids[start : start + _COUNTED_AT_ONCE]
            answer = self._ask(
                account.view or _COUNTED_AT,
                "GET",
                "/xrpc/app.bsky.feed.getPosts",
                query=[("uris", uri) for uri in some],
            )
            posts = reading.at(answer.json, "posts")
            for post in posts if isinstance(posts, list) else []:
                if reading.text(post, "uri") in some:
                    found.append(
                        Numbers(
                            reading.text(post, "uri"),
                            self._now(),
                            reposts=reading.count(post, "repostCount"),
                            likes=reading.count(post, "likeCount"),
                            replies=reading.count(post, "replyCount"),
                            quotes=reading.count(post, "quoteCount"),
                        )
                    )
        return found

    def _call(self, account: Account, name: str, body: dict[str, Any]) -> Answered:
        return self._ask(
            account.origin,
            "POST",
            f"/xrpc/{name}",
            bearer=account.credentials.access,
            json=json_format.dumps(body).encode(),
        )

    def _did_of(self, account: Account, handle: str) -> str:
        answer = self._ask(
            account.origin,
            "GET",
            "/xrpc/com.atproto.identity.resolveHandle",
            query=[("handle", handle.lower())],
            allow=_BAD,
        )
        did = reading.text(answer.json, "did")
        return did if did.startswith("did:") else ""

    def _embed(self, account: Account, post: Post, limits: Limits) -> dict[str, Any] | None:
        if post.media:
            return {
                "$type": "app.bsky.embed.images",
                "images": [
                    {
                        "image": self._upload(account, each),
                        "alt": each.alt,
                        "aspectRatio": {"width": each.width, "height": each.height},
                    }
                    for each in post.media
                ],
            }
        card = post.card
        if card is None:
            return None
        external: dict[str, Any] = {
            "uri": card.url,
            "title": card.title,
            "description": card.description,
        }
        if card.picture and not _too_large(card.picture, limits):
            external["thumb"] = self._upload(account, card.picture)
        return {"$type": "app.bsky.embed.external", "external": external}

    def _upload(self, account: Account, media: Media) -> Any:
        with blaming("media"):
            answer = self._ask(
                account.origin,
                "POST",
                "/xrpc/com.atproto.repo.uploadBlob",
                bearer=account.credentials.access,
                content=(media.type, media.data),
            )
        blob = reading.at(answer.json, "blob")
        if reading.text(blob, "$type") != "blob" or not reading.text(blob, "ref", "$link"):
            raise Stopped(
                RetryLater(self._now() + SOON, "The server took a picture and gave no reference.")
            )
        return blob

    def _record(self, account: Account, key: str) -> Any:
        answer = self._ask(
            account.origin,
            "GET",
            "/xrpc/com.atproto.repo.getRecord",
            query=[("repo", account.id), ("collection", _COLLECTION), ("rkey", key)],
            allow=_BAD,
        )
        if answer.status not in _BAD:
            return answer.json
        error, message = reading.text(answer.json, "error"), reading.text(answer.json, "message")
        if error == "RecordNotFound" or message.startswith("Could not locate record"):
            return None
        host = urlsplit(account.origin).netloc
        raise Stopped(
            RetryLater(
                self._now() + SOON,
                f"{host} does not say whether it has the post: {error or 'no reason'}.",
            )
        )

    def _refusal(self, answer: Answered, host: str) -> Hindrance | Unknown:
        error = reading.text(answer.json, "error")
        words = reading.said(answer.json, "message") or error
        said = f"{host} says: {words}" if words else f"{host} answered {answer.status}."
        if (of_session := refusal_of_session(answer, host)) is not None:
            return of_session
        if error == "InvalidSwap":
            # The key is this post's alone, so it is to be found.
            return Unknown(f"{host} already holds something under this post's key.")
        if error == "BlobNotFound":
            return RetryLater(self._now(), "A picture has to be uploaded again.", prepare=True)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return CredentialsExpired(f"{host} asks for a new session.")
        if answer.status == HTTPStatus.FORBIDDEN:
            return CredentialsDead(said)
        return Rejected(said)


def _problems(post: Post, limits: Limits) -> Iterator[Problem]:
    yield from text_problems(post, limits)
    if post.visibility is not Visibility.PUBLIC:
        yield Problem("visibility", "Everybody sees posts on Bluesky: choose “public”.")
    if post.warning:
        yield Problem(
            "warning", "Bluesky has no content warnings: the words are left out.", blocking=False
        )
    if post.link not in post.text and not (post.card and not post.media):
        yield Problem("text", "The link is neither in the text nor in a card.", blocking=False)
    if len(post.media) > limits.media:
        yield Problem("media", f"At most {limits.media} pictures fit.")
    if post.media and post.card:
        yield Problem("card", "With pictures there is no room for the card.", blocking=False)
    elif post.card and post.card.picture and _too_large(post.card.picture, limits):
        yield Problem("card", "The card's picture is too large and is left out.", blocking=False)
    yield from picture_problems(post.media, limits)


def _too_large(picture: Media, limits: Limits) -> bool:
    too_many = limits.media_bytes is not None and len(picture.data) > limits.media_bytes
    return too_many or picture.type not in limits.media_types


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _uri(account: Account, key: str) -> str:
    return f"at://{account.id}/{_COLLECTION}/{key}"


def _key(uri: str) -> str:
    return uri.rpartition("/")[2]


def _permalink(account: Account, key: str) -> str:
    return f"{account.view or _WEB}/profile/{account.id}/post/{key}"
