"""The networks of the fault `posts`: they keep the truth, and answer a part of the posts badly or not at all."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from django.conf import settings

from sharing.models import Delivery, SocialAccount
from sharing.networks.demo import DemoNetwork, Fault, Habits, Kind
from sharing.networks.demo.control import HEADER
from sharing.networks.http import Outbound
from sharing.networks.posting import connector
from sharing.networks.posting.bluesky import Bluesky
from sharing.networks.posting.contract import Account, Credentials
from sharing.networks.secret import Secret
from sharing.posting import accounts, vault
from sharing.posting.states import DeliveryState
from tests.faults.posts_site import TLS, Blind

KEYED, LOOKUP, BLIND = "bluesky", "mastodon", Blind.slug
_PASSWORD = "demo-demo-demo-demo"
# What becomes of a post's reply, and how often. The first two are swallowed: the post is there.
FAULTS = {
    Kind.SWALLOW_REPLY: 0.06,
    Kind.HANG: 0.04,
    Kind.ERROR_AFTER: 0.03,
    Kind.HTML: 0.01,
    Kind.ERROR_BEFORE: 0.01,
    Kind.SWALLOW_REQUEST: 0.01,
}


def serve(names: tuple[str, ...], seed: int, says: Path, misbehaves: bool) -> None:
    """Run a network that can be asked for a post, and one that cannot; write down where they are."""
    networks = [
        # Nothing but our own looking keeps a post from being there twice.
        DemoNetwork(controlled=True, seed=seed, habits=Habits(honours_keys=False)),
        DemoNetwork(
            controlled=True,
            seed=seed + 1,
            habits=Habits(honours_keys=False, shows_own_posts=False),
        ),
    ]
    told: list[dict[str, Any]] = []
    for network in networks:
        network.truth.accounts = dict.fromkeys(names, _PASSWORD)
        tokens = {
            name: network.truth.let_in(name, scopes=frozenset({"read", "write"})) for name in names
        }
        if misbehaves:
            network.faults.due += [
                Fault(kind, times=1_000_000, chance=chance) for kind, chance in FAULTS.items()
            ]
        network.start()
        told.append({"netloc": network.netloc, "tokens": tokens})
    part = says.with_suffix(".part")
    part.write_text(json.dumps(told))
    part.rename(says)
    while True:
        time.sleep(3600)


@dataclass(frozen=True)
class Networks:
    """The networks as the site sees them."""

    open: str
    blind: str
    tokens: dict[str, dict[str, str]]

    @classmethod
    def read(cls, says: Path) -> "Networks":
        """Read where they are."""
        told = json.loads(says.read_text())
        return cls(
            told[0]["netloc"], told[1]["netloc"], {each["netloc"]: each["tokens"] for each in told}
        )

    def connect(self, slug: str, name: str) -> SocialAccount:
        """Connect an account of one network."""
        netloc = self.blind if slug == BLIND else self.open
        outbound = _client()
        speaks: Any = connector(slug, outbound)
        if slug == KEYED:
            known = cast("Bluesky", speaks).sign_in(
                f"http://{netloc}", f"{name}.test", Secret(_PASSWORD), view=f"http://{netloc}"
            )
        else:
            credentials = Credentials(Secret(self.tokens[netloc][name]))
            known = Account(f"http://{netloc}", "", "", credentials)
            profile = speaks.profile(known)
            known = replace(known, id=profile.id, handle=profile.handle)
        outbound.close()
        return SocialAccount.objects.create(
            network=slug,
            host=netloc,
            remote_id=known.id,
            handle=known.handle,
            secrets=vault.seal(
                accounts.secrets_of(known.credentials, scheme="http", view=known.view)
            ),
        )

    def truth(self) -> "Counter[tuple[str, str]]":
        """Return how often each post is there, by the network's kind and the post's link code."""
        found: Counter[tuple[str, str]] = Counter()
        outbound = _client()
        for netloc in (self.open, self.blind):
            answer = outbound.request(
                "GET", f"http://{netloc}/control/truth", headers={HEADER: "1"}
            )
            for post in answer.json["posts"]:
                kind = BLIND if netloc == self.blind else post["network"]
                code = post["text"].rstrip("/").rpartition("/")[2]
                found[kind, code] += 1
        outbound.close()
        return found


@dataclass(frozen=True)
class Verdict:
    """How the database and the networks agree, for some of the networks."""

    sent: int
    published: int
    unknown: int
    # Not published in the end, or called so without being there; on a blind network an unknown one is not lost.
    lost: int
    doubled: int
    # Of the unknown ones, those that are there after all.
    unknown_and_there: int


def compare(networks: Iterable[str], truth: "Counter[tuple[str, str]]") -> Verdict:
    """Compare what every delivery says of itself with what its network has."""
    found: Counter[str] = Counter()
    rows = Delivery.objects.filter(account__network__in=list(networks)).values_list(
        "account__network", "link_code", "state"
    )
    for network, code, state in rows:
        there = truth[network, code]
        is_known = state == DeliveryState.PUBLISHED and there > 0
        is_open = state == DeliveryState.UNKNOWN and network == BLIND
        found["sent"] += 1
        found["published"] += is_known
        found["unknown"] += state == DeliveryState.UNKNOWN
        found["lost"] += not (is_known or is_open)
        found["doubled"] += there > 1
        found["unknown_and_there"] += is_open and there > 0
    return Verdict(**{name: found[name] for name in Verdict.__dataclass_fields__})


def _client() -> Outbound:
    return Outbound(trusted=settings.POSTING_TRUSTED_HOSTS, within=30.0, tls=TLS)
