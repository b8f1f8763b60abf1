"""What articles add to Wagtail's editor."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from wagtail import hooks

from articles.checks import missing_headings
from articles.models import ArticlePage


@hooks.register("insert_editor_js")
def editor_scripts() -> SafeString:
    """Fill a section's slug while its heading is typed; open the editor at the block asked for."""
    scripts = ["articles/section_slugs.js", "articles/block_anchor.js"]
    return format_html_join(
        "\n",
        '<script type="module" src="{}"></script>',
        [(static(script),) for script in scripts],
    )


@hooks.register("after_publish_page")
def warn_of_missing_headings(request: HttpRequest, page: Any) -> None:
    """Say which sections went out without a heading."""
    if not isinstance(page, ArticlePage):
        return
    unnamed = [f"part {position}" for position in missing_headings(page)]
    if unnamed:
        messages.warning(
            request,
            f"Published without a heading: {', '.join(unnamed)}. Readers see “Part N of {page.title}”; "
            "give each a heading so that it can be found and shared by name.",
        )
