"""One row a section: what others may link to, count and list without reading an article's body."""

from typing import ClassVar

from django.db import models

from articles.blocks import HealthAspect
from articles.outline import LONGEST_HEADING, LONGEST_SLUG, LONGEST_SUMMARY


class SectionQuerySet(models.QuerySet["Section"]):
    """The words in which sections are asked for."""

    def live(self) -> "SectionQuerySet":
        """Return the sections that readers can open."""
        return self.filter(live=True)

    def changed_last_first(self) -> "SectionQuerySet":
        """Return sections by their last change, the newest first."""
        return self.order_by("-changed_at", "-pk")


class Section(models.Model):
    """A section of one article. The row outlives its block: removed, it answers 410; revived, it returns.

    Keyed on (page, block id), because copies and aliases of a page repeat the block ids.
    """

    page = models.ForeignKey(
        "articles.ArticlePage", on_delete=models.CASCADE, related_name="sections"
    )
    block_id = models.UUIDField()
    position = models.PositiveIntegerField()
    slug = models.CharField(max_length=LONGEST_SLUG)
    heading = models.CharField(max_length=LONGEST_HEADING, blank=True)
    title = models.CharField(max_length=300)
    aspect = models.CharField(max_length=40, choices=HealthAspect.choices, blank=True)
    summary = models.CharField(max_length=LONGEST_SUMMARY, blank=True)
    text = models.TextField(blank=True)
    content_hash = models.CharField(max_length=64)
    live = models.BooleanField(default=True)
    first_published_at = models.DateTimeField()
    # Moves only when what a reader reads in this section changed.
    changed_at = models.DateTimeField()
    # Set while the article is live without this section.
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = SectionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["page", "position"]
        indexes: ClassVar = [
            models.Index(
                fields=["-changed_at", "-id"],
                condition=models.Q(live=True),
                name="section_changed_last",
            )
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["page", "block_id"], name="section_once_per_block"),
            models.UniqueConstraint(
                fields=["page", "slug"],
                condition=models.Q(live=True),
                name="section_slug_leads_to_one_live_section",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class RetiredSlug(models.Model):
    """A slug that a section had before; it answers 301 while no live section has it."""

    page = models.ForeignKey(
        "articles.ArticlePage", on_delete=models.CASCADE, related_name="retired_slugs"
    )
    slug = models.CharField(max_length=LONGEST_SLUG)
    section = models.ForeignKey(Section, on_delete=models.CASCADE, related_name="retired_slugs")
    retired_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["page", "slug"], name="retired_slug_leads_to_one_section"
            )
        ]

    def __str__(self) -> str:
        return self.slug
