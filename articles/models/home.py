"""The front page, which lists the articles."""

from typing import Any, ClassVar

from django.db import models, transaction
from django.http import HttpRequest
from wagtail.admin.panels import FieldPanel
from wagtail.models import Page

from articles import freshness
from articles.models.address import READING, OnSiteUrl
from articles.models.article import ArticlePage

ARTICLES_A_PAGE = 20


class HomePage(OnSiteUrl, Page):
    """The site's front page."""

    introduction = models.TextField(
        blank=True, max_length=300, help_text="A sentence or two under the site's name."
    )

    content_panels: ClassVar = [*Page.content_panels, FieldPanel("introduction")]
    subpage_types: ClassVar = ["articles.ArticlePage"]
    parent_page_types: ClassVar = ["wagtailcore.Page"]
    max_count = 1
    # What is published is public; the API, counts and share links could not keep a page private.
    private_page_options: ClassVar[list[str]] = []
    allowed_http_methods: ClassVar = READING

    class Meta:
        verbose_name = "home page"

    @property
    def description(self) -> str:
        """Return one sentence for search engines and networks."""
        return self.search_description or self.introduction

    def save(self, *args: Any, **kwargs: Any) -> Any:
        """Save; every page names the front page and lies below it."""
        fields = kwargs.get("update_fields")
        with transaction.atomic():
            result = super().save(*args, **kwargs)
            if fields is None or {"live", "title", "slug"}.intersection(fields):
                freshness.touch(freshness.EVERYTHING, gone=not self.live)
        return result

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add one page of live articles, newest first, and the key of the next."""
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        articles = ArticlePage.objects.live().newest_first(after=request.GET.get("after", ""))
        page = list(articles[: ARTICLES_A_PAGE + 1])
        context["articles"] = page[:ARTICLES_A_PAGE]
        context["next_key"] = page[-2].list_key if len(page) > ARTICLES_A_PAGE else ""
        context["is_first"] = "after" not in request.GET
        return context
