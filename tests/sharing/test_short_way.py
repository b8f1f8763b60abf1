"""A share's short way: the same answers as Django's, no waiting twice, nothing remembered that changed."""

import datetime
import gzip
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import exceptions

from articles import freshness
from healthsite.delivery import warming
from healthsite.sharing_handler import NOT_NEEDED, SharesApart
from sharing import actions, card_actions, queries, remembered, valkey, visitors
from sharing.models import CampaignLink, InboxEvent, ShareCount, ShareSettings
from sharing.networks import NETWORKS
from tests.conftest import READER
from tests.factories import edit
from tests.services import cache_server, events_server
from tests.sharing.conftest import Shared

pytestmark = pytest.mark.django_db(transaction=True)

# Another moment and another address in a page are no difference.
MOVING = {"expires", "date"}


class Answered:
    """What a WSGI application answered."""

    def __init__(self, application: Any, path: str, **environ: Any) -> None:
        said: list[Any] = []
        path, _, query = path.partition("?")
        asked = warming.environ_for(path) | {
            "HTTP_HOST": "127.0.0.1:8000",
            "HTTP_ACCEPT_ENCODING": "gzip",
            "HTTP_USER_AGENT": f"{READER} {uuid4().hex}",
            "QUERY_STRING": query,
        }
        asked |= environ
        response = application(
            asked, lambda status, headers, error=None: said.append((status, headers))
        )
        self.body = b"".join(response)
        if hasattr(response, "close"):
            response.close()
        self.status, headers = said[0]
        self.names = [name for name, _ in headers]
        self.headers = {
            name.lower(): value for name, value in headers if name.lower() not in MOVING
        }
        if self.headers.get("content-encoding") == "gzip":
            # Django hides the length of what it compresses behind some random bytes.
            del self.headers["content-length"]
            self.body = gzip.decompress(self.body) if self.body else b""


@pytest.fixture
def django() -> Any:
    """Return the long way."""
    return get_wsgi_application()


@pytest.fixture
def short(django: Any) -> Any:
    """Return the short way; whoever goes the long way is refused."""

    def long_way(environ: Any, start_response: Any) -> Any:
        raise AssertionError(f"{environ['PATH_INFO']} went the long way")

    return SharesApart(long_way)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"REQUEST_METHOD": "HEAD"},
        {"REQUEST_METHOD": "POST"},
        {"REQUEST_METHOD": "OPTIONS"},
        {"REQUEST_METHOD": "TRACE"},
        {"REQUEST_METHOD": "get"},
        {"HTTP_HOST": "elsewhere.example"},
        {"HTTP_IF_NONE_MATCH": "*"},
        {"HTTP_ACCEPT_ENCODING": "identity"},
        {"QUERY_STRING": "q=%00"},
        {"QUERY_STRING": "q=" + "x" * 400},
        {"QUERY_STRING": "instance=mastodon.social"},
    ],
    ids=str,
)
def test_both_ways_answer_alike(
    environ: dict[str, str], shared: Shared, django: Any, short: Any
) -> None:
    removed = shared.sections["how"]
    kept = [block for block in shared.article.body.raw_data if block["value"]["heading"] == "Why"]
    edit(shared.article, *kept)
    target = queries.target_by_code(shared.code)
    assert target is not None
    campaign = CampaignLink.objects.create(target=target, name="Poster")
    paths = [
        f"/share/{shared.code}/bluesky/",
        f"/share/{shared.code}/mastodon/",
        f"/share/{shared.code}/pinterest/",
        f"/share/{shared.code}/myspace/",
        f"/share/{shared.code}/",
        f"/share/{shared.code}",
        f"/share/{shared.code}/qr.svg",
        f"/share/{removed}/bluesky/",
        "/share/nonesuch/bluesky/",
        f"/s/{shared.code}bs/",
        f"/s/{shared.code}bs",
        f"/s/{campaign.code}/",
        f"/s/{removed}bs/",
        "/s/nonesuchbs/",
        "/s//",
        "/s/\0/",
        f"/s/{'x' * 2100}/",
    ]
    for path in paths:
        one = Answered(django, path, **environ)
        # The first redirect of a kind shows what headers they have; the second gets them from it.
        for other in (Answered(short, path, **environ), Answered(short, path, **environ)):
            assert (other.status, other.headers) == (one.status, one.headers), path
            assert other.names == one.names, path
            assert _without_moments(other.body) == _without_moments(one.body), path
            assert "set-cookie" not in other.headers


def _without_moments(body: bytes) -> bytes:
    return re.sub(rb"<time .*?</time>", b"", body)


