"""Posts that are on the demo network, as the tests of what comes after need them."""

from typing import Any

from sharing.links import post_address
from sharing.models import Delivery, ShareTarget, SocialAccount
from sharing.networks.http import Outbound
from sharing.posting import actions
from sharing.posting.engine import send_due
from sharing.posting.sending import Networks
from tests.sharing.posting.conftest import NOW


def written(
    target: ShareTarget, account: SocialAccount, text: str = "Sleep well.", **timing: Any
) -> Delivery:
    """Return the delivery of an approved post with its link in the text."""
    code = actions.new_link_code()
    wording = actions.Wording(account.pk, f"{text} {post_address(code)}", code, "en")
    post = actions.compose(
        target=target,
        wordings=[wording],
        timing=timing.get("timing", NOW),
        by=timing.get("by"),
        approved=timing.get("approved", True),
    )
    return post.deliveries.get()


def publish(
    target: ShareTarget, account: SocialAccount, outbound: Outbound, text: str = "Sleep well."
) -> Delivery:
    """Return a delivery that was sent and is there."""
    delivery = written(target, account, text)
    send_due(Networks(outbound), seconds=30)
    delivery.refresh_from_db()
    assert delivery.state == "published", delivery.problem
    return delivery
