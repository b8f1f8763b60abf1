"""What every connector keeps, tried against a network that holds the truth."""

import logging
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sharing.networks.demo import DemoNetwork, Fault, Kind
from sharing.networks.http import Outbound
from sharing.networks.posting import CONNECTORS, NoConnector, connector
from sharing.networks.posting.conclusions import (
    Absent,
    CannotTell,
    CredentialsDead,
    CredentialsExpired,
    Found,
    Published,
    Rejected,
    RetryLater,
    Stopped,
    Unknown,
)
from sharing.networks.posting.contract import Card, Prepared, Repeat, Visibility
from tests.sharing.networks.posting.conftest import CONNECT, LINK, Desk, Rings, picture, wait_until

# After each of these the network holds the post and its answer does not say so.
DOUBTFUL = [
    Kind.SWALLOW_REPLY,
    Kind.ERROR_AFTER,
    Kind.HTML,
    Kind.BAD_JSON,
    Kind.DEEP_JSON,
    Kind.NO_ID,
    Kind.GZIP_BOMB,
    Kind.ENDLESS,
    Kind.DRIP,
    Kind.HANG,
]
SLOW = {Kind.DRIP, Kind.HANG}


def outcome_of(desk: Desk, prepared: Prepared | None = None) -> object:
    return desk.connector.send(desk.account, prepared or desk.prepare()).outcome


def test_each_network_has_one_connector_and_others_have_none(outbound: Outbound) -> None:
    assert len({each.slug for each in CONNECTORS}) == len(CONNECTORS)
    assert {each.slug for each in CONNECTORS} == set(CONNECT)
    with pytest.raises(NoConnector):
        connector("x", outbound)


def test_a_post_is_published_with_id_and_permalink_and_read_back(desk: Desk) -> None:
    outcome = outcome_of(desk)
    assert isinstance(outcome, Published)
    assert outcome.permalink.startswith(f"{desk.account.view}/")
    assert desk.held() == 1
    if desk.is_blind:
        with pytest.raises(Stopped):
            desk.connector.fetch(desk.account, outcome.id)
        return
    seen = desk.connector.fetch(desk.account, outcome.id)
    assert seen is not None
    assert (seen.id, seen.permalink) == (outcome.id, outcome.permalink)
    assert "Salt in bread" in seen.text


def test_a_prepared_post_survives_a_database_and_has_no_secret_in_it(desk: Desk) -> None:
    prepared = desk.prepare()
    assert Prepared.from_json(prepared.to_json()) == prepared
    assert desk.account.credentials.access.reveal() not in prepared.to_json()


def test_sent_twice_in_the_same_words_it_is_there_once_or_must_never_be(desk: Desk) -> None:
    prepared = desk.prepare()
    first, second = outcome_of(desk, prepared), outcome_of(desk, prepared)
    assert (first == second) is not desk.is_blind
    assert desk.held() == (2 if desk.is_blind else 1)


@pytest.mark.parametrize("kind", DOUBTFUL)
def test_a_post_whose_answer_was_spoilt_is_unknown_found_and_not_doubled(
    desk: Desk, hurried: Desk, kind: Kind
) -> None:
    prepared = desk.prepare()
    desk.network.misbehave(Fault(kind))
    receipt = (hurried if kind in SLOW else desk).connector.send(desk.account, prepared)
    assert isinstance(receipt.outcome, Unknown), receipt
    wait_until(lambda: desk.held() == 1)  # whoever hangs up early may be earlier than the network
    assert desk.held() == 1
    found = desk.find_now(prepared)
    if desk.is_blind:
        assert found == desk.find_later(prepared)
        assert isinstance(found, CannotTell)
        assert found.again_at is None
        return
    assert isinstance(found, Found)
    assert found.permalink.startswith(f"{desk.account.view}/")
    assert desk.held() == 1


@pytest.mark.parametrize("kind", [Kind.SWALLOW_REQUEST, Kind.ERROR_BEFORE])
def test_a_post_that_did_not_arrive_is_absent_only_after_a_while(
    searchable: Desk, kind: Kind
) -> None:
    desk = searchable
    prepared = desk.prepare()
    desk.network.misbehave(Fault(kind))
    assert isinstance(outcome_of(desk, prepared), Unknown)
    too_early = desk.find_now(prepared)
    assert isinstance(too_early, CannotTell)
    assert too_early.again_at is not None
    assert isinstance(desk.find_later(prepared), Absent)
    assert isinstance(outcome_of(desk, prepared), Published)
    assert desk.held() == 1


