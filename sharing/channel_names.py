"""What editors read where a channel is meant. The one place that names channels for them."""

from collections.abc import Iterable

from sharing.channels import BY_SLUG


def names_for_editors(slugs: Iterable[str]) -> dict[str, str]:
    """Return a name for each channel; one that nothing knows (any more) is named by its slug.

    Takes all slugs at once, so that names which are rows somewhere cost one query.
    """
    return {slug: BY_SLUG[slug].name if slug in BY_SLUG else slug for slug in slugs}
