"""A section's sources, as a list of Markdown."""

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from markdown_it.token import Token

from articles.importing.commonmark import Document
from articles.importing.imported import LONGEST_CITATION, LONGEST_IDENTIFIER, ImportedReference
from articles.importing.rich_text import plain

_WEB_ADDRESS = URLValidator(schemes=["http", "https"])
_OF_A_LIST = {
    f"{name}_{side}"
    for name in ("ordered_list", "bullet_list", "list_item", "paragraph")
    for side in ("open", "close")
}


def references_in(document: Document, blocks: list[Token]) -> list[ImportedReference] | None:
    """Return the items of a list of sources, or None where there is anything else."""
    if not blocks or blocks[0].type not in {"ordered_list_open", "bullet_list_open"}:
        return None
    found = []
    depth = 0
    for token in blocks:
        depth += token.nesting
        if token.type == "inline":
            reference = _reference(document, token)
            if reference is None:
                return None
            found.append(reference)
        elif token.type not in _OF_A_LIST or (depth == 0 and token is not blocks[-1]):
            return None
    return found


def _reference(document: Document, line: Token) -> ImportedReference | None:
    children = list(line.children or ())
    identifier = ""
    if len(children) > 1 and children[-1].type == "code_inline":
        identifier = children.pop().content
    passages = document.passages_within([Token("inline", "", 0, children=children)])
    citation = plain(passages)
    addresses = {run.href for passage in passages for run in passage.runs if run.text.strip()}
    url = addresses.pop() if len(addresses) == 1 else ""
    if addresses - {""} or len(identifier) > LONGEST_IDENTIFIER:
        return None
    if not 0 < len(citation) <= LONGEST_CITATION or (url and not _is_web_address(url)):
        return None
    return ImportedReference(citation, url, identifier)


def _is_web_address(url: str) -> bool:
    try:
        _WEB_ADDRESS(url)
    except ValidationError:
        return False
    return True
