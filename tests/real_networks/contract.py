"""The shared contract of connectors, against real servers. Not collected with the other tests: see `__main__`."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from healthsite.supervisor.parent_death import binder
from sharing.networks.http import Outbound
from sharing.networks.posting import connector
from sharing.networks.posting.bluesky import Bluesky
from sharing.networks.posting.contract import Account, Credentials, Published
from sharing.networks.secret import Secret
from tests.real_networks.forwarding import Forwarding, Real, RealMastodon, RealPds
from tests.sharing.networks.posting.conftest import HURRIED, LINK, TLS, WITHIN, Desk

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

# A folder in which npm has installed @atproto/pds and @did-plc/server; one is started from there.
PDS_PACKAGES = os.environ.get("REAL_PDS_PACKAGES", "")
# Or an account on a server that runs.
PDS = [os.environ.get(f"REAL_PDS{part}", "") for part in ("", "_HANDLE", "_PASSWORD")]
MASTODON = [os.environ.get(f"REAL_MASTODON{part}", "") for part in ("", "_TOKEN")]

SERVERS = [
    *(["bluesky"] if PDS_PACKAGES or all(PDS) else []),
    *(["mastodon"] if all(MASTODON) else []),
]


@pytest.fixture(scope="session")
def pds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """Return the address of a server, and the handle and password of an account on it."""
    if all(PDS):
        yield PDS[0], PDS[1], PDS[2]
        return
    with subprocess.Popen(
        ["node", Path(__file__).with_name("pds.mjs"), PDS_PACKAGES, tmp_path_factory.mktemp("pds")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=binder(),
    ) as process:
        try:
            assert process.stdout is not None
            said = next((line for line in process.stdout if line.startswith("ready ")), "")
            assert said, "the server did not start"
            origin = said.split()[1]
            handle, password = f"health{secrets.token_hex(4)}.test", secrets.token_urlsafe(16)
            made = {"email": f"{handle}@health.example", "handle": handle, "password": password}
            Real(origin, "").json("POST", "/xrpc/com.atproto.server.createAccount", made)
            yield origin, handle, password
        finally:
            process.kill()


@pytest.fixture(params=SERVERS)
def network(request: pytest.FixtureRequest) -> Iterator[Forwarding]:
    """Return what stands before each real server in turn, without the posts of the test before."""
    real: Real
    if request.param == "bluesky":
        origin, handle, password = request.getfixturevalue("pds")
        opened = Real(origin, "").json(
            "POST",
            "/xrpc/com.atproto.server.createSession",
            {"identifier": handle, "password": password},
        )
        real = RealPds(origin, opened["accessJwt"])
        real.did = opened["did"]
    else:
        real = RealMastodon(*MASTODON)
        real.id = real.json("GET", "/api/v1/accounts/verify_credentials")["id"]
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
        _, handle, password = request.getfixturevalue("pds")
        bluesky = cast("Bluesky", connector("bluesky", outbound))
        known = bluesky.sign_in(network.origin, handle, Secret(password), view=network.origin)
        # The server names its own address, which is not behind what swallows its answers.
        return Desk(network, outbound, bluesky, replace(known, origin=network.origin))
    mastodon = connector("mastodon", outbound)
    unknown = Account(network.origin, "", "", Credentials(Secret(MASTODON[1])), network.origin)
    profile = mastodon.profile(unknown)
    known = replace(unknown, id=profile.id, handle=profile.handle)
    return Desk(network, outbound, mastodon, known)


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
