"""What people see of the demo network: its posts, and two buttons to be popular with."""

import html
from collections.abc import Iterable
from urllib.parse import quote

from sharing.networks.demo.exchange import Reply, Request
from sharing.networks.demo.truth import StoredPost, Truth, did_of
from sharing.networks.posting.lengths import links


def all_posts(truth: Truth, request: Request) -> Reply:
    """GET /."""
    return _page("All posts", reversed([each for each in truth.posts if not each.gone]))


def mastodon_post(truth: Truth, request: Request, id: str) -> Reply:
    """GET /@name/:id."""
    return _one(truth.post(id))


def bluesky_post(truth: Truth, request: Request, did: str, key: str) -> Reply:
    """GET /profile/:did/post/:key."""
    return _one(truth.post(f"at://{did}/app.bsky.feed.post/{key}"))


def like(truth: Truth, request: Request, what: str) -> Reply:
    """POST /like or /repost, from a button."""
    post = truth.post(str(request.fields().get("id", "")))
    if post is None:
        return _one(None)
    if what == "like":
        post.likes += 1
    else:
        post.reposts += 1
    return Reply(303, b"", {"Location": _address(post)})


def _one(post: StoredPost | None) -> Reply:
    if post is None:
        return _html("<h1>Demo network</h1><p>There is no such post.</p>", status=404)
    return _page("One post", [post])


def _page(title: str, posts: Iterable[StoredPost]) -> Reply:
    shown = "".join(map(_article, posts)) or "<p>Nothing was posted yet.</p>"
    return _html(f'<h1>Demo network</h1><p>{title}. <a href="/">All posts</a></p>{shown}')


def _article(post: StoredPost) -> str:
    id_, kind = html.escape(post.id), html.escape(f"{post.network} · @{post.account}")
    moment = post.created_at.isoformat(timespec="seconds")
    warning = html.escape(str(post.said.get("spoiler_text") or ""))
    return (
        f"<article><p><strong>{kind}</strong> · "
        f'<a href="{html.escape(_address(post))}"><time datetime="{moment}">{moment}</time></a></p>'
        f"{f'<p><em>{warning}</em></p>' if warning else ''}<p>{_linked(post.text)}</p>"
        f"<p>{post.likes} likes · {post.reposts} reposts</p>"
        f'<form method="post" action="/like"><button name="id" value="{id_}">Like</button></form>'
        f'<form method="post" action="/repost"><button name="id" value="{id_}">Repost</button></form>'
        "</article><hr>"
    )


def _linked(text: str) -> str:
    parts = []
    position = 0
    for start, end in links(text):
        address = html.escape(text[start:end])
        parts += [html.escape(text[position:start]), f'<a href="{address}">{address}</a>']
        position = end
    return "".join([*parts, html.escape(text[position:])]).replace("\n", "<br>")


def _address(post: StoredPost) -> str:
    if post.network == "mastodon":
        return f"/@{quote(post.account)}/{post.id}"
    return f"/profile/{did_of(post.account)}/post/{post.key}"


def _html(body: str, *, status: int = 200) -> Reply:
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Demo network</title>'
        '<meta name="viewport" content="width=device-width"></head><body>'
        "<p>This is a pretend network on this machine. Nothing here is on the internet.</p>"
        f"{body}</body></html>"
    )
    return Reply(
        status,
        page.encode(),
        {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
        },
    )