def test_a_blind_network_leaves_it_unknown_however_late_it_is_asked(desk: Desk) -> None:
    desk.network.truth.habits.shows_own_posts = False
    prepared = desk.prepare()
    desk.network.misbehave(Fault(Kind.SWALLOW_REPLY))
    assert isinstance(outcome_of(desk, prepared), Unknown)
    try:
        found = desk.find_later(prepared)
    except Stopped as stopped:
        assert isinstance(stopped.outcome, RetryLater)
    else:
        assert isinstance(found, CannotTell)


def test_a_network_that_cannot_be_reached_has_got_nothing(desk: Desk) -> None:
    prepared = desk.prepare()
    desk.network.stop()
    desk.outbound.close()
    receipt = desk.connector.send(desk.account, prepared)
    assert isinstance(receipt.outcome, RetryLater)
    assert receipt.came_back == "Nothing was sent."
    if desk.is_blind:
        return
    with pytest.raises(Stopped) as stopped:
        desk.find_later(prepared)
    assert isinstance(stopped.value.outcome, RetryLater)


@pytest.mark.parametrize(
    ("shape", "soonest", "latest"),
    [
        ("seconds", 55, 65),
        ("http-date", 55, 65),
        ("epoch", 55, 65),
        ("milliseconds", 55, 65),
        ("iso", 55, 65),
        ("absent", 290, 310),
        ("words", 290, 310),
        ("zero", 0, 5),
        ("negative", 0, 5),
        ("absurd", 290, 310),
    ],
)
def test_a_rate_limit_says_when_in_whatever_shape(
    desk: Desk, shape: str, soonest: int, latest: int
) -> None:
    prepared = desk.prepare()
    desk.network.misbehave(Fault(Kind.RATE_LIMIT, shape=shape))
    began = datetime.now(UTC)
    outcome = outcome_of(desk, prepared)
    assert isinstance(outcome, RetryLater)
    wait = (outcome.at - began).total_seconds()
    assert soonest <= wait <= latest + 30
    assert desk.held() == 0


def test_what_is_left_is_read_from_a_success(desk: Desk) -> None:
    budget = desk.connector.send(desk.account, desk.prepare()).budget
    if desk.connector.slug == "telegram":
        assert budget is None  # it says nothing before it is too much
        return
    assert budget is not None
    assert budget.left in {299, 4998}


def test_a_redirect_to_this_machine_is_not_followed_and_nothing_is_concluded(desk: Desk) -> None:
    prepared = desk.prepare()
    desk.network.misbehave(Fault(Kind.REDIRECT))
    assert isinstance(outcome_of(desk, prepared), Unknown)
    assert isinstance(desk.find_later(prepared), CannotTell if desk.is_blind else Absent)
    assert desk.held() == 0


def test_trouble_before_the_post_is_tried_again_and_has_posted_nothing(desk: Desk) -> None:
    post = desk.post(f"Hello @demo.test {LINK}", media=(picture(),))
    limits, stamp = desk.limits, desk.stamp()
    if not limits.media:
        assert desk.connector.prepares_alone(desk.post())
        return
    for kind in (Kind.ERROR_BEFORE, Kind.RATE_LIMIT, Kind.HTML):
        desk.network.misbehave(Fault(kind, on="upload"))
        with pytest.raises(Stopped) as stopped:
            desk.connector.prepare(desk.account, post, stamp, limits)
        assert isinstance(stopped.value.outcome, RetryLater)
    assert isinstance(outcome_of(desk, desk.prepare(post, stamp)), Published)
    assert desk.held() == 1


def test_a_dead_token_is_told_as_such(desk: Desk) -> None:
    prepared = desk.prepare()
    desk.network.truth.mark_tokens("revoked")
    outcome = outcome_of(desk, prepared)
    if desk.connector.slug == "bluesky":
        # Here a session ends every day; the app password says whether the account is dead.
        assert isinstance(outcome, CredentialsExpired)
        desk.network.truth.accounts["demo"] = ""
        with pytest.raises(Stopped) as stopped:
            desk.connector.renew(desk.account, Rings(desk.account.credentials))
        outcome = stopped.value.outcome
    assert isinstance(outcome, CredentialsDead)
    assert desk.held() == 0


