"""Edit as a person does: through the admin's own forms."""

from typing import Any

from django.test import Client
from wagtail.test.utils.form_data import inline_formset, nested_form_data, rich_text, streamfield

from articles.models import ArticlePage, HomePage


def section_block(
    heading: str = "", text: str = "<p>Some words.</p>", **fields: Any
) -> tuple[str, Any]:
    """Return a section as `form` takes it; `text` is HTML, put through the editor's own converter."""
    value = {
        "heading": heading,
        "slug": "",
        "aspect": "",
        "summary": "",
        "body": streamfield([("text", rich_text(text))]),
        "references": streamfield([]),
    }
    return "section", value | fields


def form(*blocks: tuple[str, Any], title: str = "Sleep", **fields: Any) -> dict[str, Any]:
    """Return what the editor's form sends for an article of these blocks."""
    values = {
        "title": title,
        "slug": "sleep",
        "seo_title": "",
        "search_description": "",
        "standfirst": "",
        "introduction": rich_text(fields.pop("introduction", "<p>Hello.</p>")),
        "reviewed_on": "",
        "reviewed_by": "",
        "go_live_at": "",
        "expire_at": "",
        "body": streamfield(list(blocks)),
        "comments": inline_formset([]),
    }
    data: dict[str, Any] = nested_form_data(values | fields)
    return data


def post_new(client: Client, home: HomePage, data: dict[str, Any], *, publish: bool = False) -> Any:
    """Send the form of a new article, with the button “Save draft” or “Publish”."""
    return _post(client, f"/admin/pages/add/articles/articlepage/{home.pk}/", data, publish)


def post_edit(
    client: Client, article: ArticlePage, data: dict[str, Any], *, publish: bool = False
) -> Any:
    """Send the form of an article that exists."""
    return _post(client, f"/admin/pages/{article.pk}/edit/", data, publish)


def _post(client: Client, path: str, data: dict[str, Any], publish: bool) -> Any:
    return client.post(path, data | ({"action-publish": "action-publish"} if publish else {}))


def saved(response: Any) -> bool:
    """Tell whether the form was taken; a refused one comes back with its errors."""
    assert response.status_code in {200, 302}, response.status_code
    return bool(response.status_code == 302)


def slug_errors(response: Any) -> dict[int, list[str]]:
    """Return the messages at the slug fields of the sections of a refused form, by block index."""
    (error,) = response.context["form"].errors["body"].as_data()
    found = {}
    for index, block_error in error.block_errors.items():
        slug = block_error.as_data() if hasattr(block_error, "as_data") else block_error
        found[index] = list(slug.block_errors["slug"].messages)
    return found
