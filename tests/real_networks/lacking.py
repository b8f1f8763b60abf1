"""What a server that speaks Mastodon's API lacks of it: asked from the server itself, without our connector."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.real_networks.accounts import RealMastodon

_NONE = {404, 405, 501}


@dataclass(frozen=True)
class Lacking:
    """Why a part of the API is not there, in a sentence with what was answered; "" where it is.

    `software` is what the server calls itself.
    """

    software: str
    keys: str
    limit: str
    pictures: str
    edits: str


# Of a server that lacks none of it.
NOTHING = Lacking("", "", "", "", "")


def ask(server: RealMastodon, *, limit: int) -> Lacking:
    """Post and change something to see what becomes of it, and take it away again."""
    key = {"Idempotency-Key": str(uuid4())}
    made = [_posted(server, "One and the same", key) for _ in range(2)]
    long = server.try_("POST", "/api/v1/statuses", {"status": "x" * (limit + 1)})
    changed = server.try_("PUT", f"/api/v1/statuses/{made[0]}", {"status": "Another"})
    uploads = [server.try_("POST", f"/api/v{version}/media").status for version in (2, 1)]
    for id_ in {*made, *([json.loads(long.body)["id"]] if long.status < 300 else [])}:
        server.json("DELETE", f"/api/v1/statuses/{id_}")
    return Lacking(
        software=_software(server),
        keys="two requests with one Idempotency-Key made two posts" if made[0] != made[1] else "",
        limit=f"a post of {limit + 1} characters was taken" if long.status < 300 else "",
        pictures=f"the addresses for media answered {uploads}" if set(uploads) <= _NONE else "",
        edits=f"PUT of a post answered {changed.status}" if changed.status in _NONE else "",
    )


def _software(server: RealMastodon) -> str:
    """Return what a server calls itself: its instance's version, and its software by NodeInfo."""
    said = server.json("GET", "/api/v1/instance")
    named: Any = {}
    found = server.try_("GET", "/.well-known/nodeinfo")
    if found.status < 300:
        links = json.loads(found.body).get("links", [])
        address = str(links[-1]["href"]) if links else ""
        path = address.partition("://")[2].partition("/")[2]
        named = server.json("GET", f"/{path}").get("software", {}) if path else {}
    of = " ".join(str(named[part]) for part in ("name", "version") if part in named)
    return f"{of or 'unnamed software'}, which says that its API is {said.get('version')!r}"


def _posted(server: RealMastodon, text: str, headers: dict[str, str]) -> str:
    reply = server.try_("POST", "/api/v1/statuses", {"status": text}, headers)
    assert reply.status < 300, (reply.status, reply.body[:500])
    return str(json.loads(reply.body)["id"])
