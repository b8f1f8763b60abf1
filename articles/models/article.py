"""The article: the unit of publication. Its sections are the units of address."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.template.response import TemplateResponse
from django.utils.encoding import iri_to_uri
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, ObjectList, TabbedInterface
from wagtail.contrib.routable_page.models import RoutablePageMixin, path
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page, PageManager
from wagtail.models.panels import PanelPlaceholder
from wagtail.query import PageQuerySet
from wagtail.search import index

from articles import freshness
from articles.blocks import SHORT_TEXT_FEATURES, ArticleBody
from articles.models.address import READING, OnSiteUrl
from articles.models.section import RetiredSlug, Section
from articles.outline import Part, outline, plain_text, shorten
from articles.signals import article_state_saved
from articles.synchronise import Changes, synchronise_sections

WORDS_A_MINUTE = 220
# Fields that make up an article's public state; a save that names none of them changes no row.
_PUBLIC_FIELDS = {"body", "live", "title"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ArticleQuerySet(PageQuerySet):
    """The words in which articles are asked for."""

    def newest_first(self, *, after: str = "") -> "ArticleQuerySet":
        """Return articles by first publication; `after` (a `list_key`) starts behind that article.

        A key that is not one starts at the beginning.
        """
        ordered: ArticleQuerySet = self.order_by("-first_published_at", "-pk")
        place = place_of(after)
        if place is None:
            return ordered
        published, pk = place
        older: ArticleQuerySet = ordered.filter(
            models.Q(first_published_at__lt=published) | models.Q(pk__lt=pk),
            # By itself, so that an index leads here.
            first_published_at__lte=published,
        )
        return older

    def oldest_first(self, *, after: str) -> "ArticleQuerySet":
        """Return what `newest_first` lists before an article (a `list_key`), the other way round."""
        ordered: ArticleQuerySet = self.order_by("first_published_at", "pk")
        place = place_of(after)
        if place is None:
            return ordered
        published, pk = place
        newer: ArticleQuerySet = ordered.filter(
            models.Q(first_published_at__gt=published) | models.Q(pk__gt=pk),
            first_published_at__gte=published,
        )
        return newer


def place_of(list_key: str) -> tuple[datetime, int] | None:
    """Return the moment and the id that a `list_key` stands for, or None where it is none."""
    moment, _, number = list_key.partition("-")
    try:
        place = _EPOCH + timedelta(microseconds=int(moment)), int(number)
    except (ValueError, OverflowError):
        return None
    return place if 0 <= place[1] < 2**63 else None


class ArticlePage(OnSiteUrl, RoutablePageMixin, Page):
    """An article: one edition, ordered sections, each at an address of its own."""

    standfirst = models.TextField(
        max_length=300,
        blank=True,
        help_text="One or two sentences that say what a reader will learn.",
    )
    introduction = RichTextField(blank=True, features=SHORT_TEXT_FEATURES)
    body = StreamField(ArticleBody(), blank=True)
    reviewed_on = models.DateField(
        null=True,
        blank=True,
        verbose_name="medically reviewed on",
        help_text="Leave empty until a clinician has reviewed it: readers see “not yet medically reviewed”.",
    )
    reviewed_by = models.CharField(
        max_length=200, blank=True, help_text="Name and credentials of the reviewer."
    )

    objects = PageManager.from_queryset(ArticleQuerySet)()

    content_panels: ClassVar = [
        # By name: the rules it shows read this model.
        PanelPlaceholder("articles.panels.ToMendPanel", [], {}),
        *Page.content_panels,
        FieldPanel("standfirst"),
        FieldPanel("introduction"),
        FieldPanel("body"),
        MultiFieldPanel(
            [FieldPanel("reviewed_on"), FieldPanel("reviewed_by")], heading="Medical review"
        ),
    ]
    edit_handler = TabbedInterface(
        [
            ObjectList(content_panels, heading="Content"),
            ObjectList(Page.promote_panels, heading="Promote"),
            ObjectList(Page.settings_panels, heading="Settings"),
            # Named in the settings, so that articles import no app that adds a panel.
            ObjectList(
                [PanelPlaceholder(path, [], {}) for path in settings.ARTICLE_EXTRA_PANELS],
                heading="Shares",
            ),
        ]
    )
    search_fields: ClassVar = [
        *Page.search_fields,
        index.SearchField("standfirst"),
        index.SearchField("introduction"),
        index.SearchField("body"),
    ]
    parent_page_types: ClassVar = ["articles.HomePage"]
    subpage_types: ClassVar[list[str]] = []
    # What is published is public; the API, counts and share links could not keep a page private.
    private_page_options: ClassVar[list[str]] = []
    allowed_http_methods: ClassVar = READING

    class Meta:
        verbose_name = "article"

    # What a reader reads

    @property
    def parts(self) -> list[Part]:
        """Return the sections in order, as this object's body (published, draft or preview) has them."""
        return outline(self.title, self.body)

    @property
    def description(self) -> str:
        """Return one sentence for search engines and networks."""
        text = self.search_description or self.standfirst or plain_text(self.introduction)
        return shorten(text, 300)

    @property
    def minutes_to_read(self) -> int:
        """Return the reading time in whole minutes, at least 1."""
        words = len(plain_text(self.introduction).split())
        words += sum(len(part.text.split()) for part in self.parts)
        return max(1, round(words / WORDS_A_MINUTE))

    @property
    def references(self) -> list[dict[str, str]]:
        """Return every section's references once, in order of appearance."""
        seen: dict[tuple[str, str], dict[str, str]] = {}
        for part in self.parts:
            for reference in part.references:
                key = (reference["citation"], reference["url"])
                seen.setdefault(key, dict(reference))
        return list(seen.values())

    @property
    def list_key(self) -> str:
        """Return this article's place in `newest_first`."""
        since = (self.first_published_at or _EPOCH) - _EPOCH
        return f"{since // timedelta(microseconds=1)}-{self.pk}"

    # Saving

    def clean(self) -> None:
        """Give repeated blocks ids of their own; raise ValidationError for a slug of the site's own."""
        super().clean()
        self._give_every_block_an_id()
        if self.slug in settings.RESERVED_ARTICLE_SLUGS:
            message = f"“{self.slug}” is an address of the site itself. Choose another."
            raise ValidationError({"slug": ValidationError(message, code="reserved")})

    def save(self, *args: Any, **kwargs: Any) -> Any:
        """Save, and bring the section rows along in the same transaction.

        Saving a draft of a live article comes here too, with `live` True, the draft in memory and
        `update_fields` that name neither: then nothing public changed and no row is touched.
        """
        fields = kwargs.get("update_fields")
        address = self.url_path
        with transaction.atomic():
            self._give_every_block_an_id()
            was_live = not self.live and self._is_live_in_the_database()
            result = super().save(*args, **kwargs)
            if address and self.url_path != address:
                freshness.touch(freshness.ADDRESSES)
            if fields is None or _PUBLIC_FIELDS.intersection(fields):
                self.follow_saved_state(taken_down=was_live)
        return result

    def _is_live_in_the_database(self) -> bool:
        return self.pk is not None and ArticlePage.objects.filter(pk=self.pk, live=True).exists()

    @transaction.atomic
    def follow_saved_state(self, *, taken_down: bool) -> None:
        """Bring the section rows, kept answers and whoever listens to the state that was saved.

        `taken_down` tells that readers could open it until now, and no more.
        """
        changes = self.synchronise_sections()
        gone = not self.live or bool(changes.removed)
        freshness.touch(freshness.article(self.pk), freshness.LISTS, gone=gone)
        article_state_saved.send(sender=ArticlePage, article=self, taken_down=taken_down)

    def synchronise_sections(self) -> Changes:
        """Make the section rows equal to this article as it is in memory."""
        parts = self.parts if self.live else []
        return synchronise_sections(self.pk, live=self.live, parts=parts)

    def _give_every_block_an_id(self) -> None:
        seen: set[str] = set()
        for child in self.body:
            if not _is_uuid(child.id) or child.id in seen:
                child.id = str(uuid4())
            seen.add(child.id)

    # Serving

    def section_url(self, slug: str, request: HttpRequest | None = None) -> str:
        """Return the absolute address of one of this article's sections."""
        return str(iri_to_uri(f"{self.get_full_url(request)}{slug}/"))

    def get_route_paths(self) -> list[str]:
        """Return every address below this article, so that Wagtail redirects them all on a rename."""
        live = self.sections.live().values_list("slug", flat=True)
        retired = self.retired_slugs.values_list("slug", flat=True)
        return ["/", "/print/", *(f"/{slug}/" for slug in {*live, *retired})]

    def get_cached_paths(self) -> list[str]:
        """Return every address below this article that a cache may keep: removed sections' too."""
        slugs = {
            *self.sections.values_list("slug", flat=True),
            *self.retired_slugs.values_list("slug", flat=True),
        }
        return ["/", "/print/", *(f"/{iri_to_uri(slug)}/" for slug in sorted(slugs))]

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the outline, with the pictures of all sections fetched at once."""
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        context["parts"] = self.parts
        fetch_renditions(self.body)
        return context

    # Above the sections: “print” is a slug that none of them may have.
    @path("print/")
    def print_page(self, request: HttpRequest) -> HttpResponse:
        """Serve the whole article as it goes on paper."""
        return TemplateResponse(request, "articles/print_page.html", self.get_context(request))

    @path("<str:slug>/")
    def section(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Serve one section: 301 from an old slug, 410 for a removed one."""
        parts = self.parts
        for part in parts:
            if part.slug == slug:
                return self._section_page(request, part, parts)
        section = self._section_of_old_slug(slug)
        # A row with this very slug is newer than the body in hand: a redirect would come back here.
        if section is None or (section.live and section.slug == slug):
            raise Http404(f"No section {slug!r}")
        if section.live:
            moved = HttpResponsePermanentRedirect(f"{self.get_url(request)}{section.slug}/")
            # The slug may be given back, and a browser that kept this answer would go in circles.
            moved.headers["Cache-Control"] = "no-cache"
            return moved
        context = {"page": self, "section": section}
        return TemplateResponse(request, "articles/section_gone.html", context, status=410)

    def _section_page(self, request: HttpRequest, part: Part, parts: list[Part]) -> HttpResponse:
        at = part.position - 1
        context = self.get_context(request) | {
            "part": part,
            "previous": parts[at - 1] if at else None,
            "next": parts[at + 1] if part.position < len(parts) else None,
        }
        return TemplateResponse(request, "articles/section_page.html", context)

    def _section_of_old_slug(self, slug: str) -> Section | None:
        retired = RetiredSlug.objects.filter(page=self, slug=slug).select_related("section").first()
        if retired is not None:
            return retired.section
        return Section.objects.filter(page=self, slug=slug).order_by("-live", "-pk").first()

    # Preview: the whole article, or one section of it

    @property
    def preview_modes(self) -> list[tuple[str, str]]:
        """Return the whole article and each section as (name, label)."""
        sections = [(f"section-{part.block_id}", part.short_title) for part in self.parts]
        return [("", "Whole article"), *sections]

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        """Serve the article, or the section that the mode names, as this draft has it."""
        parts = self.parts
        for part in parts:
            if mode_name == f"section-{part.block_id}":
                return self._section_page(request, part, parts)
        response: HttpResponse = super().serve_preview(request, mode_name)
        return response


def fetch_renditions(body: Iterable[Any]) -> None:
    """Fetch the renditions of every picture in an article's body with one query."""
    images = [
        block.value["image"]
        for child in body
        if child.block_type == "section"
        for block in child.value["body"]
        if block.block_type == "image" and block.value["image"]
    ]
    models.prefetch_related_objects(
        images, models.Prefetch("renditions", to_attr="prefetched_renditions")
    )


def _is_uuid(value: str | None) -> bool:
    try:
        UUID(value or "")
    except ValueError:
        return False
    return True
