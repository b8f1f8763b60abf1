"""The admin's pages to import an article and to export one."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.views import View
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_safe
from wagtail.admin import messages
from wagtail.admin.auth import permission_denied

from articles import actions, queries
from articles.blocks import CareLevel, HealthAspect
from articles.checks import Finding, findings
from articles.import_forms import ImportForm
from articles.importing.drafts import imported_from
from articles.importing.imported import (
    ImportedArticle,
    ImportedBlock,
    ImportedCareCard,
    ImportedSection,
    ImportedShareCall,
    ImportedText,
    Passages,
)
from articles.importing.rich_text import html_from
from articles.importing.source import LARGEST_SOURCE, ImportRefused
from articles.importing.writer import write_markdown
from articles.models import ArticlePage

START, PREVIEW = "articles/admin/import_start.html", "articles/admin/import_preview.html"


def may_import(user: Any) -> bool:
    """Tell whether a person may add an article under the home page."""
    home = queries.home_page()
    return home is not None and bool(home.permissions_for_user(user).can_add_subpage())


@dataclass(frozen=True)
class Previewed:
    """One block of the preview."""

    label: str
    heading: str
    line: int | None
    details: list[str]
    html: SafeString
    findings: list[Finding]


class ImportArticle(View):
    """Two steps: a file or a text, then what was understood of it. The text travels in the form."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Turn away who may not add an article."""
        if not may_import(request.user):
            return permission_denied(request)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file or a text."""
        return render(request, START, {"form": ImportForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Show what was understood, go back to the text, or create the draft."""
        wish = request.POST.get("action")
        if wish == "back":
            kept = {"text": request.POST.get("text", ""), "format": request.POST.get("format")}
            return render(request, START, {"form": ImportForm(initial=kept)})
        form = ImportForm(request.POST, request.FILES)
        if not form.is_valid():
            return render(request, START, {"form": form})
        if wish == "create":
            return self._create(request, form)
        slug = form.article.suggested_slug
        try:
            actions.check_import_slug(slug=slug)
        except ImportRefused as refusal:
            return _preview(request, form, slug, refusal)
        return _preview(request, form, slug)

    def _create(self, request: HttpRequest, form: ImportForm) -> HttpResponse:
        slug = request.POST.get("slug", "").strip()
        try:
            actions.check_import_slug(slug=slug)
            draft = actions.import_article(article=form.article, slug=slug, user=request.user)  # type: ignore[arg-type]  # not anonymous here
        except ImportRefused as refusal:
            return _preview(request, form, slug, refusal)
        messages.success(
            request, f"“{draft.title}” was imported as a draft. Nothing is public yet."
        )
        return redirect(queries.edit_url(draft.pk))


@csrf_exempt
def import_article(request: HttpRequest) -> HttpResponseBase:
    """Answer in words what is too much to read; all else is checked as any other form.

    Exempt at first only because the check itself reads the form, and would answer with a bare 400.
    """
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    try:
        if length.isdecimal() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return _too_large(request)
        _ = request.POST
    except RequestDataTooBig:
        return _too_large(request)
    return _checked(request)


_checked = csrf_protect(ImportArticle.as_view())


@require_safe
def export_article(request: HttpRequest, pk: int) -> HttpResponse:
    """Send an article's newest draft as a Markdown file."""
    article = get_object_or_404(ArticlePage, pk=pk)
    if not article.permissions_for_user(request.user).can_edit():
        raise PermissionDenied
    draft = article.get_latest_revision_as_object()
    response = HttpResponse(
        write_markdown(imported_from(draft)), content_type="text/markdown; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{_file_name(draft)}"'
    return response


def _file_name(article: ArticlePage) -> str:
    name = article.slug.encode("ascii", "ignore").decode().strip("-_")
    return f"{name or f'article-{article.pk}'}.md"


def _too_large(request: HttpRequest) -> HttpResponse:
    context = {"form": ImportForm(), "largest": LARGEST_SOURCE, "too_large": True}
    return render(request, START, context, status=413)


def _preview(
    request: HttpRequest, form: ImportForm, slug: str, refusal: ImportRefused | None = None
) -> HttpResponse:
    article = form.article
    found = findings(article)
    other = refusal.page if isinstance(refusal, actions.SlugInUse) else None
    context = {
        "article": article,
        "raw_text": form.raw_text,
        "source_format": form.source_format,
        "slug": slug,
        "refusal": refusal,
        "other": other,
        "other_url": queries.edit_url(other.pk) if other else "",
        "title_findings": [finding for finding in found if finding.position is None],
        "findings": found,
        "introduction": _html(article.introduction),
        "blocks": list(_previewed(article, found)),
        "home": queries.home_page(),
    }
    return render(request, PREVIEW, context)


def _previewed(article: ImportedArticle, found: list[Finding]) -> Any:
    position = 0
    for block in article.blocks:
        at_block: list[Finding] = []
        if isinstance(block, ImportedSection):
            position += 1
            at_block = [finding for finding in found if finding.position == position]
        yield Previewed(
            label=_label(block, position),
            heading=block.text if isinstance(block, ImportedShareCall) else block.heading,
            line=block.line,
            details=_details(block),
            html=_block_html(block),
            findings=at_block,
        )


def _label(block: ImportedBlock, position: int) -> str:
    if isinstance(block, ImportedSection):
        return f"Section {position}"
    if isinstance(block, ImportedShareCall):
        return "Call to share"
    if isinstance(block, ImportedCareCard):
        return f"Care card: {CareLevel(block.level).label}"
    return "Callout"


def _details(block: ImportedBlock) -> list[str]:
    if not isinstance(block, ImportedSection):
        return []
    details = [f"Summary: {block.summary}"] if block.summary else []
    if block.aspect:
        details.append(f"Health aspect: {HealthAspect(block.aspect).label}")
    details += [f"Reference: {reference.citation}" for reference in block.references]
    return details


def _block_html(block: ImportedBlock) -> SafeString:
    if isinstance(block, ImportedShareCall):
        return SafeString("")
    if not isinstance(block, ImportedSection):
        return _html(block.text)
    texts = [child.passages for child in block.body if isinstance(child, ImportedText)]
    return _html(tuple(passage for text in texts for passage in text))


def _html(text: Passages) -> SafeString:
    return mark_safe(html_from(text))  # noqa: S308  # written from passages, and through nh3