def test_a_token_that_dies_on_the_way_loses_and_doubles_nothing(desk: Desk) -> None:
    prepared = desk.prepare()
    desk.network.misbehave(Fault(Kind.SWALLOW_REPLY))
    assert isinstance(outcome_of(desk, prepared), Unknown)
    desk.network.truth.mark_tokens("revoked")
    try:
        found = desk.find_now(prepared)  # where anybody may look, or nobody
        assert isinstance(found, CannotTell if desk.is_blind else Found)
    except Stopped as stopped:
        assert isinstance(stopped.outcome, CredentialsDead)
    assert desk.held() == 1


def test_text_that_is_too_long_is_refused_before_and_by_the_network(desk: Desk) -> None:
    limit = desk.limits.text.limit
    fits = f"{'x' * (limit - 24 if desk.connector.slug == 'mastodon' else limit - 1 - len(LINK))} {LINK}"
    long = desk.post(f"x{fits}")
    [problem] = desk.connector.check(long, desk.limits)
    assert problem.sentence == f"1 characters too long: {limit:,} fit."
    with pytest.raises(Stopped) as stopped:
        desk.prepare(long)
    assert stopped.value.outcome == Rejected(problem.sentence, "text")
    # And where the server takes less than it said:
    generous = replace(desk.limits, text=replace(desk.limits.text, limit=10_000))
    prepared = desk.connector.prepare(desk.account, long, desk.stamp(), generous)
    outcome = outcome_of(desk, prepared)
    assert isinstance(outcome, Rejected)
    assert "says:" in outcome.sentence
    assert desk.held() == 0
    assert isinstance(outcome_of(desk, desk.prepare(desk.post(fits))), Published)


def test_control_characters_and_half_characters_are_refused(desk: Desk) -> None:
    for text in (f"a\x00b {LINK}", f"a\ud83db {LINK}"):
        with pytest.raises(Stopped) as stopped:
            desk.prepare(desk.post(text))
        assert isinstance(stopped.value.outcome, Rejected)


def test_forbidden_media_are_refused_before_and_by_the_network(desk: Desk) -> None:
    drawing = picture(type="image/svg+xml")
    [problem] = desk.connector.check(desk.post(media=(drawing,)), desk.limits)
    assert (problem.field, problem.blocking) == ("media", True)
    five = desk.post(media=(picture(),) * 5)
    assert [each.field for each in desk.connector.check(five, desk.limits)] == ["media"]
    large = picture(data=b"x" * 1_000_001) if desk.connector.slug == "bluesky" else drawing
    generous = replace(
        desk.limits, media_bytes=None, media_types=desk.limits.media_types | {"image/svg+xml"}
    )
    with pytest.raises(Stopped) as stopped:
        desk.connector.prepare(desk.account, desk.post(media=(large,)), desk.stamp(), generous)
    assert isinstance(stopped.value.outcome, Rejected)
    assert stopped.value.outcome.field == "media"


def test_pictures_go_out_with_their_descriptions(desk: Desk) -> None:
    if not desk.limits.media:
        with pytest.raises(Stopped) as stopped:
            desk.prepare(desk.post(media=(picture(),)))
        assert isinstance(stopped.value.outcome, Rejected)
        return
    outcome = outcome_of(desk, desk.prepare(desk.post(media=(picture(), picture(alt="Zwei")))))
    assert isinstance(outcome, Published)
    [stored] = desk.network.truth.holding(LINK)
    if desk.connector.slug == "bluesky":
        assert [each["alt"] for each in stored.said["embed"]["images"]] == [
            "A pinch of salt",
            "Zwei",
        ]
    else:
        ids = stored.said["media_ids"]
        assert [desk.network.truth.media[each].alt for each in ids] == ["A pinch of salt", "Zwei"]
    unspoken = desk.connector.check(desk.post(media=(picture(alt=" "),)), desk.limits)
    assert [each.blocking for each in unspoken] == [False]


