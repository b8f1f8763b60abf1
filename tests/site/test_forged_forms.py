"""A form that the editor did not send is refused in words, and what it would have changed stays."""

from typing import Any

import pytest
from django.test import Client

from articles.models import ArticlePage, HomePage
from tests.articles.editing import form, post_edit, post_new, section_block
from tests.factories import add_article, section

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

DEEP = (
    '{"blocks":[{"key":"a","text":"x","type":"unstyled","depth":99999,"inlineStyleRanges":'
    '[{"offset":-5,"length":999,"style":"EVIL"}],"entityRanges":[{"offset":0,"length":1,"key":7}]}],'
    '"entityMap":{}}'
)
FORGED: list[tuple[str, str | None]] = [
    ("body-count", None),
    ("body-count", "x"),
    ("body-count", "-1.5"),
    ("body-count", "999999999"),
    ("body-0-type", None),
    ("body-0-order", "x"),
    ("body-0-order", ""),
    ("body-0-deleted", None),
    ("body-0-value-body-count", None),
    ("body-0-value-references-count", "many"),
    ("introduction", "no JSON"),
    ("introduction", "[]"),
    ("introduction", '{"blocks":1,"entityMap":{}}'),
    ("introduction", "[" * 100_000),
    ("body-0-value-body-0-value", "{"),
    ("body-0-value-body-0-value", DEEP),
]


def forged(field: str, value: str | None) -> dict[str, Any]:
    """Return an honest form with one field gone or made up."""
    data = form(section_block("Why"))
    assert field in data
    return {name: kept for name, kept in data.items() if name != field} | (
        {} if value is None else {field: value}
    )


@pytest.mark.parametrize(("field", "value"), FORGED)
def test_a_forged_form_is_refused(
    field: str, value: str | None, home: HomePage, publisher: Client
) -> None:
    answer = post_new(publisher, home, forged(field, value), publish=True)
    assert answer.status_code == 400
    assert "go back: what you typed should still be there" in answer.content.decode()
    assert not ArticlePage.objects.exists()


def test_a_forged_edit_changes_nothing(home: HomePage, publisher: Client, reader: Client) -> None:
    article = add_article(home, section("Why", "Public words."))
    for field, value in FORGED:
        assert post_edit(publisher, article, forged(field, value), publish=True).status_code == 400
    assert "Public words." in reader.get("/sleep/why/").content.decode()


def test_an_error_of_our_own_stays_an_error(
    home: HomePage, publisher: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise ValueError("ours")

    monkeypatch.setattr(ArticlePage, "save_revision", fail)
    with pytest.raises(ValueError, match="ours"):
        post_new(publisher, home, form(section_block("Why")))
