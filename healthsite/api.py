"""The API as a whole: articles and sections with the share codes that sharing gave them."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.urls import include, path, re_path, reverse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from articles import api as articles_api
from articles.models import ArticlePage, Section
from sharing import api as sharing_api
from sharing import card_files
from sharing import queries as sharing_queries

_HELP = "Names this in share links and counts; null until first published."
_CARD_HELP = (
    "Absolute address of a picture for link previews, PNG, 1200 by 630; null until it is made."
)


class SharedSectionSerializer(articles_api.SectionSerializer):
    """A section, its share code and its share card."""

    share_code = serializers.SerializerMethodField(help_text=_HELP)
    card_url = serializers.SerializerMethodField(help_text=_CARD_HELP)

    class Meta(articles_api.SectionSerializer.Meta):
        fields: ClassVar[list[str]] = [
            *articles_api.SectionSerializer.Meta.fields,
            "share_code",
            "card_url",
        ]

    def get_share_code(self, section: Section) -> str | None:
        """Return the section's share code."""
        return _share_code(_identity(self, section.page_id, section.block_id))

    def get_card_url(self, section: Section) -> str | None:
        """Return the address of the section's card."""
        return _card_url(_identity(self, section.page_id, section.block_id))


class SharedArticleSerializer(articles_api.ArticleDetailSerializer):
    """An article, its share code and card, and its sections with theirs."""

    share_code = serializers.SerializerMethodField(help_text=_HELP)
    card_url = serializers.SerializerMethodField(help_text=_CARD_HELP)
    sections = SharedSectionSerializer(many=True, source="live_sections", read_only=True)

    class Meta(articles_api.ArticleDetailSerializer.Meta):
        fields: ClassVar[list[str]] = [
            *articles_api.ArticleSerializer.Meta.fields,
            "share_code",
            "card_url",
            "sections",
        ]

    def get_share_code(self, article: ArticlePage) -> str | None:
        """Return the article's share code."""
        return _share_code(_identity(self, article.pk, None))

    def get_card_url(self, article: ArticlePage) -> str | None:
        """Return the address of the article's card."""
        return _card_url(_identity(self, article.pk, None))


class WithShareCodes:
    """Give a view's serializers one place to keep the share codes and cards they asked for."""

    def get_serializer_context(self) -> dict[str, Any]:
        """Return the view's context and the places."""
        context: dict[str, Any] = super().get_serializer_context()  # type: ignore[misc]  # a mixin
        return context | {"share_identities": {}}


class ArticleViewSet(WithShareCodes, articles_api.ArticleViewSet):
    """List published articles, newest first; read one, by slug, with its sections."""

    detail_serializer_class = SharedArticleSerializer


class SectionViewSet(WithShareCodes, articles_api.SectionViewSet):
    """Read one published section by id."""

    serializer_class = SharedSectionSerializer


class IndexSerializer(serializers.Serializer[Any]):
    """The API's addresses, absolute; what stands in braces is to be put in."""

    articles = serializers.URLField(help_text="Published articles, newest first.")
    article = serializers.CharField(help_text="One article with its sections.")
    section = serializers.CharField(help_text="One section.")
    share_counts = serializers.CharField(
        help_text="How often an article and its sections were shared."
    )
    share_events = serializers.URLField(help_text="Where a share that was handed over is told.")
    schema = serializers.URLField(help_text="This API as an OpenAPI document.")
    docs = serializers.URLField(help_text="The same for people to read.")


class Index(APIView):
    """Where the API begins."""

    @extend_schema(operation_id="index", responses=IndexSerializer)
    def get(self, request: Request) -> Response:
        """Return the API's addresses."""
        here = f"{settings.SITE_URL}{reverse('api:index')}"
        return Response(
            {
                "articles": f"{here}articles/",
                "article": f"{here}articles/{{slug}}/",
                "section": f"{here}sections/{{id}}/",
                "share_counts": f"{here}share-counts/{{code}}/",
                "share_events": f"{here}share-events/",
                "schema": f"{here}schema/",
                "docs": f"{here}docs/",
            }
        )


class Nothing(APIView):
    """An address of the API that leads nowhere."""

    schema = None

    def get(self, request: Request, path: str = "") -> Response:
        """Say so as the API says it."""
        raise NotFound("There is nothing at this address of the API.")

    post = put = patch = delete = get


def only_this_api(endpoints: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Leave Wagtail's own admin API out of the OpenAPI document."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


def _identity(
    serializer: serializers.BaseSerializer[Section] | serializers.BaseSerializer[ArticlePage],
    page_id: int,
    block_id: UUID | None,
) -> sharing_queries.Identity | None:
    """Return what sharing knows an article or section by; an article's are asked for once a response."""
    known: dict[int, dict[UUID | None, sharing_queries.Identity]]
    known = serializer.context["share_identities"]
    if page_id not in known:
        known[page_id] = sharing_queries.identities(page_id)
    return known[page_id].get(block_id)


def _share_code(identity: sharing_queries.Identity | None) -> str | None:
    return identity.code if identity else None


def _card_url(identity: sharing_queries.Identity | None) -> str | None:
    return card_files.url(identity.card) if identity and identity.card else None


router = SimpleRouter()
router.register("articles", ArticleViewSet, basename="article")
router.register("sections", SectionViewSet, basename="section")

app_name = "api"

urlpatterns = [
    path("", Index.as_view(), name="index"),
    path("", include(router.urls)),
    path("share-counts/", sharing_api.ShareCounts.as_view(), name="share-counts"),
    path(
        "share-counts/<str:code>/",
        sharing_api.ShareCountsOfArticle.as_view(),
        name="share-counts-of-article",
    ),
    path("share-events/", sharing_api.ShareEvents.as_view(), name="share-events"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
    # With a slash at the end, so that Django still adds one that is missing elsewhere.
    re_path(r"^(?P<path>(?:.*/)?)$", Nothing.as_view()),
]
