"""What our connector uses of Mastodon's API, answered from the truth."""

import hashlib
import hmac
import html
import re
import secrets
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from sharing.networks.demo.exchange import Refuse, Reply, Request, as_json
from sharing.networks.demo.pages import page
from sharing.networks.demo.truth import StoredMedia, StoredPost, Token, Truth
from sharing.networks.posting.lengths import TextRule, links, measure

NETWORK = "mastodon"
TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp"]
_PICTURE_BYTES = 16 * 1024 * 1024
_OLD = "old"
_OLD_SCOPES = {"read", "write", "follow"}
# In seconds.
_OLD_ACCESS = 36_000


def register_app(truth: Truth, request: Request) -> Reply:
    """POST /api/v1/apps."""
    fields = request.fields()
    redirect = str(fields.get("redirect_uris", ""))
    if not redirect or not fields.get("client_name"):
        return as_json({"error": "Validation failed"}, status=422)
    client_id, client_secret = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    truth.apps[client_id] = (client_secret, redirect)
    return as_json({"id": "1", "client_id": client_id, "client_secret": client_secret})


def authorize(truth: Truth, request: Request) -> Reply:
    """GET /oauth/authorize shows a form, POST lets in and leads back with a code."""
    asked = {
        name: request.asked(name)
        for name in ("client_id", "redirect_uri", "scope", "state", "code_challenge")
    }
    app = truth.apps.get(asked["client_id"])
    if app is None or app[1] != asked["redirect_uri"]:
        return as_json({"error": "invalid_client"}, status=401)
    if request.method == "GET":
        choices = "".join(
            f'<button name="account" value="{html.escape(name)}">Connect @{html.escape(name)}</button> '
            for name in truth.accounts
        )
        return page(
            "<h1>Connect an account</h1><p>The site that sent you here asks to post for you on this "
            f'network.</p><form method="post">{choices}<button name="account" value="">Refuse</button>'
            "</form>"
        )
    account = str(request.fields().get("account", ""))
    if truth.habits.flavour == _OLD and not set(asked["scope"].split()) <= _OLD_SCOPES:
        back = {"error": "invalid_scope", "state": asked["state"]}
    elif account not in truth.accounts:
        back = {"error": "access_denied", "state": asked["state"]}
    else:
        code = secrets.token_urlsafe(16)
        truth.codes[code] = asked | {"account": account}
        back = {"code": code, "state": asked["state"]}
    return Reply(303, b"", {"Location": f"{asked['redirect_uri']}?{urlencode(back)}"})


def token(truth: Truth, request: Request) -> Reply:
    """POST /oauth/token: a code is good once, and only with its verifier; so is what renews an access."""
    fields = request.fields()
    client_id = str(fields.get("client_id", ""))
    app = truth.apps.get(client_id)
    if app is None or not hmac.compare_digest(app[0], str(fields.get("client_secret", ""))):
        return as_json({"error": "invalid_client"}, status=401)
    if fields.get("grant_type") == "refresh_token":
        renews = truth.tokens.get(str(fields.get("refresh_token", "")))
        if renews is None or renews.kind != "renews" or renews.state != "good":
            return as_json({"error": "invalid_grant"}, status=400)
        renews.state = "used"
        return _access(truth, renews.account, renews.scopes)
    given = truth.codes.pop(str(fields.get("code", "")), None)
    challenge = hashlib.sha256(str(fields.get("code_verifier", "")).encode()).digest()
    if (
        given is None
        or given["client_id"] != client_id
        or urlsafe_b64encode(challenge).decode().rstrip("=") != given["code_challenge"]
    ):
        return as_json({"error": "invalid_grant"}, status=400)
    return _access(truth, given["account"], frozenset(given["scope"].split()))


def revoke(truth: Truth, request: Request) -> Reply:
    """POST /oauth/revoke: only by the app that got the token."""
    fields = request.fields()
    app = truth.apps.get(str(fields.get("client_id", "")))
    if app is None or not hmac.compare_digest(app[0], str(fields.get("client_secret", ""))):
        return as_json({"error": "unauthorized_client"}, status=403)
    found = truth.tokens.get(str(fields.get("token", "")))
    if found:
        found.state = "revoked"
    return as_json({})


