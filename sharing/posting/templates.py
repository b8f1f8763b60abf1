"""Texts with variables, and how they become posts that fit. Plain Python: it knows no database."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sharing.networks.posting.lengths import TextRule, measure
from sharing.networks.text import shorten

# What each stands for, as editors read it.
VARIABLES = {
    "title": "the title of the article or section",
    "article": "the title of the article",
    "section": "the title of the section; nothing for a whole article",
    "summary": "what it says about itself",
    "link": "the post’s own short link",
    "site": "the name of this site",
}
LINK = "{link}"
# Used while nobody has written a template.
STANDARD = "{title}\n\n{summary}\n\n{link}"
# Shortened in this order until the whole fits; the link never is.
_SHORTENED = ("summary", "article", "section", "title", "site")
# Braces that are meant are doubled; a single one that begins no variable is left alone.
_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}\n]{0,40})\}")


class UnknownVariable(ValueError):
    """Name the variables of a text that there are not, and those that there are."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        asked = " and ".join(f"{{{name}}}" for name in names)
        known = ", ".join(f"{{{name}}}" for name in VARIABLES)
        is_one = len(names) == 1
        super().__init__(
            f"{asked} {'is no variable' if is_one else 'are no variables'}. Known are {known}. "
            "Write {{ and }} for braces that are meant."
        )


@dataclass(frozen=True, slots=True)
class Words:
    """What the variables stand for, but the link."""

    title: str
    article: str
    section: str
    summary: str
    site: str


def check(template: str) -> None:
    """Raise UnknownVariable where a text names one that there is not."""
    names = [name for name in _variables(template) if name not in VARIABLES]
    if names:
        raise UnknownVariable(list(dict.fromkeys(names)))


def fill(template: str, words: Words, *, link: str, rule: TextRule, warning: str = "") -> str:
    """Return the text of a post: variables replaced, and shortened at a word where it would not fit.

    A text that does not name the link gets it at its end. What is still too long is returned as it is.
    Raises UnknownVariable.
    """
    check(template)
    if "link" not in _variables(template):
        template = with_link(template)
    values = {name: getattr(words, name) for name in _SHORTENED} | {"link": link}

    def text() -> str:
        return _replaced(template, values)

    def fits() -> bool:
        return measure(text(), rule, warning=warning).fits(rule)

    named = set(_variables(template))
    for name in _SHORTENED:
        if fits():
            break
        if name not in named:
            continue
        whole, values[name] = values[name], ""
        if not fits():
            continue
        too_short, too_long = 0, len(whole) + 1
        while too_long - too_short > 1:
            room = (too_short + too_long) // 2
            values[name] = shorten(whole, room)
            too_short, too_long = (room, too_long) if fits() else (too_short, room)
        values[name] = shorten(whole, too_short)
    return text()


def fill_known(template: str, words: Words, *, link: str) -> str:
    """Return a text whose known variables are replaced; unknown ones stay, for a person to mend."""
    if "link" not in _variables(template):
        template = with_link(template)
    return _replaced(template, {name: getattr(words, name) for name in _SHORTENED} | {"link": link})


def with_link(text: str) -> str:
    """Return a text with the link's variable at its end."""
    text = text.rstrip()
    if not text:
        return LINK
    return f"{text}\n\n{LINK}" if "\n" in text else f"{text} {LINK}"


def editable(text: str, link: str) -> str:
    """Return a post's text as it is edited: its link is a variable again, and braces are meant."""
    return LINK.join(map(_meant, text.split(link))) if link else _meant(text)


def _meant(text: str) -> str:
    if _TOKEN.search(text) or text.endswith("{") or text.startswith("}"):
        return text.replace("{", "{{").replace("}", "}}")
    return text


def _variables(template: str) -> Iterator[str]:
    return (match[1].strip() for match in _TOKEN.finditer(template) if match[1] is not None)


def _replaced(template: str, values: dict[str, str]) -> str:
    left_out = False

    def replacement(match: re.Match[str]) -> str:
        nonlocal left_out
        if match[1] is None:
            return match[0][0]
        value = values.get(match[1].strip(), match[0])
        left_out = left_out or not value
        return value

    text = _TOKEN.sub(replacement, template).strip()
    # A variable that stood for nothing leaves no hole.
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)) if left_out else text
