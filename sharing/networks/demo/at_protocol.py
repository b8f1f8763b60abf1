"""What our connector uses of the AT Protocol, answered from the truth."""

import hashlib
import json
import re
import secrets
import time
from base64 import b32encode, urlsafe_b64encode
from typing import Any

from sharing.networks.demo.exchange import Refuse, Reply, Request, as_json
from sharing.networks.demo.truth import StoredMedia, StoredPost, Token, Truth, did_of, handle_of
from sharing.networks.posting.lengths import TextRule, measure

NETWORK = "bluesky"
_COLLECTION = "app.bsky.feed.post"
_RULE = TextRule(300, bytes=3_000)
_KEY = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
_BLOB_BYTES = 1_000_000
_POINTS = {
    "RateLimit-Limit": "5000",
    "RateLimit-Remaining": "4998",
    "RateLimit-Policy": "5000;w=3600",
}


def create_session(truth: Truth, request: Request) -> Reply:
    """com.atproto.server.createSession."""
    fields = request.fields()
    asked = str(fields.get("identifier", "")).lower()
    for account, password in truth.accounts.items():
        if asked in {account, handle_of(account), did_of(account)}:
            if password and password == fields.get("password"):
                return _session(truth, account)
            break
    return _error("AuthenticationRequired", "Invalid identifier or password", status=401)


def refresh_session(truth: Truth, request: Request) -> Reply:
    """com.atproto.server.refreshSession: a refresh token is good once; used again it ends the session."""
    found = truth.tokens.get(request.bearer)
    if found is None or found.kind != "refresh":
        return _error("InvalidToken", "Token could not be verified")
    if found.state == "used":
        for each in truth.tokens.values():
            if each.family == found.family:
                each.state = "revoked"
    if found.state != "good" or not truth.accounts.get(found.account):
        return _error("ExpiredToken", "Token has been revoked")
    found.state = "used"
    return _session(truth, found.account, family=found.family)


def get_session(truth: Truth, request: Request) -> Reply:
    """com.atproto.server.getSession."""
    account = _let_in(truth, request).account
    return as_json({"did": did_of(account), "handle": handle_of(account), "active": True})


def delete_session(truth: Truth, request: Request) -> Reply:
    """com.atproto.server.deleteSession."""
    found = truth.tokens.get(request.bearer)
    if found is None or found.kind != "refresh":
        return _error("InvalidToken", "Token could not be verified")
    for each in truth.tokens.values():
        if each.family == found.family and each.kind == "refresh":
            each.state = "revoked"
    return Reply()


def resolve_handle(truth: Truth, request: Request) -> Reply:
    """com.atproto.identity.resolveHandle."""
    for account in truth.accounts:
        if request.asked("handle") == handle_of(account):
            return as_json({"did": did_of(account)})
    return _error("InvalidRequest", "Unable to resolve handle")


def upload_blob(truth: Truth, request: Request) -> Reply:
    """com.atproto.repo.uploadBlob: the same bytes are the same blob."""
    _let_in(truth, request)
    if len(request.body) > _BLOB_BYTES:
        return _error("PayloadTooLarge", "request entity too large", status=413)
    reference = _cid(request.body)
    kind = request.headers.get("content-type", "")
    truth.media[reference] = StoredMedia(reference, kind, len(request.body))
    truth.keep_picture(reference, kind, request.body)
    return as_json(
        {"blob": {"$type": "blob", "ref": {"$link": reference}, "mimeType": kind,
                  "size": len(request.body)}}
    )  # fmt: skip


def put_record(truth: Truth, request: Request) -> Reply:
    """com.atproto.repo.putRecord, with the three meanings of swapRecord: left out, null, a CID."""
    account = _let_in(truth, request).account
    fields = request.fields()
    key, record = str(fields.get("rkey", "")), fields.get("record")
    if fields.get("repo") not in {did_of(account), handle_of(account)}:
        return _error("AuthenticationRequired", "Invalid repo", status=401)
    if not _KEY.fullmatch(key) or not isinstance(record, dict):
        return _error("InvalidRequest", "Invalid record key or record")
    _check_record(truth, record)
    uri, cid = _uri(account, key), _cid(json.dumps(record, sort_keys=True).encode())
    known = truth.post(uri)
    if known and _cid_of(known) == cid:
        return as_json({"uri": uri, "cid": cid, "validationStatus": "valid"}, headers=_POINTS)
    swap = fields.get("swapRecord", ...)
    if (swap is None and known) or (
        isinstance(swap, str) and (not known or _cid_of(known) != swap)
    ):
        there = _cid_of(known) if known else "null"
        return _error("InvalidSwap", f"Record was at {there}")
    if known:
        known.said, known.text = record, record["text"]
    else:
        truth.add(NETWORK, account, key, record["text"], record, uri)
    commit = {"cid": _cid(secrets.token_bytes(8)), "rev": key}
    return as_json(
        {"uri": uri, "cid": cid, "commit": commit, "validationStatus": "valid"}, headers=_POINTS
    )