def verify_credentials(truth: Truth, request: Request) -> Reply:
    """GET /api/v1/accounts/verify_credentials."""
    account = _let_in(truth, request, "read:accounts").account
    return as_json(_account(account, request))


def instance(truth: Truth, request: Request) -> Reply:
    """GET /api/v2/instance."""
    if truth.habits.flavour == _OLD:
        return _no_record()
    is_gotosocial = truth.habits.flavour == "gotosocial"
    return as_json(
        {
            "domain": request.headers.get("host", ""),
            "title": "Demo network",
            "version": "0.20.0" if is_gotosocial else "4.5.0",
            "source_url": "https://codeberg.org/superseriousbusiness/gotosocial"
            if is_gotosocial
            else "https://github.com/mastodon/mastodon",
            "configuration": {
                "statuses": {
                    "max_characters": truth.habits.characters,
                    "max_media_attachments": 4,
                    "characters_reserved_per_url": 25 if is_gotosocial else 23,
                },
                "media_attachments": {
                    "supported_mime_types": TYPES,
                    "image_size_limit": _PICTURE_BYTES,
                    "description_limit": 1500,
                },
            },
        }
    )


def first_instance(truth: Truth, request: Request) -> Reply:
    """GET /api/v1/instance."""
    version = "1.0.0" if truth.habits.flavour == _OLD else "4.5.0"
    host = request.headers.get("host", "")
    return as_json({"uri": host, "title": "Demo network", "version": version})


def upload(truth: Truth, request: Request) -> Reply:
    """POST /api/v2/media: 202 while the picture is not ready."""
    if truth.habits.flavour == _OLD:
        return _no_record()
    _let_in(truth, request, "write:media")
    fields = request.fields()
    data = fields.get("file")
    kind = re.search(rb"Content-Type: ([\w/.+-]+)", request.body[:2000])
    if not isinstance(data, bytes) or kind is None or kind[1].decode() not in TYPES:
        return as_json({"error": "Validation failed: File content type is invalid"}, status=422)
    media = StoredMedia(
        truth.next_id(), kind[1].decode(), len(data), str(fields.get("description", ""))
    )
    truth.media[media.id] = media
    truth.keep_picture(media.id, media.type, data)
    return _media(truth, media, status=202)


def show_media(truth: Truth, request: Request, id: str) -> Reply:
    """GET /api/v1/media/:id: 206 while the picture is not ready."""
    _let_in(truth, request, "write:media")
    media = truth.media.get(id)
    if media is None:
        return _no_record()
    media.looks += 1
    return _media(truth, media, status=206)


def post_status(truth: Truth, request: Request) -> Reply:
    """POST /api/v1/statuses."""
    account = _let_in(truth, request, "write:statuses").account
    key = request.headers.get("idempotency-key", "")
    mine = truth.of_account(NETWORK, account)
    known = next((each for each in mine if key and each.key == key), None)
    if known and truth.habits.honours_keys:
        return as_json(_status(known, request))
    fields = _checked(truth, request)
    post = truth.add(NETWORK, account, key, fields["status"], fields, truth.next_id())
    return as_json(
        _status(post, request),
        headers={"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "299",
           "X-RateLimit-Reset": datetime.now(UTC).isoformat()},
    )  # fmt: skip


def show_status(truth: Truth, request: Request, id: str) -> Reply:
    """GET, PUT and DELETE /api/v1/statuses/:id."""
    needs = "read:statuses" if request.method == "GET" else "write:statuses"
    account = _let_in(truth, request, needs).account
    post = truth.post(id)
    if post is None or post.network != NETWORK or post.account != account:
        return _no_record()
    if request.method == "DELETE":
        post.gone = True
    elif request.method == "PUT" and truth.habits.flavour == _OLD:
        return as_json({"detail": "Method not allowed."}, status=405)
    elif request.method == "PUT":
        post.said = post.said | _checked(truth, request)
        post.text = post.said["status"]
    return as_json(_status(post, request))


