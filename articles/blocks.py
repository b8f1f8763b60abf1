"""The blocks that editors build an article from."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_unicode_slug
from django.db.models import TextChoices
from wagtail import blocks
from wagtail.blocks.stream_block import StreamBlockValidationError
from wagtail.blocks.struct_block import StructBlockValidationError
from wagtail.images.blocks import ImageBlock

from articles.outline import (
    LONGEST_HEADING,
    LONGEST_SLUG,
    LONGEST_SUMMARY,
    is_reserved_slug,
    section_slugs,
    slug_from_heading,
)

TEXT_FEATURES = ["h3", "h4", "bold", "italic", "ol", "ul", "link", "document-link"]
SHORT_TEXT_FEATURES = ["bold", "italic", "ol", "ul", "link"]


class HealthAspect(TextChoices):
    """What a section tells about its topic; schema.org's HealthAspectEnumeration (November 2026)."""

    OVERVIEW = "OverviewHealthAspect", "Overview"
    SYMPTOMS = "SymptomsHealthAspect", "Symptoms"
    CAUSES = "CausesHealthAspect", "Causes"
    RISKS = "RisksOrComplicationsHealthAspect", "Risks or complications"
    SCREENING = "ScreeningHealthAspect", "Screening and diagnosis"
    TREATMENTS = "TreatmentsHealthAspect", "Treatments"
    SELF_CARE = "SelfCareHealthAspect", "Self-care"
    PREVENTION = "PreventionHealthAspect", "Prevention"
    PROGNOSIS = "PrognosisHealthAspect", "Outlook"
    LIVING_WITH = "LivingWithHealthAspect", "Living with it"
    MISCONCEPTIONS = "MisconceptionsHealthAspect", "Misconceptions"


class CareLevel(TextChoices):
    """How urgently a reader should act, after the NHS care cards (November 2026)."""

    SELF_CARE = "self-care", "Self-care"
    SEE_DOCTOR_SOON = "see-doctor-soon", "See a doctor soon"
    GET_HELP_NOW = "get-help-now", "Get help now"


class FigureBlock(blocks.StructBlock):
    """A picture with its alternative text and a caption."""

    image = ImageBlock()
    caption = blocks.CharBlock(required=False, max_length=250)

    class Meta:
        icon = "image"
        label = "Image"
        template = "articles/blocks/figure.html"


class ReferenceBlock(blocks.StructBlock):
    """One source, so that a reader can find it."""

    citation = blocks.CharBlock(
        max_length=500, help_text="Author or body, title, where it appeared, date."
    )
    url = blocks.URLBlock(
        required=False, label="Address", validators=[URLValidator(schemes=["http", "https"])]
    )
    identifier = blocks.CharBlock(
        required=False, max_length=100, help_text="A DOI or PubMed number, where there is one."
    )

    class Meta:
        icon = "openquote"
        label = "Reference"


class SectionBlock(blocks.StructBlock):
    """A part of an article with an address of its own."""

    heading = blocks.CharBlock(
        required=False,
        max_length=LONGEST_HEADING,
        help_text="Without one, readers see “Part 2 of …” and the address ends in part-2.",
    )
    slug = blocks.CharBlock(
        required=False,
        max_length=LONGEST_SLUG,
        help_text="The end of this section's address. Filled from the heading; once published, "
        "the old address leads to the new one.",
    )
    aspect = blocks.ChoiceBlock(
        choices=HealthAspect.choices,
        required=False,
        label="Health aspect",
        help_text="What this section tells about the topic.",
    )
    summary = blocks.TextBlock(
        required=False,
        max_length=LONGEST_SUMMARY,
        rows=2,
        help_text="One sentence. Search engines and networks show it under the heading.",
    )
    body = blocks.StreamBlock(
        [("text", blocks.RichTextBlock(features=TEXT_FEATURES)), ("image", FigureBlock())],
        required=False,
    )
    references = blocks.ListBlock(ReferenceBlock(), default=[], required=False)

    def clean(self, value: Mapping[str, Any]) -> Any:
        """Return the value with its slug filled; a bad slug raises at its field."""
        cleaned = super().clean(value)
        slug = cleaned["slug"].strip().strip("/").lower()
        if slug:
            try:
                validate_unicode_slug(slug)
            except ValidationError as error:
                message = "Use letters, numbers, hyphens and underscores only."
                raise StructBlockValidationError(
                    {"slug": ValidationError(message, code="invalid")}
                ) from error
        else:
            slug = slug_from_heading(cleaned["heading"])
        if is_reserved_slug(slug):
            message = (
                f"“{slug}” is kept for the site itself. Choose another, such as “{slug}-section”."
            )
            raise StructBlockValidationError({"slug": ValidationError(message, code="reserved")})
        cleaned["slug"] = slug
        return cleaned

    class Meta:
        icon = "list-ul"
        label = "Section"
        label_format = "{heading}"
        form_classname = "struct-block section-block"


class CareCardBlock(blocks.StructBlock):
    """A card that says how urgently to act; its heading says it in words."""

    level = blocks.ChoiceBlock(choices=CareLevel.choices, default=CareLevel.SEE_DOCTOR_SOON)
    heading = blocks.CharBlock(
        max_length=150, help_text="Say what to do: “See a doctor if the twitching …”."
    )
    text = blocks.RichTextBlock(features=SHORT_TEXT_FEATURES)

    class Meta:
        icon = "warning"
        label = "Care card"
        label_format = "{heading}"
        template = "articles/blocks/care_card.html"


class CalloutBlock(blocks.StructBlock):
    """An aside that deserves attention without urgency."""

    heading = blocks.CharBlock(required=False, max_length=150)
    text = blocks.RichTextBlock(features=SHORT_TEXT_FEATURES)

    class Meta:
        icon = "info-circle"
        label = "Callout"
        label_format = "{heading}"
        template = "articles/blocks/callout.html"


class ShareCallBlock(blocks.StructBlock):
    """The invitation to share, with every network named."""

    text = blocks.CharBlock(default="Love it? Why not share?", max_length=120)

    class Meta:
        icon = "group"
        label = "Share call"
        label_format = "{text}"


class ArticleBody(blocks.StreamBlock):
    """An article's sections, with free blocks between them."""

    section = SectionBlock()
    care_card = CareCardBlock()
    callout = CalloutBlock()
    share_call = ShareCallBlock()

    def clean(self, value: Any, **kwargs: Any) -> Any:
        """Return the cleaned stream; a slug that two sections would share raises at the later one."""
        cleaned = super().clean(value, **kwargs)
        first_use: dict[str, int] = {}
        errors: dict[int, ValidationError] = {}
        sections = [(i, child) for i, child in enumerate(cleaned) if child.block_type == "section"]
        unique = section_slugs([child.value for _, child in sections])
        for ordinal, ((index, child), free) in enumerate(zip(sections, unique, strict=True), 1):
            slug = child.value["slug"]
            if slug and slug in first_use:
                message = (
                    f"Section {first_use[slug]} has the address “{slug}” already. Try “{free}”."
                )
                errors[index] = StructBlockValidationError(
                    {"slug": ValidationError(message, code="duplicate")}
                )
            first_use.setdefault(slug, ordinal)
        if errors:
            raise StreamBlockValidationError(block_errors=errors)
        return cleaned

    class Meta:
        icon = "doc-full"