def test_only_the_first_redirect_of_a_process_goes_through_the_middleware(
    shared: Shared, short: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/share/{shared.code}/bluesky/"
    first = Answered(short, path)
    monkeypatch.setattr(short._shares, "_middleware_chain", None)
    second = Answered(short, path)
    assert second.status.startswith("303")
    assert second.names == first.names


def test_a_request_with_a_cookie_goes_the_long_way(shared: Shared, short: Any) -> None:
    for path in (f"/share/{shared.code}/bluesky/", f"/s/{shared.code}bs/"):
        with pytest.raises(AssertionError, match="long way"):
            Answered(short, path, HTTP_COOKIE="sessionid=x")
    for path in ("/", "/shares/", "/admin/"):
        with pytest.raises(AssertionError, match="long way"):
            Answered(short, path)


def test_what_is_left_out_is_there_to_be_left_out(settings: Any) -> None:
    assert set(settings.MIDDLEWARE) >= NOT_NEEDED


def test_a_share_asks_the_database_nothing(shared: Shared, short: Any) -> None:
    paths = [
        f"/share/{shared.code}/bluesky/",
        f"/share/{shared.code}/pinterest/",
        f"/s/{shared.code}bs/",
    ]
    for path in paths:
        Answered(short, path)
    with CaptureQueriesContext(connection) as asked:
        for path in paths:
            assert Answered(short, path).status[:2] == "30"
    assert not asked.captured_queries
    actions.drain()
    assert sum(ShareCount.objects.values_list("count", flat=True)) == 2 * len(paths)


def test_unknown_codes_are_not_remembered(shared: Shared, short: Any) -> None:
    before = len(remembered._shareables._kept)
    for number in range(5):
        assert Answered(short, f"/s/nonesuc{number}bs/").status.startswith("404")
    assert len(remembered._shareables._kept) == before


def test_what_is_remembered_follows_what_changes(shared: Shared, short: Any) -> None:
    code, path = shared.code, f"/share/{shared.code}/pinterest/"

    def location(of: str) -> str:
        return str(Answered(short, of).headers.get("location"))

    assert "media=" not in location(path)
    card_actions.make_cards(seconds=30)
    assert "media=" in location(path)
    article = edit(shared.article, title="Slumber")
    assert "Slumber" in location(f"/share/{code}/bluesky/")
    article = edit(article, slug="slumber")
    assert location(f"/s/{code}bs/").endswith("/slumber/")
    choices = ShareSettings.load()
    choices.networks = [
        {"slug": each.slug, "shown": each.slug != "bluesky", "label": ""} for each in NETWORKS
    ]
    choices.save()
    assert location(f"/share/{code}/bluesky/") == f"/share/{code}/?without=bluesky"
    choices.networks = []
    choices.save()
    assert "bsky.app" in location(f"/share/{code}/bluesky/")
    article.unpublish()
    for each in (path, f"/share/{code}/bluesky/", f"/s/{code}bs/"):
        assert Answered(short, each).status.startswith("404")
    article.refresh_from_db()
    article.save_revision().publish()
    assert location(f"/s/{code}bs/").endswith("/slumber/")
    article.delete()
    for each in (path, f"/share/{code}/bluesky/", f"/s/{code}bs/"):
        assert Answered(short, each).status.startswith("410")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Return how long each wait for a server that did not answer was allowed to be."""
    seen: list[float] = []
    guarded = valkey.Valkey._guarded

    def counting(self: valkey.Valkey, question: Any) -> Any:
        def asked() -> Any:
            try:
                return question()
            except exceptions.TimeoutError:
                seen.append(1)
                raise

        return guarded(self, asked)

    monkeypatch.setattr(valkey.Valkey, "_guarded", counting)
    yield seen


@pytest.mark.parametrize("is_remembered", [True, False])
def test_with_both_servers_frozen_a_reader_waits_once(
    is_remembered: bool,
    shared: Shared,
    short: Any,
    waits: list[float],
    request: pytest.FixtureRequest,
) -> None:
    path = f"/share/{shared.code}/bluesky/"
    if is_remembered:
        Answered(short, path)
    else:
        freshness.take_over([(freshness.EVERYTHING, uuid4().int % 2**63)])
    request.getfixturevalue("frozen_cache")
    request.getfixturevalue("frozen_events")
    assert Answered(short, path).status.startswith("303")
    assert len(waits) == 1
    assert InboxEvent.objects.count() == 1
    # The first server is spared now, and the other is found out by the next reader.
    assert Answered(short, path).status.startswith("303")
    assert len(waits) == 2
    assert Answered(short, path).status.startswith("303")
    assert len(waits) == 2
    assert InboxEvent.objects.count() == 3


def test_a_server_that_was_restarted_takes_the_next_event(shared: Shared, short: Any) -> None:
    path = f"/share/{shared.code}/bluesky/"
    Answered(short, path)
    events_server.wait_for_disk()
    for server in (events_server, cache_server):
        server.kill()
        server.start()
    Answered(short, path)
    assert not InboxEvent.objects.exists()
    actions.drain()
    assert sum(ShareCount.objects.values_list("count", flat=True)) == 2


def test_a_command_refused_among_others_leaves_the_connection_in_step(db: None) -> None:
    server, patience = valkey.volatile(), valkey.Patience()
    assert server.command("SET", "words", "some", patience=patience) == b"OK"
    with pytest.raises(valkey.Silent):
        server.commands(("GET", "words"), ("HGET", "words", "x"), ("GET", "no"), patience=patience)
    assert server.command("GET", "words", patience=patience) == b"some"
    answers = server.commands(("GET", "words"), ("STRLEN", "words"), patience=patience)
    assert answers == [b"some", 4]


def test_the_salt_is_asked_for_once_and_is_another_ones_on_another_day(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    command = valkey.Valkey.command

    def listening(self: valkey.Valkey, *words: Any, patience: Any) -> Any:
        asked.append(str(words[1]))
        return command(self, *words, patience=patience)

    monkeypatch.setattr(valkey.Valkey, "command", listening)
    server, patience = valkey.volatile(), valkey.Patience()
    salt = visitors._salt_of_the_day(server, patience).secret
    assert visitors._salt_of_the_day(server, patience).secret == salt
    assert len(asked) == 1
    later = timezone.now() + datetime.timedelta(days=1)
    monkeypatch.setattr("sharing.visitors.timezone.now", lambda: later)
    assert visitors._salt_of_the_day(server, patience).secret != salt
    valkey.volatile.cache_clear()
    visitors._salt_of_the_day(valkey.volatile(), patience)
    assert len(asked) == 4, "another server is asked, and tells the salt that is there"