def own_statuses(truth: Truth, request: Request, account_id: str) -> Reply:
    """GET /api/v1/accounts/:id/statuses."""
    account = _let_in(truth, request, "read:statuses").account
    if not truth.habits.shows_own_posts or account_id != _account_id(account):
        return _no_record()
    if truth.habits.flavour == _OLD:
        # All of them, the oldest first, whatever was asked for.
        all_ = [_status(each, request) for each in reversed(truth.of_account(NETWORK, account))]
        for each in all_:
            each["account"]["statuses_count"] = len(all_) + truth.habits.hidden_posts
        return as_json(all_)
    before = request.asked("max_id")
    mine = [
        each
        for each in truth.of_account(NETWORK, account)
        if not before or int(each.id) < int(before)
    ]
    return as_json([_status(each, request) for each in mine[: int(request.asked("limit") or 20)]])


def _access(truth: Truth, account: str, scopes: frozenset[str]) -> Reply:
    made: dict[str, Any] = {
        "access_token": truth.let_in(account, scopes=scopes),
        "token_type": "Bearer",
        "scope": " ".join(sorted(scopes)),
    }
    if truth.habits.flavour == _OLD:
        made["expires_in"] = _OLD_ACCESS
        made["refresh_token"] = truth.let_in(account, scopes=scopes, kind="renews")
    return as_json(made)


def _let_in(truth: Truth, request: Request, scope: str) -> Token:
    found = truth.tokens.get(request.bearer)
    if found is None or found.state != "good" or found.kind != "oauth":
        raise Refuse(as_json({"error": "The access token is invalid"}, status=401))
    if not found.scopes & {scope, scope.partition(":")[0]}:
        raise Refuse(as_json({"error": "This action is outside the authorized scopes"}, status=403))
    return found


def _checked(truth: Truth, request: Request) -> dict[str, Any]:
    fields = request.fields()
    is_gotosocial = truth.habits.flavour == "gotosocial"
    most = truth.habits.characters
    rule = (
        TextRule(most, unit="codepoint", warning_counts=True)
        if is_gotosocial
        else TextRule(most, link=23, local_mentions=True, warning_counts=True)
    )
    fields["status"] = text = str(fields.get("status") or "")
    ids = fields.get("media_ids") or []
    refused = 400 if is_gotosocial else 422
    if not measure(text, rule, warning=str(fields.get("spoiler_text") or "")).fits(rule):
        raise Refuse(
            as_json(
                {"error": f"Validation failed: Text character limit of {most} exceeded"},
                status=refused,
            )
        )
    if not text and not ids:
        raise Refuse(as_json({"error": "Validation failed: Text can't be blank"}, status=refused))
    for id_ in ids:
        media = truth.media.get(str(id_))
        if media is None or media.looks < truth.habits.media_looks:
            raise Refuse(
                as_json(
                    {"error": "Cannot attach files that have not finished processing. Try again."},
                    status=422,
                )
            )
    return fields


def _media(truth: Truth, media: StoredMedia, *, status: int) -> Reply:
    ready = media.looks >= truth.habits.media_looks
    return as_json(
        {"id": media.id, "type": "image", "url": f"/media/{media.id}" if ready else None,
         "description": media.alt},
        status=200 if ready else status,
    )  # fmt: skip


def _status(post: StoredPost, request: Request) -> dict[str, Any]:
    content = []
    position = 0
    for start, end in links(post.text):
        address = html.escape(post.text[start:end])
        content += [html.escape(post.text[position:start]), f'<a href="{address}">{address}</a>']
        position = end
    content.append(html.escape(post.text[position:]))
    address = f"{request.origin}/@{post.account}/{post.id}"
    return {
        "id": post.id,
        "uri": address,
        "url": address,
        "created_at": post.created_at.isoformat().replace("+00:00", "Z"),
        "content": f"<p>{''.join(content)}</p>",
        "visibility": post.said.get("visibility", "public"),
        "spoiler_text": post.said.get("spoiler_text", ""),
        "language": post.said.get("language"),
        "media_attachments": [{"id": each} for each in post.said.get("media_ids") or []],
        "account": _account(post.account, request),
        "reblogs_count": post.reposts,
        "favourites_count": post.likes,
        "replies_count": post.replies,
    }


def _account(account: str, request: Request) -> dict[str, Any]:
    return {
        "id": _account_id(account),
        "username": account,
        "acct": account,
        "display_name": account.title(),
        "url": f"{request.origin}/@{account}",
    }


def _account_id(account: str) -> str:
    return str(int(hashlib.sha256(account.encode()).hexdigest()[:12], 16))


def _no_record() -> Reply:
    return as_json({"error": "Record not found"}, status=404)
