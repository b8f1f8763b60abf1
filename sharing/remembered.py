"""What share codes stand for, kept in the process until it changes (docs/decisions/0017).

A share writes one line into a stream and asks the database nothing. Codes that nobody has are not
remembered: whoever invents them fills nothing.
"""

from functools import partial

from articles import freshness
from sharing import card_files, card_queries, queries
from sharing.channels import BY_SLUG
from sharing.links import short_link
from sharing.models import ShareTarget
from sharing.networks import Composition, Network
from sharing.shareables import Shareable, shareable

# A kilobyte or two each.
_shareables: freshness.Memory[Shareable] = freshness.Memory(2048)
_composers: freshness.Memory[str] = freshness.Memory(4096)


class _Unknown(LookupError):
    """No article or section has this code."""


def by_code(code: str) -> Shareable | None:
    """Return what a share code stands for."""
    try:
        return _shareables.get(code, partial(_look_up, code))
    except _Unknown:
        return None


def of_target(target: ShareTarget) -> Shareable:
    """Return what a target stands for."""
    return _shareables.get(target.code, partial(_shareable, target))


def composer_url(shared: Shareable, network: Network) -> str:
    """Return the address of a network's own composer, filled in; not for networks of many servers."""

    def make() -> str:
        return network.composer_url(composition(shared, network))

    # By all that it says, so that nothing older than what was just asked for is said.
    return _composers.get((shared, network.slug), make)


def composition(shared: Shareable, network: Network) -> Composition:
    """Return what a network's composer is filled in with."""
    freshness.depends_on(freshness.article(shared.target.page_id))
    link = short_link(shared.target.code, BY_SLUG[network.slug])
    card = card_queries.made_card(shared.target.pk) if network.takes_pictures else ""
    return Composition(
        url=link if network.takes_short_links else shared.url,
        title=shared.title,
        text=shared.description,
        image_url=card_files.url(card) if card else "",
    )


def _look_up(code: str) -> Shareable:
    target = queries.target_by_code(code)
    if target is None:
        raise _Unknown(code)
    return _shareable(target)


def _shareable(target: ShareTarget) -> Shareable:
    freshness.depends_on(freshness.article(target.page_id), freshness.ADDRESSES)
    return shareable(target)
