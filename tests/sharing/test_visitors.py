"""Who is counted, and that nothing of a reader is kept."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client, RequestFactory
from django.utils import timezone
from redis import Redis

from sharing import actions, parsing, valkey, visitors
from sharing.models import ShareClass, ShareCount
from sharing.stream import Event
from tests.conftest import READER, new_reader
from tests.services import DATA, cache_server, events_server
from tests.sharing.conftest import Shared

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def total() -> int:
    """Return how many events are counted, after a sweep."""
    actions.drain()
    return sum(ShareCount.objects.values_list("count", flat=True))


def share(client: Client, shared: Shared, **kwargs: Any) -> None:
    assert client.get(f"/share/{shared.code}/bluesky/", **kwargs).status_code == 303


def test_a_readers_share_is_counted(shared: Shared, reader: Client) -> None:
    share(reader, shared)
    assert total() == 1


def test_a_visitors_repeat_is_not_counted_again(shared: Shared, reader: Client) -> None:
    for _ in range(3):
        share(reader, shared)
    assert total() == 1


def test_another_visitor_channel_target_or_class_is_no_repeat(
    shared: Shared, reader: Client, readers: Callable[[], Client]
) -> None:
    share(reader, shared)
    share(readers(), shared)
    reader.get(f"/share/{shared.code}/x/")
    reader.get(f"/share/{shared.sections['why']}/bluesky/")
    reader.get(f"/s/{shared.code}bs/")
    assert total() == 5


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"user-agent": ""}, id="empty agent"),
        pytest.param({"user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}, id="robot"),
        pytest.param(
            {"user-agent": "http.rb/5.1 (Mastodon/4.3; +https://m.example/)"}, id="mastodon"
        ),
        pytest.param({"user-agent": "gotosocial/0.20 (+https://g.example)"}, id="gotosocial"),
        pytest.param({"user-agent": "Misskey/2026.1 (https://m.example)"}, id="misskey"),
        pytest.param({"user-agent": "Hollo/0.6"}, id="hollo"),
        pytest.param({"user-agent": "Lemmy/0.19; +https://l.example"}, id="lemmy"),
        pytest.param({"user-agent": "Friendica 'Yellow' 2025"}, id="friendica"),
        pytest.param({"user-agent": "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1)"}, id="cardyb"),
        pytest.param({"user-agent": "meta-externalagent/1.1"}, id="meta"),
        pytest.param({"sec-purpose": "prefetch;prerender"}, id="prerender"),
        pytest.param({"purpose": "prefetch"}, id="prefetch"),
        pytest.param({"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, id="embedded"),
        pytest.param({"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, id="framed"),
        pytest.param({"sec-gpc": "1"}, id="global privacy control"),
        pytest.param({"dnt": "1"}, id="do not track"),
    ],
)
def test_who_is_no_reader_or_objects_is_served_and_not_counted(
    headers: dict[str, str], shared: Shared
) -> None:
    client = new_reader(**headers)
    share(client, shared)
    assert client.get(f"/s/{shared.code}bs/").status_code == 302
    assert total() == 0


def test_another_sites_page_makes_no_intents_but_brings_arrivals(shared: Shared) -> None:
    client = new_reader(
        **{
            "sec-fetch-mode": "navigate",
            "sec-fetch-dest": "document",
            "sec-fetch-site": "cross-site",
        }
    )
    share(client, shared)
    assert total() == 0
    assert client.get(f"/s/{shared.code}bs/").status_code == 302
    assert total() == 1


def test_head_is_answered_and_not_counted(shared: Shared, reader: Client) -> None:
    assert reader.head(f"/share/{shared.code}/bluesky/").status_code == 303
    assert reader.head(f"/s/{shared.code}bs/").status_code == 302
    assert total() == 0


def test_an_editors_own_clicks_are_not_counted(shared: Shared, editor: Client) -> None:
    share(editor, shared)
    assert total() == 0


def test_a_forged_session_cookie_makes_nobody_an_editor(shared: Shared, reader: Client) -> None:
    reader.cookies["sessionid"] = "nonsense"
    share(reader, shared)
    assert total() == 1


def test_a_reader_without_a_cookie_touches_no_session(
    shared: Shared, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def touched(self: object) -> None:
        raise AssertionError("a reader's request asked for a session")

    monkeypatch.setattr("django.contrib.sessions.backends.base.SessionBase._get_session", touched)
    share(reader, shared)
    assert reader.get(f"/s/{shared.code}bs/").status_code == 302


def test_nothing_of_a_reader_reaches_the_stream_a_disk_or_a_log(
    shared: Shared, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = new_reader(**{"user-agent": f"{READER} Telltale/7"})
    client.get(f"/share/{shared.code}/bluesky/", REMOTE_ADDR="198.51.100.77")
    stream: Any = Redis.from_url(f"unix://{events_server.socket}").xrange("share-events")
    assert len(stream) == 1
    assert len(parsing.named(stream[0][1])) == 5
    actions.drain()
    kept = b"".join(file.read_bytes() for file in DATA.rglob("*") if file.is_file())
    for word in ("198.51.100.77", "Telltale"):
        assert word.encode() not in kept
        assert word not in caplog.text


def cache() -> Any:
    """Return the server that remembers visitors."""
    return Redis.from_url(f"unix://{cache_server.socket}")


def test_the_cache_server_keeps_the_salt_and_the_tag_off_the_disk(
    shared: Shared, reader: Client
) -> None:
    share(reader, shared)
    keys = cache().keys("*")
    tags = [key for key in keys if key.startswith(b"v:")]
    [salt] = [key for key in keys if key.startswith(b"salt:")]
    assert len(tags) == 1
    [(tag, mark)] = cache().hgetall(tags[0]).items()
    assert (len(tag), len(mark)) == (8, 8)
    midnight = timezone.now().replace(hour=0, minute=0, second=0) + timedelta(days=1)
    for key in (*tags, salt):
        after = cache().expiretime(key) - midnight.timestamp()
        assert 0 < after <= 3600 + 1, "forgotten soon after the day"
    assert cache().config_get("save")["save"] == ""
    assert cache().config_get("appendonly")["appendonly"] == "no"


def test_what_is_kept_of_a_visit_is_not_the_events_id(shared: Shared, reader: Client) -> None:
    share(reader, shared)
    stream: Any = Redis.from_url(f"unix://{events_server.socket}").xrange("share-events")
    [(_, fields)] = stream
    event_id = UUID(parsing.named(fields)[b"id"].decode())
    [key] = cache().keys("v:*")
    [(tag, mark)] = cache().hgetall(key).items()
    assert mark not in event_id.bytes
    assert tag not in event_id.bytes


def test_a_repeat_by_way_of_an_id_that_begins_alike_is_a_repeat(shared: Shared) -> None:
    request = RequestFactory().get("/", headers={"user-agent": READER})
    first, alike = (UUID(int=(7 << 64) + end) for end in (1, 2))
    assert [is_first(request, each) for each in (first, first, alike)] == [True, True, False]


def test_yesterdays_visit_is_no_repeat(
    shared: Shared, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    share(reader, shared)
    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr("sharing.visitors.timezone.now", lambda: tomorrow)
    share(reader, shared)
    share(reader, shared)
    assert total() == 2
    assert len({key.split(b":")[1] for key in cache().keys("v:*")}) == 2


def test_a_million_visitors_a_day_would_take_less_than_100_mb(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 20_000
    # As full as at a million.
    monkeypatch.setattr("sharing.visitors._BUCKETS", (1 << 15) * number // 1_000_000)
    monkeypatch.setattr("django.conf.settings.VALKEY_TIMEOUT", 20.0)
    # The least that servers come with (Redis 7).
    usual = cache().config_get("hash-max-listpack-entries")
    cache().config_set("hash-max-listpack-entries", 128)
    request = RequestFactory().get("/", headers={"user-agent": READER})
    before = cache().info("memory")["used_memory"]
    for each in range(number):
        request.META["REMOTE_ADDR"] = f"10.0.{each >> 8}.{each & 255}"
        assert is_first(request, UUID(int=each))
    used = cache().info("memory")["used_memory"] - before
    cache().config_set("hash-max-listpack-entries", usual["hash-max-listpack-entries"])
    keys = cache().keys("v:*")
    assert {cache().object("encoding", key) for key in keys} == {b"listpack"}
    assert sum(cache().hlen(key) for key in keys) == number
    assert used / number < 100, "bytes a visitor"


def is_first(request: WSGIRequest, event_id: UUID) -> bool:
    event = Event(event_id, 1, "bluesky", ShareClass.INTENT, timezone.now())
    return visitors.is_first_today(request, event, valkey.Patience())


def test_with_the_cache_silent_events_count_undeduplicated(
    shared: Shared, reader: Client, frozen_cache: None
) -> None:
    share(reader, shared)
    share(reader, shared)
    assert total() == 2


def test_behind_our_proxy_the_last_hop_is_the_reader(
    shared: Shared, reader: Client, settings: object
) -> None:
    for address in ("203.0.113.1", "203.0.113.2"):
        share(reader, shared, headers={"x-forwarded-for": f"198.51.100.1, {address}"})
    assert total() == 1, "without a trusted proxy the header is anybody's to make up"
    settings.TRUST_PROXY_HEADERS = True  # type: ignore[attr-defined]
    for address in ("203.0.113.1", "203.0.113.2"):
        share(reader, shared, headers={"x-forwarded-for": f"198.51.100.1, {address}"})
    assert total() == 3


def test_a_browser_is_no_robot() -> None:
    assert not visitors.is_robot(READER)
    assert not visitors.is_robot(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
    )
