"""What people see of the demo network: its posts, and two buttons to be popular with."""

import html
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sharing.networks.demo.exchange import Reply, Request
from sharing.networks.demo.telegram_api import username_of
from sharing.networks.demo.truth import StoredPost, Truth, did_of
from sharing.networks.posting.lengths import links

_STYLE = Path(__file__).with_name("demo.css")
_NAMES = {"mastodon": "like Mastodon", "bluesky": "like Bluesky", "telegram": "like Telegram"}


def style(truth: Truth, request: Request) -> Reply:
    """GET /demo.css."""
    return Reply(200, _STYLE.read_bytes(), {"Content-Type": "text/css; charset=utf-8"})


def all_posts(truth: Truth, request: Request) -> Reply:
    """GET /."""
    return _posts(
        "What was posted", reversed([each for each in truth.posts if not each.gone]), truth
    )


def mastodon_post(truth: Truth, request: Request, id: str) -> Reply:
    """GET /@name/:id."""
    return _one(truth.post(id), truth)


def bluesky_post(truth: Truth, request: Request, did: str, key: str) -> Reply:
    """GET /profile/:did/post/:key."""
    return _one(truth.post(f"at://{did}/app.bsky.feed.post/{key}"), truth)


def telegram_post(truth: Truth, request: Request, account: str, id: str) -> Reply:
    """GET /name_channel/:id."""
    return _one(truth.post(id), truth)


def like(truth: Truth, request: Request, what: str) -> Reply:
    """POST /like or /repost, from a button."""
    post = truth.post(str(request.fields().get("id", "")))
    if post is None:
        return _one(None, truth)
    if what == "like":
        post.likes += 1
    else:
        post.reposts += 1
    return Reply(303, b"", {"Location": _address(post)})


def page(body: str, *, status: int = 200) -> Reply:
    """Put HTML into the network's page, which says first what it is."""
    whole = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Demo network</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/demo.css">'
        '</head><body><p class="pretend">This is a pretend network on this machine. '
        f"Nothing here is on the internet.</p><main>{body}</main></body></html>"
    )
    return Reply(
        status,
        whole.encode(),
        {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action *; "
            "frame-ancestors 'none'; base-uri 'none'",
        },
    )


def _one(post: StoredPost | None, truth: Truth) -> Reply:
    if post is None:
        return page('<h1>There is no such post</h1><p><a href="/">All posts</a></p>', status=404)
    return _posts("One post", [post], truth, back=True)


def _posts(title: str, posts: Iterable[StoredPost], truth: Truth, *, back: bool = False) -> Reply:
    shown = "".join(_article(post, truth) for post in posts) or "<p>Nothing was posted yet.</p>"
    way = '<p><a href="/">All posts</a></p>' if back else ""
    return page(f"<h1>{title}</h1>{way}{shown}")


def _article(post: StoredPost, truth: Truth) -> str:
    moment = post.created_at.strftime("%d %B %Y, %H:%M UTC")
    warning = html.escape(str(post.said.get("spoiler_text") or ""))
    return (
        f'<article><p class="about"><strong>@{html.escape(post.account)}</strong> · '
        f"{_NAMES[post.network]} · "
        f'<a href="{html.escape(_address(post))}">{moment}</a></p>'
        f"{f'<p><strong>{warning}</strong></p>' if warning else ''}<p>{_linked(post.text)}</p>"
        f"{_card(post.said)}{''.join(map(_picture, _alts(post, truth)))}"
        '<form method="post" action="/like">'
        f'<input type="hidden" name="id" value="{html.escape(post.id)}">'
        '<button>Like</button> <button formaction="/repost">Repost</button> '
        f'<span class="numbers">{post.likes} likes · {post.reposts} reposts</span></form></article>'
    )


def _card(said: dict[str, Any]) -> str:
    card = (said.get("embed") or {}).get("external") or {}
    if not str(card.get("uri", "")).startswith(("https://", "http://")):
        return ""
    address, title, words = (
        html.escape(str(card.get(name, ""))) for name in ("uri", "title", "description")
    )
    return f'<a class="card" href="{address}"><strong>{title}</strong><br>{words}</a>'


def _alts(post: StoredPost, truth: Truth) -> list[str]:
    images = (post.said.get("embed") or {}).get("images") or []
    media = [
        truth.media[each].alt for each in post.said.get("media_ids") or [] if each in truth.media
    ]
    return [str(each.get("alt", "")) for each in images] + media


def _picture(alt: str) -> str:
    return f'<p class="card">Picture: {html.escape(alt) or "without a description"}</p>'


def _linked(text: str) -> str:
    parts = []
    position = 0
    for start, end in links(text):
        address = html.escape(text[start:end])
        parts += [html.escape(text[position:start]), f'<a href="{address}">{address}</a>']
        position = end
    return "".join([*parts, html.escape(text[position:])])


def _address(post: StoredPost) -> str:
    if post.network == "mastodon":
        return f"/@{quote(post.account)}/{post.id}"
    if post.network == "telegram":
        return f"/{quote(username_of(post.account))}/{post.id}"
    return f"/profile/{did_of(post.account)}/post/{post.key}"
