"""The names of what answers are made from: short, and no more of them than are ever touched apart."""

# The template version, the site's address, a restored backup.
EVERYTHING = "everything"
# The front page, older lists, feeds: what the publishing of any article changes.
LISTS = "lists"
# How sharing is offered, and how its cards look.
SETTINGS = "settings"
# A page moved, or took another slug: other pages may link to it.
ADDRESSES = "addresses"

_GONE = "gone:"


def article(page_id: int) -> str:
    """Return the name of a page and all that lies under its address."""
    return f"article:{page_id}"


def image(image_id: int) -> str:
    """Return the name of a picture wherever it is shown."""
    return f"image:{image_id}"


def gone(name: str) -> str:
    """Return the name that is touched where nothing older of `name` may ever be shown again."""
    return _GONE + name
