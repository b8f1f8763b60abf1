"""The sender of `engine`, inside a process of its own: bench.engine starts it.

It reads commands and answers them, a line of JSON each; see the methods of Sending.
"""

import json
import ssl
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from wagtail.models import Page, Site

from articles.models import ArticlePage, HomePage
from bench.missing import NotMeasured
from bench.site import get
from sharing.links import post_address
from sharing.models import (
    Delivery,
    DeliveryAttempt,
    ShareTarget,
    SocialAccount,
    SocialPost,
)
from sharing.networks.demo.control import HEADER
from sharing.networks.http import Outbound
from sharing.networks.posting import connector
from sharing.networks.posting import mastodon_sign_in as sign_in
from sharing.networks.posting.contract import Account, Limits, Post, Prepared
from sharing.posting import accounts, actions, vault
from sharing.posting.actions import Timing, Wording
from sharing.posting.claims import clock
from sharing.posting.engine import send_due
from sharing.posting.sending import Networks
from sharing.posting.states import DeliveryState

_REDIRECT = "https://health.example/connected/"
# The demo network speaks http.
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_AT_ONCE = 500


class Sending:
    """A database with one target and one account, and what sends for it."""

    def __init__(self) -> None:
        self._origin = f"http://{settings.POSTING_TRUSTED_HOSTS[0]}"
        self._port = int(self._origin.rpartition(":")[2])
        self._outbound = Outbound(
            trusted=settings.POSTING_TRUSTED_HOSTS, within=30.0, tls=_TLS, connections=256
        )
        self._networks = Networks(self._outbound)
        self._connector = connector("mastodon", self._outbound)
        self._account: Account
        self._limits: Limits

    def prepare(self, names: Sequence[str] = ("demo",)) -> None:
        """Make the tables, an article, and accounts of these names on the demo network."""
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        home = HomePage(title="Health", slug="bench-home", introduction="In plain words.")
        Page.get_first_root_node().add_child(instance=home)
        Site.objects.all().delete()
        Site.objects.create(hostname="127.0.0.1", port=8000, root_page=home, is_default_site=True)
        article = ArticlePage(title="Sleep", slug="sleep", live=False)
        home.add_child(instance=article)
        article.save_revision().publish()
        self._account, *_ = [self._connect(name) for name in names]
        self._limits = self._connector.limits(self._account)

    def fill(self, number: int) -> None:
        """Write so many deliveries that are due once `let_out` says so."""
        SocialAccount.objects.update(state=SocialAccount.State.PAUSED)
        self._compose(number)

    def let_out(self) -> None:
        """Let a worker of the site send them, all at once."""
        SocialAccount.objects.update(
            state=SocialAccount.State.ACTIVE, silent_until=None, budget=None, budget_until=None
        )

    def open(self) -> int:
        """Return how many are not published yet."""
        return Delivery.objects.exclude(state=DeliveryState.PUBLISHED).count()

    def check(self, number: int) -> dict[str, int]:
        """Return what is wrong with so many deliveries that were sent."""
        published = Delivery.objects.filter(state=DeliveryState.PUBLISHED).count()
        lines = DeliveryAttempt.objects.filter(led_to=DeliveryState.PUBLISHED).count()
        armed = Delivery.objects.filter(armed_at__isnull=False, tries__gte=1).count()
        codes = self._there()
        return {
            "lost": number - min(published, lines, armed, len(set(codes))),
            "doubled": len(codes) - len(set(codes)),
        }

    def refused(self) -> dict[str, int]:
        """Return how many requests the network refused because an allowance was used up."""
        return {"refused": int(self._truth()["asked"].get("refused", 0))}

    def arrivals(self) -> list[float]:
        """Return when the network took each post, in seconds of its clock."""
        return sorted(moment.timestamp() for moment in self._taken().values())

    def send(self, number: int, in_flight: int) -> dict[str, float]:
        """Send so many deliveries with the engine; return the seconds, and what is wrong."""
        self._compose(number)
        began, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
        send_due(self._networks, seconds=600, in_flight=in_flight)
        seconds = time.perf_counter() - began
        took = {"cpu": time.process_time() - cpu, "own": time.thread_time() - own}
        return {"seconds": seconds, **took, **self.check(number)}

    def ask(self, number: int, in_flight: int) -> dict[str, float]:
        """Make the same requests with the client alone; return the seconds."""
        self._forget()
        prepared = [self._prepared(actions.new_link_code(), each) for each in range(number)]
        began, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
        with ThreadPoolExecutor(in_flight) as pool:
            for receipt in pool.map(
                lambda each: self._connector.send(self._account, each), prepared
            ):
                if receipt.came_back != "200 OK":
                    raise NotMeasured(
                        f"The client alone was told: {receipt.came_back} {receipt.outcome}"
                    )
        return {
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
            "own": time.thread_time() - own,
        }

    def due(self, number: int, apart: float, ahead: float) -> list[float]:
        """Compose posts, so many seconds apart and due some seconds ahead; return when each was taken, in seconds after."""
        self._forget()
        target = ShareTarget.objects.get(block_id=None)
        account = SocialAccount.objects.order_by("pk")[0]
        meant: dict[str, datetime] = {}
        for each in range(number):
            code = actions.new_link_code()
            wording = Wording(account.pk, self._text(code, each), code, "en")
            post = actions.compose(
                target=target,
                wordings=[wording],
                timing=Timing(SocialPost.When.NOW if not ahead else SocialPost.When.AT_PUBLISH),
                by=None,
                approved=True,
            )
            meant[code] = datetime.now(UTC)
            if ahead:
                meant[code] += timedelta(seconds=ahead)
                post.deliveries.update(due_at=meant[code], not_before=meant[code])
            time.sleep(apart)
        ends = time.monotonic() + 30 + ahead
        while len(taken := self._taken()) < number and time.monotonic() < ends:
            time.sleep(0.2)
        return [(taken[code] - due).total_seconds() for code, due in meant.items() if code in taken]

    def _compose(self, number: int) -> None:
        """Write deliveries that are due, as `actions.compose` does, many in a statement."""
        self._forget()
        target = ShareTarget.objects.get(block_id=None)
        accounts = list(SocialAccount.objects.order_by("pk"))
        now = clock()
        post = SocialPost.objects.create(target=target, when=SocialPost.When.NOW)
        for start in range(0, number, _AT_ONCE):
            Delivery.objects.bulk_create(
                Delivery(
                    post=post, account=accounts[each % len(accounts)], target=target,
                    purpose=SocialPost.Purpose.POST, revision=each + 1, text=self._text(code, each), language="en", link_code=code,
                    state=DeliveryState.APPROVED, due_at=now, not_before=now, changed_at=now,
                )
                for each in range(start, min(start + _AT_ONCE, number))
                if (code := actions.new_link_code())
            )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE sharing_delivery")
            cursor.execute("VACUUM ANALYZE sharing_deliveryattempt")

    def _prepared(self, code: str, number: int) -> Prepared:
        post = Post(self._text(code, number), post_address(code), "en")
        stamp = self._connector.stamp(datetime.now(UTC))
        return self._connector.prepare(self._account, post, stamp, self._limits)

    def _text(self, code: str, number: int) -> str:
        return f"Sleep well, {number}. {post_address(code)}"

    def _connect(self, name: str) -> Account:
        app = sign_in.register(
            self._outbound, self._origin, redirect_uri=_REDIRECT, name="Health", website=_REDIRECT
        )
        begun = sign_in.begin(app)
        answer = self._outbound.request(
            "POST", begun.url, body=f"account={name}".encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        came_back = dict(
            each.split("=") for each in answer.headers["location"].partition("?")[2].split("&")
        )
        credentials = sign_in.finish(
            self._outbound, app, begun, state=came_back["state"], code=came_back["code"]
        )
        known = Account(self._origin, "", "", credentials, self._origin)
        profile = self._connector.profile(known)
        SocialAccount.objects.create(
            network="mastodon", host=settings.POSTING_TRUSTED_HOSTS[0], remote_id=profile.id,
            handle=profile.handle, secrets=vault.seal(accounts.secrets_of(credentials, scheme="http")),
        )  # fmt: skip
        return Account(self._origin, profile.id, profile.handle, credentials)

    def _forget(self) -> None:
        DeliveryAttempt.objects.all().delete()
        Delivery.objects.all().delete()
        SocialPost.objects.all().delete()
        self._control({"do": "forget"})

    def _there(self) -> list[str]:
        return [_code(post["text"]) for post in self._posts()]

    def _taken(self) -> dict[str, datetime]:
        return {
            _code(post["text"]): datetime.fromisoformat(post["created_at"])
            for post in self._posts()
        }

    def _posts(self) -> list[dict[str, Any]]:
        posts: list[dict[str, Any]] = self._truth()["posts"]
        return posts

    def _truth(self) -> dict[str, Any]:
        # Longer than the site's own client would take.
        answer = get(self._port, "/control/truth", **{HEADER: "1"})
        truth: dict[str, Any] = json.loads(answer.body)
        return truth

    def _control(self, what: dict[str, str]) -> None:
        self._outbound.request(
            "POST", f"{self._origin}/control/", body=json.dumps(what).encode(),
            headers={HEADER: "1", "Content-Type": "application/json"},
        )  # fmt: skip


def _code(text: str) -> str:
    return text.rstrip("/").rpartition("/")[2]


def main() -> None:
    """Do what each line says."""
    sending = Sending()
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(getattr(sending, command.pop("do"))(**command)), flush=True)


if __name__ == "__main__":
    main()
