"""A preview shows the draft, whole or one section of it, in a frame of the admin alone."""

from typing import Any

import pytest
from django.http import HttpResponseBase
from django.test import Client

from articles.models import ArticlePage, HomePage
from tests.articles.editing import form, section_block
from tests.factories import add_article, add_draft, edit, section

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def with_a_draft(home: HomePage) -> ArticlePage:
    """Return a live article whose draft says something else."""
    why = section("Why", "Public words.")
    article = add_article(home, why, section("How"))
    why["value"]["body"][0]["value"] = "<p>Draft words.</p>"
    edit(article, why, section("When", "More draft words."), title="Slumber", publish=False)
    return article


def draft_of(article: ArticlePage) -> ArticlePage:
    draft: ArticlePage = article.get_latest_revision_as_object()
    return draft


def preview(article: ArticlePage, mode: str = "") -> str:
    """Return the preview of an article's newest draft."""
    response: Any = draft_of(article).make_preview_request(preview_mode=mode)
    assert response.status_code == 200
    response.render()
    page: str = response.content.decode()
    return page


def modes(article: ArticlePage) -> dict[str, str]:
    """Return the names of the preview modes of the newest draft by their labels."""
    return {label: name for name, label in draft_of(article).preview_modes}


def test_the_preview_shows_the_draft_and_not_what_is_live(home: HomePage) -> None:
    page = preview(with_a_draft(home))
    assert "<h1>Slumber</h1>" in page
    assert "Draft words." in page
    assert "More draft words." in page
    assert "Public words." not in page


def test_each_section_of_the_draft_has_a_preview_of_its_own(home: HomePage) -> None:
    article = with_a_draft(home)
    assert list(modes(article)) == ["Whole article", "Why", "When"]
    page = preview(article, modes(article)["When"])
    assert "<h1>When</h1>" in page
    assert "More draft words." in page
    assert "<h1>Slumber</h1>" not in page


def test_a_section_without_heading_is_previewed_by_its_number(home: HomePage) -> None:
    article = add_draft(home, section("Why"), section())
    assert "<h1>Part 2</h1>" in preview(article, modes(article)["Part 2"])


def test_a_mode_of_a_section_that_is_gone_shows_the_whole_article(home: HomePage) -> None:
    article = with_a_draft(home)
    how = article.sections.get(slug="how")
    assert "<h1>Slumber</h1>" in preview(article, f"section-{how.block_id}")


def test_an_article_that_was_never_published_has_a_preview_without_a_share_bar(
    home: HomePage,
) -> None:
    page = preview(add_draft(home))
    assert "The share bar appears here once this is published." in page
    assert "/share/" not in page


def test_a_preview_is_kept_from_search_engines(home: HomePage) -> None:
    assert '<meta name="robots" content="noindex">' in preview(add_draft(home))


# Through the admin's own views


def answered(response: HttpResponseBase) -> str:
    """Return the page of a preview that nobody but the admin may put into a frame."""
    assert response.status_code == 200
    assert "frame-ancestors 'self';" in f"{response.headers['Content-Security-Policy']};"
    page: str = response.content.decode()  # type: ignore[attr-defined]
    return page


@pytest.mark.parametrize("mode", ["Whole article", "When"])
def test_a_saved_draft_can_be_opened_in_the_admin(
    mode: str, home: HomePage, editor: Client
) -> None:
    article = with_a_draft(home)
    path = f"/admin/pages/{article.pk}/view_draft/"
    page = answered(editor.get(path, {"mode": modes(article)[mode]}))
    assert "More draft words." in page


def test_what_is_typed_is_previewed_before_it_is_saved(home: HomePage, editor: Client) -> None:
    article = add_article(home, section("Why", "Public words."))
    path = f"/admin/pages/{article.pk}/edit/preview/"
    data = form(
        section_block("Why", "<p>Typed words.</p>"), section_block("More", "<p>Typed too.</p>")
    )
    assert editor.post(path, data).json()["is_valid"]
    answer = editor.get(path, {"mode": ""})
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN", "the editor shows it in a frame"
    page = answered(answer)
    assert "Typed words." in page
    assert "Public words." not in page
    assert "Typed words." not in article.get_latest_revision_as_object().parts[0].text


def test_a_new_article_is_previewed_before_it_is_saved_at_all(
    home: HomePage, editor: Client
) -> None:
    path = f"/admin/pages/add/articles/articlepage/{home.pk}/preview/"
    data = form(section_block("Why", "<p>Typed words.</p>"), section_block())
    assert editor.post(path, data).json()["is_valid"]
    page = answered(editor.get(path, {"mode": ""}))
    assert "Typed words." in page
    assert "Part 2" in page
    assert not ArticlePage.objects.exists()


def test_an_unsaved_section_of_a_new_article_can_be_previewed(
    home: HomePage, editor: Client
) -> None:
    path = f"/admin/pages/add/articles/articlepage/{home.pk}/preview/"
    block_id = "11111111-1111-4111-8111-111111111111"
    data = form(section_block("Why", "<p>Typed words.</p>")) | {"body-0-id": block_id}
    assert editor.post(path, data).json()["is_valid"]
    page = answered(editor.get(path, {"mode": f"section-{block_id}"}))
    assert "<h1>Why</h1>" in page


def test_an_old_revision_can_be_opened_in_the_admin(home: HomePage, editor: Client) -> None:
    article = with_a_draft(home)
    live = article.live_revision
    page = answered(editor.get(f"/admin/pages/{article.pk}/revisions/{live.pk}/view/"))
    assert "Public words." in page
    assert "Draft words." not in page


def test_a_reader_cannot_open_a_preview(home: HomePage, reader: Client) -> None:
    article = with_a_draft(home)
    for path in (
        f"/admin/pages/{article.pk}/view_draft/",
        f"/admin/pages/{article.pk}/edit/preview/",
    ):
        answer = reader.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")
    for query in ("?preview=1", "?mode=section-1", "?in_preview_panel=true"):
        assert "Draft words." not in reader.get(f"/sleep/{query}").content.decode()
