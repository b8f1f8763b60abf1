"""Published articles and sections, read-only."""

from datetime import UTC
from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework import mixins, serializers, viewsets
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from articles import freshness, queries
from articles.models import ArticlePage, Section


class NewestFirst(CursorPagination):
    """Pages by key, so that a page costs the same wherever it is."""

    ordering = ("-first_published_at", "-pk")
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100

    def decode_cursor(self, request: Request) -> Any:
        """Return the cursor of a request; raises NotFound where its position is no moment."""
        cursor: Any = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not _is_moment(cursor.position):
            raise NotFound(self.invalid_cursor_message)
        return cursor


def _is_moment(text: str) -> bool:
    try:
        moment = parse_datetime(text)
        if moment is None or moment.tzinfo is None:
            return False
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


class SectionSerializer(serializers.ModelSerializer[Section]):
    """A section as its own page shows it."""

    url = serializers.SerializerMethodField(help_text="Absolute address of the section's page.")

    class Meta:
        model = Section
        fields: ClassVar[list[str]] = [
            "id",
            "block_id",
            "slug",
            "position",
            "heading",
            "title",
            "aspect",
            "summary",
            "text",
            "url",
            "first_published_at",
            "changed_at",
        ]

    def get_url(self, section: Section) -> str:
        """Return the absolute address."""
        return section.page.section_url(section.slug, self.context["request"])


class ArticleSerializer(serializers.ModelSerializer[ArticlePage]):
    """An article in a list."""

    url = serializers.SerializerMethodField(help_text="Absolute address.")

    class Meta:
        model = ArticlePage
        fields: ClassVar[list[str]] = [
            "id",
            "slug",
            "title",
            "description",
            "url",
            "first_published_at",
            "last_published_at",
            "reviewed_on",
        ]

    def get_url(self, article: ArticlePage) -> str:
        """Return the absolute address."""
        return str(article.get_full_url(self.context["request"]))


class ArticleDetailSerializer(ArticleSerializer):
    """An article with its sections, in page order."""

    sections = SectionSerializer(many=True, source="live_sections", read_only=True)

    class Meta(ArticleSerializer.Meta):
        fields: ClassVar[list[str]] = [*ArticleSerializer.Meta.fields, "sections"]


class ArticleViewSet(viewsets.ReadOnlyModelViewSet[ArticlePage]):
    """List published articles, newest first; read one, by slug, with its sections."""

    lookup_field = "slug"
    lookup_value_regex = r"[^/]+"
    pagination_class = NewestFirst
    serializer_class: type[serializers.BaseSerializer[ArticlePage]] = ArticleSerializer
    detail_serializer_class: type[serializers.BaseSerializer[ArticlePage]] = ArticleDetailSerializer

    def get_queryset(self) -> QuerySet[ArticlePage]:
        """Return published articles; one article comes with its sections."""
        articles: QuerySet[ArticlePage] = queries.live_articles().defer_streamfields()
        if self.action == "retrieve":
            sections = Section.objects.live().order_by("position")
            articles = articles.prefetch_related(
                Prefetch("sections", queryset=sections, to_attr="live_sections")
            )
        return articles

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one page of the list."""
        freshness.keep(freshness.LISTS, parameters=["cursor", "page_size"])
        return super().list(request, *args, **kwargs)

    def get_object(self) -> ArticlePage:
        """Return the article asked for; raises Http404."""
        article = super().get_object()
        freshness.keep(freshness.article(article.pk), freshness.ADDRESSES)
        return article

    def get_serializer_class(self) -> type[serializers.BaseSerializer[ArticlePage]]:
        """Return the serializer with sections for one article."""
        return self.detail_serializer_class if self.action == "retrieve" else self.serializer_class


class SectionViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet[Section]):
    """Read one published section by id."""

    serializer_class: type[serializers.BaseSerializer[Section]] = SectionSerializer
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self) -> QuerySet[Section]:
        """Return the sections that readers can open."""
        return queries.live_sections()

    def get_object(self) -> Section:
        """Return the section asked for; raises Http404."""
        section = super().get_object()
        freshness.keep(freshness.article(section.page_id), freshness.ADDRESSES)
        return section
