"""A copy of the site has the other one's secrets: nothing that is done here takes them from it."""

import pytest
from pytest_django import Settings

from sharing.models import PostingSite, SocialAccount
from sharing.networks.demo import DemoNetwork
from sharing.posting import checking, disconnecting, installation, reaching
from tests.sharing.posting.accounts.conftest import Desk, said

S = SocialAccount.State


@pytest.fixture
def copied(desk: Desk, settings: Settings) -> Desk:
    """Connect accounts at the site that posts, and return a desk at a copy of it."""
    desk.connect_mastodon()
    desk.connect_bluesky()
    installation.may_post()
    PostingSite.objects.update(site_url="https://the-real-one.example")
    assert not installation.standing().is_ours
    return desk


def good(network: DemoNetwork) -> int:
    """Return how many accesses still work."""
    return sum(each.state == "good" for each in network.truth.tokens.values())


@pytest.mark.parametrize("kind", ["mastodon", "bluesky"])
def test_disconnecting_on_a_copy_forgets_the_secrets_and_leaves_the_access_to_the_other_site(
    copied: Desk, kind: str
) -> None:
    account, before = copied.account(kind), good(copied.network)
    page = said(copied.get("social_account_disconnect", account.pk))
    assert "told nothing, so that the site that posts with them goes on" in page
    assert "say so first" in page
    asked = copied.network.truth.asked.copy()
    copied.post("social_account_disconnect", account.pk)
    account.refresh_from_db()
    assert (account.state, account.secrets) == (S.DISCONNECTED, "")
    assert good(copied.network) == before
    assert copied.network.truth.asked == asked
    assert "The other site goes on with it." in said(copied.get("social_accounts"))


def test_checking_on_a_copy_asks_nobody_and_says_what_to_do(copied: Desk) -> None:
    # Whoever looked would renew the session, and the other site's would be over.
    copied.network.truth.mark_tokens("expired", kinds=frozenset({"access"}))
    account = copied.account("bluesky")
    asked = copied.network.truth.asked.copy()
    copied.post("social_account_check", account.pk)
    again = copied.account("bluesky")
    assert (again.secrets, again.state, again.problem) == (account.secrets, S.ACTIVE, "")
    assert copied.network.truth.asked == asked
    page = said(copied.get("social_account", account.pk))
    assert "Nothing was asked: this is not the site that posts" in page


def test_once_it_is_the_site_that_posts_it_does_both(copied: Desk) -> None:
    installation.confirm(by=None)
    for kind in ("mastodon", "bluesky"):
        account, client, before = copied.account(kind), reaching.outbound(), good(copied.network)
        assert checking.check(account=account, by=None, outbound=client) == checking.Checked()
        assert disconnecting.disconnect(account=account, by=None, outbound=client).remark == ""
        assert good(copied.network) < before
