"""Tell the demo network how to misbehave, and ask it for the truth.

Only where it was started with control, and only with a header that no form of another site can send.
"""

from dataclasses import asdict
from typing import Any

from sharing.networks.demo import faults
from sharing.networks.demo.exchange import Reply, Request, as_json
from sharing.networks.demo.faults import Faults
from sharing.networks.demo.truth import Truth

HEADER = "x-demo-control"


def control(truth: Truth, request: Request, due: Faults) -> Reply:
    """GET /control/truth; POST /control/ with {"do": …}: see `_do`."""
    if not request.headers.get(HEADER):
        return as_json({"error": f"Send the header {HEADER}."}, status=403)
    if request.method == "GET":
        posts = [asdict(post) | {"created_at": post.created_at.isoformat()} for post in truth.posts]
        return as_json({"posts": posts, "asked": truth.asked, "habits": asdict(truth.habits)})
    try:
        _do(truth, due, request.fields())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return as_json({"error": f"Cannot do that: {error}"}, status=400)
    return as_json({})


def _do(truth: Truth, due: Faults, fields: dict[str, Any]) -> None:
    match fields.pop("do"):
        case "fault":
            due.due.append(faults.from_dict(fields))
        case "habits":
            for name, value in fields.items():
                if name not in truth.habits.__slots__:
                    raise KeyError(name)
                setattr(truth.habits, name, value)
        case "expire":
            truth.mark_tokens("expired", kinds=frozenset({"access"}))
        case "revoke":
            truth.mark_tokens("revoked")
        case "drop-scope":
            truth.drop_scope(fields["scope"])
        case "well-again":
            due.due.clear()
        case "forget":
            truth.posts.clear()
            truth.pictures.clear()
            truth.cards.clear()
            truth.asked.clear()
            due.due.clear()
        case unknown:
            raise ValueError(unknown)