def get_record(truth: Truth, request: Request) -> Reply:
    """com.atproto.repo.getRecord; anybody may ask."""
    uri = f"at://{request.asked('repo')}/{request.asked('collection')}/{request.asked('rkey')}"
    if not truth.habits.shows_own_posts:
        return _error("RepoNotFound", f"Could not find repo: {request.asked('repo')}")
    post = truth.post(uri)
    if post is None:
        return _error("RecordNotFound", f"Could not locate record: {uri}")
    return as_json({"uri": uri, "cid": _cid_of(post), "value": post.said})


def delete_record(truth: Truth, request: Request) -> Reply:
    """com.atproto.repo.deleteRecord: 200 whether there was one or not."""
    account = _let_in(truth, request).account
    post = truth.post(_uri(account, str(request.fields().get("rkey", ""))))
    if post is None:
        return as_json({})
    post.gone = True
    return as_json({"commit": {"cid": _cid(secrets.token_bytes(8)), "rev": post.key}})


def get_posts(truth: Truth, request: Request) -> Reply:
    """app.bsky.feed.getPosts: those that are gone are left out."""
    uris = request.query.get("uris", [])
    if len(uris) > 25:
        return _error("InvalidRequest", "Error: Params must have the property uris of at most 25")
    posts = [post for post in map(truth.post, uris) if post]
    return as_json(
        {
            "posts": [
                {"uri": post.id, "likeCount": post.likes, "repostCount": post.reposts,
                 "replyCount": post.replies, "quoteCount": 0}
                for post in posts
            ]
        }
    )  # fmt: skip


def _session(truth: Truth, account: str, *, family: str = "") -> Reply:
    family = family or secrets.token_hex(8)
    claims = {"scope": "com.atproto.appPass", "sub": did_of(account), "jti": secrets.token_hex(8),
              "exp": int(time.time()) + truth.habits.session_seconds}  # fmt: skip
    payload = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    access = f"demo.{payload}.{secrets.token_urlsafe(16)}"
    truth.tokens[access] = Token(account, kind="access", family=family)
    refresh = truth.let_in(account, kind="refresh", family=family)
    return as_json(
        {"did": did_of(account), "handle": handle_of(account), "accessJwt": access,
         "refreshJwt": refresh, "active": True}
    )  # fmt: skip


def _let_in(truth: Truth, request: Request) -> Token:
    found = truth.tokens.get(request.bearer)
    if found is None or found.kind != "access" or found.state == "revoked":
        raise Refuse(_error("InvalidToken", "Token could not be verified"))
    if found.state != "good":
        raise Refuse(_error("ExpiredToken", "Token has expired"))
    return found


def _check_record(truth: Truth, record: dict[str, Any]) -> None:
    record["text"] = text = str(record.get("text", ""))
    if record.get("$type") != _COLLECTION or not record.get("createdAt"):
        raise Refuse(_error("InvalidRequest", "Invalid app.bsky.feed.post record"))
    if not measure(text, _RULE).fits(_RULE):
        raise Refuse(
            _error(
                "InvalidRequest",
                "Invalid app.bsky.feed.post record: Record/text must not be longer than 300 graphemes",
            )
        )
    for blob in _blobs(record):
        if blob not in truth.media:
            raise Refuse(_error("BlobNotFound", f"Could not find blob: {blob}"))


def _blobs(found: Any) -> list[str]:
    if isinstance(found, dict):
        if found.get("$type") == "blob":
            return [str(found.get("ref", {}).get("$link", ""))]
        found = list(found.values())
    return [blob for each in found for blob in _blobs(each)] if isinstance(found, list) else []


def _error(error: str, message: str, *, status: int = 400) -> Reply:
    return as_json({"error": error, "message": message}, status=status)


def _uri(account: str, key: str) -> str:
    return f"at://{did_of(account)}/{_COLLECTION}/{key}"


def _cid(data: bytes) -> str:
    return "bafkrei" + b32encode(hashlib.sha256(data).digest()).decode().lower().rstrip("=")


def _cid_of(post: StoredPost) -> str:
    return _cid(json.dumps(post.said, sort_keys=True).encode())
