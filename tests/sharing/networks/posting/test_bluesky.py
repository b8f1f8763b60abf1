"""The AT Protocol: keys, sessions, and what makes a link a link."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.networks.demo import DemoNetwork, Fault, Kind
from sharing.networks.demo.truth import did_of
from sharing.networks.http import Outbound
from sharing.networks.posting.bluesky import Bluesky
from sharing.networks.posting.bluesky_facets import facets
from sharing.networks.posting.conclusions import (
    CredentialsDead,
    CredentialsExpired,
    Found,
    Published,
    RetryLater,
    Stopped,
    Unknown,
)
from sharing.networks.posting.contract import Card, Credentials, Visibility
from sharing.networks.posting.tid import tid
from sharing.networks.secret import Secret
from tests.sharing.networks.posting.conftest import LINK, Desk, Rings, open_desk, picture

DIGITS = "234567abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def desk(network: DemoNetwork, outbound: Outbound) -> Desk:
    return open_desk("bluesky", network, outbound)


def test_a_key_is_13_characters_that_hold_the_moment_and_sort_by_it() -> None:
    moment = datetime(2026, 11, 26, 1, 2, 3, 456789, tzinfo=UTC)
    key = tid(moment)
    assert re.fullmatch(r"[2-7a-j][2-7a-z]{12}", key)
    number = 0
    for digit in key:
        number = number * 32 + DIGITS.index(digit)
    assert datetime.fromtimestamp((number >> 10) / 1_000_000, UTC) == moment
    assert key < tid(moment + timedelta(microseconds=1))
    assert len({tid(moment) for _ in range(20)}) > 1


def test_key_and_moment_are_fixed_before_the_first_try_and_survive_another_preparation(
    desk: Desk,
) -> None:
    stamp = desk.stamp()
    first, second = (json.loads(desk.prepare(stamp=stamp).body) for _ in range(2))
    assert first == second
    assert first["rkey"] == stamp.key
    assert datetime.fromisoformat(first["record"]["createdAt"]) == stamp.created_at.replace(
        microsecond=stamp.created_at.microsecond // 1000 * 1000
    )
    assert "swapRecord" in first
    assert first["swapRecord"] is None


def test_another_text_under_a_key_that_is_taken_changes_nothing_and_is_unknown(desk: Desk) -> None:
    stamp = desk.stamp()
    published = desk.connector.send(desk.account, desk.prepare(stamp=stamp)).outcome
    assert isinstance(published, Published)
    other = desk.prepare(desk.post(f"Pepper {LINK}"), stamp)
    outcome = desk.connector.send(desk.account, other).outcome
    assert isinstance(outcome, Unknown)
    assert "already holds something" in outcome.sentence
    assert desk.find_now(other) == Found(published.id, published.permalink)
    [stored] = desk.network.truth.posts
    assert stored.text.startswith("Salt")


def test_a_key_of_another_form_is_refused(desk: Desk) -> None:
    stamp = replace(desk.stamp(), key="not-a-tid")
    outcome = desk.connector.send(desk.account, desk.prepare(stamp=stamp)).outcome
    assert "Invalid record key" in outcome.sentence  # type: ignore[union-attr]


def test_four_at_once_make_one_post(desk: Desk) -> None:
    prepared = desk.prepare()
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(desk.connector.send, desk.account, prepared) for _ in range(4)]
        outcomes = [call.result().outcome for call in calls]
    assert len(set(outcomes)) == 1
    assert desk.held() == 1


# Sessions


def test_a_wrong_app_password_and_a_blocked_account_are_dead(
    network: DemoNetwork, outbound: Outbound
) -> None:
    bluesky = Bluesky(outbound)
    for name, password in (
        ("demo.test", "wrong"),
        ("nobody.test", "demo-demo-demo-demo"),
        ("", ""),
    ):
        with pytest.raises(Stopped) as stopped:
            bluesky.sign_in(network.origin, name, Secret(password))
        assert isinstance(stopped.value.outcome, CredentialsDead)


def test_a_session_that_is_over_is_renewed_by_its_refresh_token(desk: Desk) -> None:
    desk.network.truth.mark_tokens("expired", kinds=frozenset({"access"}))
    prepared = desk.prepare()
    assert isinstance(desk.connector.send(desk.account, prepared).outcome, CredentialsExpired)
    rings = Rings(desk.account.credentials)
    desk.account = desk.connector.renew(desk.account, rings)
    assert rings.load() == desk.account.credentials
    assert rings.load().password == Secret("demo-demo-demo-demo")
    assert isinstance(desk.connector.send(desk.account, prepared).outcome, Published)
    assert desk.held() == 1


def test_a_refresh_token_that_is_over_is_replaced_by_the_app_password(desk: Desk) -> None:
    desk.network.truth.mark_tokens("revoked")
    renewed = desk.connector.renew(desk.account, Rings(desk.account.credentials))
    assert desk.connector.profile(renewed).id == desk.account.id


def test_eight_workers_renew_a_session_once(desk: Desk) -> None:
    rings = Rings(desk.account.credentials)
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(desk.connector.renew, desk.account, rings) for _ in range(8)]
        renewed = {call.result().credentials.access.reveal() for call in calls}
    assert len(renewed) == rings.saved == 1
    assert desk.network.truth.asked["session"] == 2


def test_trouble_while_renewing_disconnects_nobody(desk: Desk) -> None:
    for kind in (Kind.ERROR_BEFORE, Kind.HTML, Kind.RATE_LIMIT, Kind.SWALLOW_REPLY):
        desk.network.misbehave(Fault(kind, on="session"))
        rings = Rings(desk.account.credentials)
        with pytest.raises(Stopped) as stopped:
            desk.connector.renew(desk.account, rings)
        assert isinstance(stopped.value.outcome, RetryLater)
        assert rings.saved == 0
    # The swallowed reply had used up the refresh token: the password helps.
    renewed = desk.connector.renew(desk.account, Rings(desk.account.credentials))
    assert desk.connector.profile(renewed).id == desk.account.id


def test_a_session_that_is_nearly_over_is_not_begun_with(
    network: DemoNetwork, outbound: Outbound
) -> None:
    network.truth.habits.session_seconds = 60
    desk = open_desk("bluesky", network, outbound)
    with pytest.raises(Stopped) as stopped:
        desk.prepare()
    assert isinstance(stopped.value.outcome, CredentialsExpired)


def test_a_session_without_a_readable_token_has_no_known_end(desk: Desk) -> None:
    for token in ("plain", "a.b.c", "a.e30.c", "a.eyJleHAiOiAxZTk5OX0.c", "a.eyJleHAiOiAiMSJ9.c"):
        desk.with_token(token)
        assert isinstance(desk.account.credentials, Credentials)
        outcome = desk.connector.send(desk.account, desk.prepare()).outcome
        assert isinstance(outcome, CredentialsExpired)


# What is more than words


def found(text: str, known: frozenset[str] = frozenset({"demo.test"})) -> list[tuple[str, str]]:
    """Return the words of each facet, as bytes say, and what they lead to."""
    said = text.encode()
    pairs = []
    for facet in facets(text, lambda handle: f"did:plc:{handle}" if handle in known else ""):
        place, [feature] = facet["index"], facet["features"]
        words = said[place["byteStart"] : place["byteEnd"]].decode()
        pairs.append((words, feature.get("uri") or feature.get("did") or feature.get("tag")))
    return pairs


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("nothing", []),
        ("https://h.example/a", [("https://h.example/a", "https://h.example/a")]),
        ("👨‍👩‍👧‍👦 ü https://h.example/ä.", [("https://h.example/ä", "https://h.example/ä")]),
        ("(https://h.example/a_(b))", [("https://h.example/a_(b)", "https://h.example/a_(b)")]),
        ("xhttps://h.example/", []),
        ("h.example/a", []),
        ("Hi @demo.test!", [("@demo.test", "did:plc:demo.test")]),
        ("Hi @demo.test.", [("@demo.test", "did:plc:demo.test")]),
        ("Hi @nobody.test, a@demo.test", []),
        ("@demo", []),
        ("#Salt, #Salz! (#no) a#no", [("#Salt", "Salt"), ("#Salz", "Salz")]),
        ("#1 #2026 #!", []),
        ("#1st ＃塩", [("#1st", "1st"), ("＃塩", "塩")]),
        (f"#{'x' * 65}", []),
        ("https://h.example/#salt", [("https://h.example/#salt", "https://h.example/#salt")]),
    ],
)
def test_links_mentions_and_tags_lie_where_their_bytes_lie(
    text: str, pairs: list[tuple[str, str]]
) -> None:
    assert found(text) == pairs


@given(st.text(alphabet="ab1.@#:/(é👩‍\n tpsh)", max_size=60))
def test_no_facet_ends_outside_the_text_or_inside_a_character(text: str) -> None:
    end = 0
    for facet in facets(text, lambda handle: "did:plc:x"):
        place = facet["index"]
        assert 0 <= place["byteStart"] < place["byteEnd"] <= len(text.encode())
        text.encode()[place["byteStart"] : place["byteEnd"]].decode()
        assert place["byteStart"] >= end
        end = place["byteEnd"]


def test_a_mention_becomes_the_identity_behind_it_and_an_unknown_one_stays_words(
    desk: Desk,
) -> None:
    text = f"Hi @Demo.test and @nobody.test {LINK}"
    record = json.loads(desk.prepare(desk.post(text)).body)["record"]
    features = [facet["features"][0] for facet in record["facets"]]
    assert [each.get("did") or each.get("uri") for each in features] == [did_of("demo"), LINK]


# Pictures and cards


def test_a_card_whose_picture_is_too_large_goes_out_without_it_and_says_so(desk: Desk) -> None:
    card = Card(LINK, "Salt", "", picture(data=b"x" * 1_000_001))
    post = desk.post(card=card)
    [problem] = desk.connector.check(post, desk.limits)
    assert (problem.field, problem.blocking) == ("card", False)
    desk.connector.send(desk.account, desk.prepare(post))
    [stored] = desk.network.truth.posts
    assert "thumb" not in stored.said["embed"]["external"]


def test_with_pictures_there_is_no_card_and_the_editor_is_told(desk: Desk) -> None:
    post = desk.post(card=Card(LINK, "Salt"), media=(picture(width=1200, height=630),))
    assert [each.blocking for each in desk.connector.check(post, desk.limits)] == [False]
    desk.connector.send(desk.account, desk.prepare(post))
    [stored] = desk.network.truth.posts
    [image] = stored.said["embed"]["images"]
    assert image["aspectRatio"] == {"width": 1200, "height": 630}


def test_what_bluesky_does_not_have_is_said_before(desk: Desk) -> None:
    post = desk.post(warning="Blood", visibility=Visibility.FOLLOWERS)
    problems = {each.field: each.blocking for each in desk.connector.check(post, desk.limits)}
    assert problems == {"warning": False, "visibility": True}
    [bare] = desk.connector.check(desk.post("Salt"), desk.limits)
    assert (bare.field, bare.blocking) == ("text", False)
    [empty] = [each for each in desk.connector.check(desk.post(" "), desk.limits) if each.blocking]
    assert empty.sentence == "Write something first."


def test_an_upload_that_is_gone_has_the_post_prepared_again_under_its_key(desk: Desk) -> None:
    stamp = desk.stamp()
    post = desk.post(media=(picture(),))
    prepared = desk.prepare(post, stamp)
    desk.network.truth.media.clear()
    outcome = desk.connector.send(desk.account, prepared).outcome
    assert isinstance(outcome, RetryLater)
    assert outcome.prepare
    again = desk.prepare(post, stamp)
    assert again == prepared
    assert isinstance(desk.connector.send(desk.account, again).outcome, Published)


def test_numbers_of_more_posts_than_fit_are_asked_for_in_parts(desk: Desk) -> None:
    ids = []
    for _ in range(30):
        outcome = desk.connector.send(desk.account, desk.prepare()).outcome
        ids.append(cast("Any", outcome).id)
    assert [each.id for each in desk.connector.observe(desk.account, ids)] == ids
