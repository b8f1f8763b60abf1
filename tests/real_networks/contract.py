"""The shared contract of connectors, against real servers. Not collected with the other tests: see `__main__`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest

from sharing.networks.http import Outbound
from sharing.networks.posting import connector
from sharing.networks.posting.bluesky import Bluesky
from sharing.networks.posting.contract import (
    Account,
    Credentials,
    CredentialsDead,
    CredentialsExpired,
    Published,
    Rejected,
    Repeat,
    Stopped,
)
from sharing.networks.secret import Secret
from tests.real_networks import lacking, servers, signing_in
from tests.real_networks.forwarding import Forwarding, Real, RealMastodon, RealPds
from tests.real_networks.lacking import Lacking
from tests.real_networks.servers import MastodonServer, Pds
from tests.sharing.networks.posting.conftest import HURRIED, LINK, TLS, WITHIN, Desk, Rings, picture

# What the contract asks of a server; what it asks of the demo network's own truth is left out.
from tests.sharing.networks.posting.test_contract import (  # noqa: F401 - pytest finds them here
    outcome_of,
    test_a_link_at_the_beginning_of_a_longer_one_is_not_the_post,
    test_a_post_is_published_with_id_and_permalink_and_read_back,
    test_a_post_that_did_not_arrive_is_absent_only_after_a_while,
    test_a_post_whose_answer_was_spoilt_is_unknown_found_and_not_doubled,
    test_a_prepared_post_survives_a_database_and_has_no_secret_in_it,
    test_a_rate_limit_says_when_in_whatever_shape,
    test_a_redirect_to_this_machine_is_not_followed_and_nothing_is_concluded,
    test_an_edit_reaches_the_network_or_is_refused,
    test_control_characters_and_half_characters_are_refused,
    test_language_and_card_go_out_where_the_network_takes_them,
    test_no_secret_is_in_any_word_that_leaves_a_connector,
    test_searching_before_sending_again_doubles_nothing_on_any_server,
    test_sent_twice_in_the_same_words_it_is_there_once_or_must_never_be,
    test_text_that_is_too_long_is_refused_before_and_by_the_network,
    test_trouble_before_the_post_is_tried_again_and_has_posted_nothing,
    test_who_may_see_it_is_kept_or_refused,
)

SERVERS = [
    *(["bluesky"] if servers.has_pds() else []),
    *(["mastodon"] if servers.has_mastodon() else []),
]
# What these tests ask of a server that speaks Mastodon's API, and not every one has. Where it is missing, the test
# is skipped with what the server answered, and another below says what the connector makes of it.
NEEDS = {
    "test_sent_twice_in_the_same_words_it_is_there_once_or_must_never_be": "keys",
    "test_text_that_is_too_long_is_refused_before_and_by_the_network": "limit",
    "test_trouble_before_the_post_is_tried_again_and_has_posted_nothing": "pictures",
    "test_an_edit_reaches_the_network_or_is_refused": "edits",
}


@pytest.fixture(scope="session")
def pds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pds]:
    """Return a server and an account on it."""
    with servers.pds(tmp_path_factory.mktemp("pds")) as running:
        yield running


@pytest.fixture(scope="session")
def mastodon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MastodonServer, Account]]:
    """Return a server, and an account that was let in there."""
    with servers.mastodon(tmp_path_factory.mktemp("mastodon")) as running:
        client = Outbound(trusted=[running.origin.partition("://")[2]], tls=running.tls)
        credentials = (
            Credentials(Secret(running.token))
            if running.token
            else signing_in.let_in(running, client)
        )
        unknown = Account(running.origin, "", "", credentials, running.origin)
        profile = connector("mastodon", client).profile(unknown)
        client.close()
        yield running, replace(unknown, id=profile.id, handle=profile.handle)


@pytest.fixture(scope="session")
def lacks(mastodon: tuple[MastodonServer, Account]) -> Lacking:
    """Return what the server lacks."""
    running, account = mastodon
    client = Outbound(trusted=[running.origin.partition("://")[2]], tls=running.tls)
    limit = connector("mastodon", client).limits(account).text.limit
    client.close()
    return lacking.ask(_real(running, account), limit=limit)


@pytest.fixture(params=SERVERS)
def network(request: pytest.FixtureRequest) -> Iterator[Forwarding]:
    """Return what stands before each real server in turn, without the posts of the test before."""
    real: Real
    if request.param == "bluesky":
        server: Pds = request.getfixturevalue("pds")
        opened = Real(server.origin, "").json(
            "POST",
            "/xrpc/com.atproto.server.createSession",
            {"identifier": server.handle, "password": server.password},
        )
        real = RealPds(server.origin, opened["accessJwt"])
        real.did = opened["did"]
    else:
        real = _real(*request.getfixturevalue("mastodon"))
        part = NEEDS.get(request.function.__name__)
        if part:
            lacks: Lacking = request.getfixturevalue("lacks")
            missing = getattr(lacks, part)
            if missing:
                pytest.skip(f"{lacks.software}: {missing}")
    for post in real.holding(LINK.removesuffix("/")):
        real.take_away(post)
    with Forwarding(real) as running:
        yield running


@pytest.fixture
def outbound(network: Forwarding) -> Iterator[Outbound]:
    """Return a client that may ask what stands before it."""
    client = Outbound(trusted=[network.netloc], within=WITHIN, tls=TLS)
    yield client
    client.close()


@pytest.fixture
def desk(network: Forwarding, outbound: Outbound, request: pytest.FixtureRequest) -> Desk:
    """Return a desk at the server."""
    if isinstance(network.real, RealPds):
        server: Pds = request.getfixturevalue("pds")
        bluesky = cast("Bluesky", connector("bluesky", outbound))
        known = bluesky.sign_in(
            network.origin, server.handle, Secret(server.password), view=network.origin
        )
        # The server names its own address, which is not behind what swallows its answers.
        return Desk(network, outbound, bluesky, replace(known, origin=network.origin))
    _, account = request.getfixturevalue("mastodon")
    # Its posts are at its own address, which is not the one that swallows its answers.
    known = replace(account, origin=network.origin)
    return Desk(network, outbound, connector("mastodon", outbound), known)


@pytest.fixture
def searchable(desk: Desk) -> Desk:
    """Return the same desk: both networks can be searched."""
    return desk


@pytest.fixture
def hurried(desk: Desk) -> Iterator[Desk]:
    """Return the same desk with little patience."""
    client = Outbound(trusted=[desk.network.netloc], within=4 * HURRIED, tls=TLS)
    yield replace(desk, outbound=client, connector=connector(desk.connector.slug, client))
    client.close()


def test_a_post_is_taken_away_and_taking_it_away_again_is_no_error(desk: Desk) -> None:
    outcome = outcome_of(desk)
    assert isinstance(outcome, Published)
    desk.connector.delete(desk.account, outcome.id)
    desk.connector.delete(desk.account, outcome.id)
    assert desk.connector.fetch(desk.account, outcome.id) is None
    assert desk.held() == 0


def test_the_account_says_whose_it_is(desk: Desk) -> None:
    assert desk.connector.profile(desk.account).id == desk.account.id


at_mastodon = pytest.mark.parametrize(
    "network", [each for each in SERVERS if each == "mastodon"], indirect=True
)


@at_mastodon
def test_a_server_that_ignores_keys_is_searched_before_anything_is_sent_again(
    desk: Desk, lacks: Lacking
) -> None:
    _only_where(lacks.keys)
    prepared = desk.prepare()
    assert isinstance(outcome_of(desk, prepared), Published)
    assert isinstance(outcome_of(desk, prepared), Published)
    assert desk.held() == 2
    assert desk.connector.abilities.repeat is Repeat.AFTER_FINDING_NOTHING


@at_mastodon
def test_a_server_without_a_limit_is_held_to_mastodons(desk: Desk, lacks: Lacking) -> None:
    _only_where(lacks.limit)
    limit = desk.limits.text.limit
    long = desk.post(f"{'x' * limit} {LINK}")
    [problem] = desk.connector.check(long, desk.limits)
    assert "characters too long" in problem.sentence
    fits = desk.post(f"{'x' * (limit - 24)} {LINK}")
    assert isinstance(outcome_of(desk, desk.prepare(fits)), Published)


@at_mastodon
def test_a_server_that_takes_no_pictures_is_told_as_such(desk: Desk, lacks: Lacking) -> None:
    _only_where(lacks.pictures)
    with pytest.raises(Stopped, match="takes no pictures") as stopped:
        desk.prepare(desk.post(media=(picture(),)))
    assert isinstance(stopped.value.outcome, Rejected)
    assert desk.held() == 0


@at_mastodon
def test_a_server_that_changes_no_posts_is_told_as_such(desk: Desk, lacks: Lacking) -> None:
    _only_where(lacks.edits)
    outcome = outcome_of(desk)
    assert isinstance(outcome, Published)
    with pytest.raises(Stopped, match="does not change posts") as stopped:
        desk.connector.edit(desk.account, outcome.id, desk.prepare())
    assert isinstance(stopped.value.outcome, Rejected)
    assert desk.held() == 1


def test_an_access_that_ends_is_renewed(mastodon: tuple[MastodonServer, Account]) -> None:
    running, account = mastodon
    _only_where(running.password)
    client = Outbound(trusted=[running.origin.partition("://")[2]], within=WITHIN, tls=running.tls)
    let_in = replace(account, credentials=signing_in.let_in(running, client))
    if not let_in.credentials.refresh:
        pytest.skip("this server's access does not end")
    api = connector("mastodon", client)
    renewed = api.renew(let_in, Rings(let_in.credentials))
    assert renewed.credentials.access != let_in.credentials.access
    assert api.profile(renewed).id == account.id
    with pytest.raises(Stopped) as stopped:
        api.profile(let_in)
    assert isinstance(stopped.value.outcome, CredentialsExpired)
    with pytest.raises(Stopped) as stopped:
        api.renew(let_in, Rings(let_in.credentials))
    assert isinstance(stopped.value.outcome, CredentialsDead)
    client.close()


def _only_where(missing: str) -> None:
    if not missing:
        pytest.skip("nothing to see on this server")


def _real(running: MastodonServer, account: Account) -> RealMastodon:
    real = RealMastodon(running.origin, account.credentials.access.reveal(), running.tls)
    real.id = account.id
    return real