def test_language_and_card_go_out_where_the_network_takes_them(desk: Desk) -> None:
    card = Card(LINK, "Salt", "In bread", picture())
    outcome = outcome_of(desk, desk.prepare(desk.post(language="de", card=card)))
    assert isinstance(outcome, Published)
    [stored] = desk.network.truth.holding(LINK)
    if desk.connector.slug == "bluesky":
        assert stored.said["langs"] == ["de"]
        external = stored.said["embed"]["external"]
        assert (external["uri"], external["title"]) == (LINK, "Salt")
        assert external["thumb"]["size"] == len(picture().data)
        seen = desk.connector.fetch(desk.account, outcome.id)
        assert seen is not None
        assert seen.card
    elif desk.connector.slug == "telegram":
        assert stored.said["link_preview_options"] == {"url": LINK}
    else:
        assert stored.said["language"] == "de"


def test_who_may_see_it_is_kept_or_refused(desk: Desk) -> None:
    for visibility in Visibility:
        post = desk.post(visibility=visibility)
        blocking = [each for each in desk.connector.check(post, desk.limits) if each.blocking]
        assert bool(blocking) == (visibility not in desk.connector.abilities.visibilities)


def test_a_post_is_taken_away_and_taking_it_away_again_is_no_error(desk: Desk) -> None:
    outcome = outcome_of(desk)
    assert isinstance(outcome, Published)
    desk.connector.delete(desk.account, outcome.id)
    desk.connector.delete(desk.account, outcome.id)
    [stored] = desk.network.truth.holding(LINK)
    assert stored.gone
    if not desk.is_blind:
        assert desk.connector.fetch(desk.account, outcome.id) is None
    assert desk.connector.observe(desk.account, [outcome.id]) == []


def test_an_edit_reaches_the_network_or_is_refused(desk: Desk) -> None:
    outcome = outcome_of(desk)
    assert isinstance(outcome, Published)
    corrected = desk.prepare(desk.post(f"Less salt {LINK}"))
    if desk.connector.abilities.edits:
        desk.connector.edit(desk.account, outcome.id, corrected)
        [stored] = desk.network.truth.holding(LINK)
        assert stored.text.startswith("Less salt")
        if not desk.is_blind:
            seen = desk.connector.fetch(desk.account, outcome.id)
            assert seen is not None
            assert seen.text.startswith("Less salt")
    else:
        with pytest.raises(Stopped):
            desk.connector.edit(desk.account, outcome.id, corrected)
    assert desk.held() == 1


def test_numbers_come_back_and_a_missing_one_is_not_zero(desk: Desk) -> None:
    outcome = outcome_of(desk)
    assert isinstance(outcome, Published)
    [stored] = desk.network.truth.holding(LINK)
    stored.likes, stored.reposts, stored.replies = 7, 3, 2
    if not desk.connector.abilities.numbers:
        assert desk.connector.observe(desk.account, [outcome.id]) == []
        return
    [numbers] = desk.connector.observe(desk.account, [outcome.id])
    assert (numbers.id, numbers.likes, numbers.reposts, numbers.replies) == (outcome.id, 7, 3, 2)
    assert numbers.quotes == (None if desk.connector.slug == "mastodon" else 0)


def test_the_account_says_whose_it_is_and_ends_when_it_is_disconnected(desk: Desk) -> None:
    assert desk.connector.profile(desk.account).id == desk.account.id
    desk.connector.revoke(desk.account)
    if desk.connector.slug == "mastodon":
        with pytest.raises(Stopped) as stopped:
            desk.connector.profile(desk.account)
        assert isinstance(stopped.value.outcome, CredentialsDead)
    else:
        desk.network.truth.accounts["demo"] = ""
        with pytest.raises(Stopped):
            desk.connector.renew(desk.account, Rings(desk.account.credentials))


