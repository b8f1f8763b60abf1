"""What people see of the demo network: its posts, and two buttons to be popular with."""

import html
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sharing.networks.demo.cards import first_link, links_here
from sharing.networks.demo.exchange import Reply, Request
from sharing.networks.demo.telegram_api import username_of
from sharing.networks.demo.truth import Card, StoredPost, Truth, did_of
from sharing.networks.posting.lengths import links

_STYLE = Path(__file__).with_name("demo.css")
_NAMES = {"mastodon": "like Mastodon", "bluesky": "like Bluesky", "telegram": "like Telegram"}


def style(truth: Truth, request: Request) -> Reply:
    """GET /demo.css."""
    return Reply(200, _STYLE.read_bytes(), {"Content-Type": "text/css; charset=utf-8"})


def no_icon(truth: Truth, request: Request) -> Reply:
    """GET /favicon.ico, which browsers ask for by themselves."""
    return Reply(204)


def picture(truth: Truth, request: Request, id: str) -> Reply:
    """GET /picture/:id."""
    if id not in truth.pictures:
        return page("<h1>There is no such picture</h1>", status=404)
    kind, data = truth.pictures[id]
    return Reply(
        200,
        data,
        {
            "Content-Type": kind,
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


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
            "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action *; "
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
        f"{_card(post, truth)}{''.join(_picture(truth, *each) for each in _media(post, truth))}"
        '<form method="post" action="/like">'
        f'<input type="hidden" name="id" value="{html.escape(post.id)}">'
        '<button>Like</button> <button formaction="/repost">Repost</button> '
        f'<span class="numbers">{post.likes} likes · {post.reposts} reposts</span></form></article>'
    )


def _card(post: StoredPost, truth: Truth) -> str:
    card = _card_of(post, truth)
    if card is None or not card.address.startswith(("https://", "http://")):
        return ""
    address, title, words = map(html.escape, (card.address, card.title, card.words))
    alt = card.alt or f"The card of “{card.title}”"
    return (
        f'<a class="card" href="{address}">{_drawn(truth, card.picture, alt)}'
        f"<strong>{title}</strong><br>{words}</a>"
    )


def _card_of(post: StoredPost, truth: Truth) -> Card | None:
    """Return the card that a post brings, or that its page has."""
    given = (post.said.get("embed") or {}).get("external")
    if not given:
        return truth.cards.get(first_link(post.text))
    address, title, words = (str(given.get(name, "")) for name in ("uri", "title", "description"))
    return Card(address, title, words, _blob(given.get("thumb")), "")


def _media(post: StoredPost, truth: Truth) -> list[tuple[str, str]]:
    """Return the id and the description of each picture."""
    images = (post.said.get("embed") or {}).get("images") or []
    media = [truth.media[each] for each in post.said.get("media_ids") or [] if each in truth.media]
    return [
        *((_blob(each.get("image")), str(each.get("alt", ""))) for each in images),
        *((each.id, each.alt) for each in media),
    ]


def _blob(found: Any) -> str:
    return str((found or {}).get("ref", {}).get("$link", ""))


def _picture(truth: Truth, id: str, alt: str) -> str:
    said = html.escape(alt) or "without a description"
    return f'<p class="card">{_drawn(truth, id, alt)}Picture: {said}</p>'


def _drawn(truth: Truth, id: str, alt: str) -> str:
    if id not in truth.pictures:
        return ""
    return f'<img src="/picture/{html.escape(id)}" alt="{html.escape(alt)}" loading="lazy">'


def _linked(text: str) -> str:
    parts = []
    position = 0
    for start, end in sorted(links(text) + links_here(text)):
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
