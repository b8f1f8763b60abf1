"""What an account is used with is nowhere but in the vault: searched for wherever words go."""

import logging
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app
from django.core import mail
from django.db import connection
from django.urls import reverse
from pytest_django import Settings
from redis import Redis

from sharing.models import DeliveryAttempt, NetworkApp, ShareTarget, SocialAccount
from sharing.networks.demo import Fault, Kind
from sharing.posting import accounts, reaching, vault, warning
from sharing.posting.engine import send_due
from sharing.posting.sending import Networks
from sharing.posting.states import DeliveryState
from tests.services import events_server
from tests.sharing.conftest import Shared
from tests.sharing.posting.accounts.conftest import PASSWORD, Desk
from tests.sharing.posting.published import written

pytestmark = pytest.mark.any_database

TYPED = "wron-gpas-swor-dxyz"
SEEN = "what-a-task-is-asked"


class Heard(logging.Handler):
    """Everything that is logged, with its tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def target(shared: Shared) -> ShareTarget:
    """Return a section that readers can open, so that posts about it are really sent."""
    return ShareTarget.objects.get(code=shared.sections["why"])


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler, root = Heard(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def whole_database() -> str:
    """Return every row of every table."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            found.append(f"{table}: {cursor.fetchall()!r}")
    return "\n".join(found)


def waiting_messages() -> str:
    """Return everything that the broker and the stream hold, and what tasks are asked in plain words."""
    client = Redis.from_url(f"unix://{events_server.socket}")
    read: dict[Any, Callable[[Any], Any]] = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": client.xrange,
    }
    found = repr([(key, read[client.type(key)](key)) for key in client.keys("*")])
    # kombu writes a task's arguments in base 64.
    bodies = re.findall(r'"body": "([A-Za-z0-9+/=]+)"', found)
    return "\n".join([found, *(b64decode(body).decode() for body in bodies)])


def test_no_secret_is_in_a_page_a_log_a_mail_an_error_a_task_or_in_the_clear_in_the_database(
    desk: Desk, heard: Heard, target: ShareTarget
) -> None:
    places: dict[str, str] = {}

    def look(name: str, answer: Any) -> Any:
        places[f"page {len(places)} {name}"] = f"{answer.headers}{answer.content.decode()}"
        return answer

    current_app.send_task("sharing.send_posts", kwargs={"word": SEEN})
    # Everything a person does, and everything that goes wrong.
    look("wrong password", desk.connect_bluesky(app_password=TYPED))
    desk.network.misbehave(Fault(Kind.HTML, on="session"))
    look("no session", desk.connect_bluesky())
    look("bluesky", desk.connect_bluesky())
    for kind in (Kind.BAD_JSON, Kind.ERROR_AFTER):
        desk.network.misbehave(Fault(kind, on="read"))
        look("half connected", desk.connect_mastodon())
    look("mastodon", desk.connect_mastodon())
    look("wrong token", desk.connect_telegram(token=f"1234567890:{TYPED}"))
    for kind in (Kind.HTML, Kind.RATE_LIMIT):
        desk.network.misbehave(Fault(kind, on="read"))
        look("no bot", desk.connect_telegram())
    look("another channel", desk.connect_telegram(channel="@another_channel"))
    look("telegram", desk.connect_telegram())
    # The address that a person is led to holds what belongs to this one sign-in, and nothing kept.
    look("leaving", desk.post("social_account_connect_mastodon", server=desk.network.netloc))
    deliveries = [written(target, each) for each in SocialAccount.objects.exclude(secrets="")]
    for kind in (Kind.ERROR_BEFORE, Kind.SWALLOW_REPLY):
        desk.network.misbehave(Fault(kind))
        send_due(Networks(reaching.outbound()), seconds=5)
    for each in deliveries:
        places[f"ledger {each.pk}"] = repr(list(each.attempts.values()))
        assert each.attempts.filter(kind=DeliveryAttempt.Kind.PUBLISH).exists()
    for account in SocialAccount.objects.exclude(secrets=""):
        desk.network.misbehave(Fault(Kind.ERROR_AFTER, on="read"))
        look("failed check", desk.post("social_account_check", account.pk))
        look("check", desk.post("social_account_check", account.pk))
        known = accounts.as_the_network_knows_it(accounts.AccountRow.of(account))
        places[f"repr {account.pk}"] = (
            f"{account!r}{account}{accounts.AccountRow.of(account)!r}{known!r}{known}"
        )
        look("account", desk.get("social_account", account.pk))
        look("disconnect", desk.get("social_account_disconnect", account.pk))
    for name in ("wagtailadmin_home", "social_accounts", "wagtailadmin_reports:site_history"):
        look(name, desk.browser.get(reverse(name)))
    for path in ("/api/v1/articles/", "/readyz", "/metrics"):
        look(path, desk.browser.get(path))
    SocialAccount.objects.update(state=SocialAccount.State.EXPIRED)
    warning.warn()
    places["mail"] = repr([message.message().as_bytes() for message in mail.outbox])
    assert mail.outbox
    places["log"] = "\n".join(heard.lines)
    assert heard.lines
    places["database"] = whole_database()
    places["messages"] = waiting_messages()

    secrets = {PASSWORD, TYPED, *desk.network.truth.tokens}
    secrets |= {secret for secret, _ in desk.network.truth.apps.values()}
    for model in (SocialAccount, NetworkApp):
        for row in model.objects.exclude(secrets=""):
            kept = vault.open_(row.secrets)
            secrets |= {
                kept[name]
                for name in ("access", "refresh", "password", "client_secret")
                if name in kept
            }
    assert len(secrets) > 6
    for place, words in places.items():
        for secret in secrets:
            assert secret not in words, f"a secret is in {place}"
    # What is searched for would be found.
    assert SEEN in places["messages"]
    assert PASSWORD in repr(vault.open_(SocialAccount.objects.get(network="bluesky").secrets))


def test_posts_of_an_account_that_no_key_opens_wait_and_the_account_is_not_lost(
    desk: Desk, target: ShareTarget, settings: Settings
) -> None:
    desk.connect_mastodon()
    delivery = written(target, desk.account())
    settings.SECRET_KEY = "another key of the site, with at least fifty characters in it"
    send_due(Networks(reaching.outbound()), seconds=5)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.APPROVED
    assert "cannot be read with the keys in use" in delivery.problem
    account = desk.account()
    assert account.state == SocialAccount.State.ACTIVE
    assert account.silent_until is not None


def test_a_sign_in_under_way_rests_encrypted_in_the_session(desk: Desk) -> None:
    address = desk.begin()
    state = address.partition("state=")[2].partition("&")[0]
    kept = repr(dict(desk.browser.session.items()))
    assert "sharing_sign_ins" in kept
    assert state not in kept
    assert "verifier" not in kept