def test_no_secret_is_in_any_word_that_leaves_a_connector(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    credentials = desk.account.credentials
    held = (
        credentials.access,
        credentials.refresh,
        credentials.password,
        credentials.client_secret,
    )
    secrets = [each.reveal() for each in held if each]
    said = [repr(desk.account), str(desk.account), f"{credentials}", repr(desk.connector)]
    prepared = desk.prepare()
    for fault in (
        Fault(Kind.HTML),
        Fault(Kind.RATE_LIMIT),
        Fault(Kind.ERROR_AFTER),
        Fault(Kind.NO_ID),
    ):
        desk.network.misbehave(fault)
        said.append(repr(desk.connector.send(desk.account, prepared)))
    desk.network.truth.mark_tokens("revoked")
    said.append(repr(desk.connector.send(desk.account, prepared)))
    desk.network.stop()
    for call in (desk.connector.profile, desk.connector.revoke):
        try:
            call(desk.account)
        except Stopped:
            said.append(traceback.format_exc())
    words = "\n".join([*said, prepared.to_json(), caplog.text])
    assert secrets
    assert not [each for each in secrets if each in words]


@pytest.mark.parametrize("honours_keys", [True, False])
def test_searching_before_sending_again_doubles_nothing_on_any_server(
    searchable: Desk, honours_keys: bool
) -> None:
    desk = searchable
    desk.network.truth.habits.honours_keys = honours_keys
    for kind in (Kind.SWALLOW_REPLY, Kind.SWALLOW_REQUEST, Kind.ERROR_AFTER, Kind.ERROR_BEFORE):
        desk.network.misbehave(Fault(kind))
    prepared = desk.prepare()
    for _ in range(6):
        outcome = outcome_of(desk, prepared)
        if isinstance(outcome, Unknown) and desk.connector.abilities.repeat is not Repeat.ANY_TIME:
            # What the engine does: never send while it is open whether the network holds the post.
            found = desk.find_later(prepared)
            outcome = found if isinstance(found, Found) else outcome
        if not isinstance(outcome, Unknown):
            break
    assert isinstance(outcome, Found | Published)
    assert desk.held() == 1


def test_a_demo_network_forgets_its_faults_and_tells_the_truth(network: DemoNetwork) -> None:
    network.controlled = True
    client = Outbound(trusted=[network.netloc])
    address = f"{network.origin}/control/"

    def do(body: bytes) -> int:
        headers = {"X-Demo-Control": "1", "Content-Type": "application/json"}
        return client.request("POST", address, headers=headers, body=body).status

    assert client.request("POST", address, body=b"{}").status == 403
    assert do(b'{"do": "fault", "kind": "html", "on": "page", "times": 2}') == 200
    assert do(b'{"do": "fault", "kind": "nonsense"}') == 400
    assert do(b'{"do": "habits", "honours_keys": false}') == 200
    assert do(b'{"do": "habits", "nonsense": 1}') == 400
    assert do(b"[]") == 400
    assert [fault.kind for fault in network.faults.due] == [Kind.HTML]
    assert do(b'{"do": "well-again"}') == 200
    assert not network.faults.due
    truth = client.request("GET", f"{address}truth", headers={"X-Demo-Control": "1"}).json
    assert truth["posts"] == []
    assert truth["habits"]["honours_keys"] is False
    network.controlled = False
    assert do(b'{"do": "expire"}') == 404
    client.close()


def test_a_link_at_the_beginning_of_a_longer_one_is_not_the_post(searchable: Desk) -> None:
    desk = searchable
    longer = replace(desk.post(f"Other {LINK}longer/"), link=f"{LINK}longer/")
    assert isinstance(outcome_of(desk, desk.prepare(longer)), Published)
    prepared = desk.prepare()
    assert isinstance(desk.find_later(prepared), Absent)


def test_a_post_is_found_behind_many_others_and_not_looked_for_for_ever(
    searchable: Desk,
) -> None:
    desk = searchable
    prepared = desk.prepare()
    assert isinstance(outcome_of(desk, prepared), Published)
    truth = desk.network.truth
    [mine] = truth.posts
    for number in range(90):
        truth.add(
            mine.network, mine.account, f"k{number}", "Other", {"text": "Other"}, truth.next_id()
        )
    assert isinstance(desk.find_now(prepared), Found)
    old = desk.prepare(
        replace(desk.post("Other https://h.example/s/old/"), link="https://h.example/s/old/")
    )
    for post in truth.posts:
        post.created_at -= timedelta(days=2)
    assert isinstance(desk.find_later(old), Absent)


def test_the_usual_limits_are_known_without_asking(desk: Desk) -> None:
    asked = desk.network.truth.asked.copy()
    usual = desk.connector.usual_limits()
    assert usual.text.limit >= 300
    assert bool(usual.media_types) == bool(usual.media)
    assert desk.network.truth.asked == asked
