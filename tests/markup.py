"""Read the HTML that pages answer with."""

from html.parser import HTMLParser


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def tags_of(page: str) -> list[tuple[str, dict[str, str]]]:
    """Return every opening tag as (name, attributes), in order."""
    parser = _Tags()
    parser.feed(page)
    parser.close()
    return parser.found


def values(page: str, tag: str, attribute: str, **where: str) -> list[str]:
    """Return one attribute of all tags of a name that have these other attributes, in order."""
    return [
        attributes[attribute]
        for name, attributes in tags_of(page)
        if name == tag and attribute in attributes and where.items() <= attributes.items()
    ]
