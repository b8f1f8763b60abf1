"""Published articles and sections, read-only."""

from base64 import b64decode, b64encode
from typing import Any, ClassVar, cast
from urllib.parse import parse_qsl, urlencode

from django.db.models import Prefetch, QuerySet
from rest_framework import mixins, serializers, viewsets
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from articles import freshness, queries
from articles.models import ArticlePage, Section
from articles.models.article import ArticleQuerySet, place_of


class NewestFirst(CursorPagination):
    """Pages by key, so that a page costs the same wherever it is.

    The library's own cursor holds a moment and counts the articles of that moment, which meets some twice
    or never where a walk turns round among them. Ours holds the key of one article.
    """

    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return one page; raises NotFound for a cursor that is none."""
        self.request = request
        self._address = request.build_absolute_uri()
        size = self.get_page_size(request) or self.page_size
        key, backwards = _read_cursor(request.query_params.get(self.cursor_query_param, ""))
        articles = cast(ArticleQuerySet, queryset)
        found = list(
            articles.oldest_first(after=key)[: size + 1]
            if backwards
            else articles.newest_first(after=key)[: size + 1]
        )
        goes_on = len(found) > size
        page = found[:size]
        if backwards:
            page.reverse()
        self._previous = self._next = None
        if page and (goes_on if backwards else key):
            self._previous = self._link(page[0].list_key, backwards=True)
        if page and (backwards or goes_on):
            self._next = self._link(page[-1].list_key)
        if not page and key:
            # What the walk came from may be gone; it goes back to where that was.
            moment, _, number = key.rpartition("-")
            if backwards:
                self._next = self._link(f"{moment}-{min(int(number) + 1, 2**63 - 1)}")
            else:
                self._previous = self._link(f"{moment}-{max(int(number) - 1, 0)}", backwards=True)
        return page

    def get_next_link(self) -> str | None:
        """Return the address of the page of older articles."""
        return self._next

    def get_previous_link(self) -> str | None:
        """Return the address of the page of newer articles."""
        return self._previous

    def _link(self, key: str, *, backwards: bool = False) -> str:
        fields = {"k": key} | ({"r": "1"} if backwards else {})
        encoded = b64encode(urlencode(fields).encode()).decode("ascii")
        return replace_query_param(self._address, self.cursor_query_param, encoded)


def _read_cursor(cursor: str) -> tuple[str, bool]:
    """Return an article's key, or "" where there is no cursor, and whether the walk goes back."""
    if not cursor:
        return "", False
    try:
        fields = dict(parse_qsl(b64decode(cursor, validate=True).decode(), strict_parsing=True))
    except ValueError:
        fields = {}
    key = fields.get("k", "")
    if place_of(key) is None:
        raise NotFound(NewestFirst.invalid_cursor_message)
    return key, fields.get("r") == "1"


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
