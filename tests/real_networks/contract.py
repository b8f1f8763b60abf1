"""The shared contract of connectors, against real servers. Not collected with the other tests: see `__main__`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest

from sharing.networks.http import Outbound
from sharing.networks.posting import connector
from sharing.networks.posting.bluesky import Bluesky
from sharing.networks.posting.conclusions import (
    CredentialsDead,
    CredentialsExpired,
    Published,
    Rejected,
    Stopped,
)
from sharing.networks.posting.contract import Account, Credentials, Repeat
from sharing.networks.secret import Secret
from tests.real_networks import lacking, servers, signing_in
from tests.real_networks.accounts import RealAccount, RealMastodon, RealPds
from tests.real_networks.forwarding import Forwarding
from tests.real_networks.lacking import Lacking
from tests.real_networks.servers import MastodonServer, Pds
from tests.sharing.networks.posting import test_contract as shared
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
    test_control_characters_and_half_characters_are_refused,
    test_language_and_card_go_out_where_the_network_takes_them,
    test_no_secret_is_in_any_word_that_leaves_a_connector,
    test_searching_before_sending_again_doubles_nothing_on_any_server,
    test_who_may_see_it_is_kept_or_refused,
)

SERVERS = [
    *(["bluesky"] if servers.has_pds() else []),
    *(["mastodon"] if servers.has_mastodon() else []),
]


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
def mastodon_lacks(
    mastodon: tuple[MastodonServer, Account], request: pytest.FixtureRequest
) -> Lacking:
    """Return what the server that speaks Mastodon's API lacks of it, and tell it to whoever runs this."""
    running, account = mastodon
    client = Outbound(trusted=[running.origin.partition("://")[2]], tls=running.tls)
    limit = connector("mastodon", client).limits(account).text.limit
    client.close()
    lacks = lacking.ask(_real(running, account), limit=limit)
    capturing = request.config.pluginmanager.get_plugin("capturemanager")
    assert capturing is not None
    with capturing.global_and_fixture_disabled():
        for said in filter(None, (lacks.keys, lacks.limit, lacks.pictures, lacks.edits)):
            print(f"\n{lacks.software}: {said}", end="", flush=True)
    return lacks


@pytest.fixture
def lacks(desk: Desk, request: pytest.FixtureRequest) -> Lacking:
    """Return what the desk's server lacks."""
    if isinstance(desk.connector, Bluesky):
        return lacking.NOTHING
    found: Lacking = request.getfixturevalue("mastodon_lacks")
    return found


@pytest.fixture(params=SERVERS)
def network(request: pytest.FixtureRequest) -> Iterator[Forwarding]:
    """Return what stands before each real server in turn, without the posts of the test before."""
    real: RealAccount
    if request.param == "bluesky":
        real = RealPds.signed_in(request.getfixturevalue("pds"))
    else:
        real = _real(*request.getfixturevalue("mastodon"))
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


# Four parts of Mastodon's API are not everywhere. Where a server has one, the shared contract is tried on it; where
# it has not, the contract cannot hold, and the connector has to do without, or to say so.


def test_sent_twice_it_is_there_once_or_has_to_be_searched_for_in_between(
    desk: Desk, lacks: Lacking
) -> None:
    if not lacks.keys:
        shared.test_sent_twice_in_the_same_words_it_is_there_once_or_must_never_be(desk)
        return
    prepared = desk.prepare()
    assert isinstance(outcome_of(desk, prepared), Published)
    assert isinstance(outcome_of(desk, prepared), Published)
    assert desk.held() == 2
    assert desk.connector.abilities.repeat is Repeat.AFTER_FINDING_NOTHING


def test_text_that_is_too_long_is_refused_though_the_server_has_no_limit(
    desk: Desk, lacks: Lacking
) -> None:
    if not lacks.limit:
        shared.test_text_that_is_too_long_is_refused_before_and_by_the_network(desk)
        return
    limit = desk.limits.text.limit
    long = desk.post(f"{'x' * limit} {LINK}")
    [problem] = desk.connector.check(long, desk.limits)
    assert "characters too long" in problem.sentence
    fits = desk.post(f"{'x' * (limit - 24)} {LINK}")
    assert isinstance(outcome_of(desk, desk.prepare(fits)), Published)


def test_trouble_with_a_picture_is_tried_again_unless_the_server_takes_none(
    desk: Desk, lacks: Lacking
) -> None:
    if not lacks.pictures:
        shared.test_trouble_before_the_post_is_tried_again_and_has_posted_nothing(desk)
        return
    with pytest.raises(Stopped, match="takes no pictures") as stopped:
        desk.prepare(desk.post(media=(picture(),)))
    assert isinstance(stopped.value.outcome, Rejected)
    assert desk.held() == 0


def test_an_edit_reaches_the_network_or_is_refused(desk: Desk, lacks: Lacking) -> None:
    if not lacks.edits:
        shared.test_an_edit_reaches_the_network_or_is_refused(desk)
        return
    outcome = outcome_of(desk)
    assert isinstance(outcome, Published)
    with pytest.raises(Stopped, match="does not change posts") as stopped:
        desk.connector.edit(desk.account, outcome.id, desk.prepare())
    assert isinstance(stopped.value.outcome, Rejected)
    assert desk.held() == 1


@pytest.mark.skipif(not servers.has_mastodon(), reason="no server that speaks Mastodon's API")
def test_an_access_that_ends_is_renewed(mastodon: tuple[MastodonServer, Account]) -> None:
    running, account = mastodon
    if not running.password:
        # Another sign-in would be needed, and ending the token that is in the environment would end it for good.
        pytest.skip("REAL_MASTODON_TOKEN is all that is known of the account: nobody can sign in")
    client = Outbound(trusted=[running.origin.partition("://")[2]], within=WITHIN, tls=running.tls)
    let_in = replace(account, credentials=signing_in.let_in(running, client))
    if not let_in.credentials.refresh:
        # Mastodon's own does not; `tests/sharing/networks/posting/test_mastodon.py` says what renewing is then.
        pytest.skip(
            "the server gave no refresh token: its access does not end, and there is nothing to renew"
        )
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


def _real(running: MastodonServer, account: Account) -> RealMastodon:
    token = account.credentials.access.reveal()
    return RealMastodon(running.origin, token, account.id, running.tls)
