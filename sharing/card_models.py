"""Share cards: the look that they have in common, one row a card, one row a file."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q
from wagtail.admin.panels import FieldPanel
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting
from wagtail.models.panels import PanelPlaceholder

from sharing.cards import colour

# So often is a card tried before an operator has to look at it.
MOST_ATTEMPTS = 5


def validate_accent(value: str) -> None:
    """Raise ValidationError unless a colour is `#rrggbb` and reads on paper and under white."""
    try:
        accent = colour.parse(value)
    except ValueError as error:
        raise ValidationError(
            "Enter a colour as # and six hexadecimal digits, such as #005e5a.", code="no_colour"
        ) from error
    worst = min(colour.contrast(accent, ground) for ground in (colour.PAPER, colour.WHITE))
    if worst < colour.LEAST_CONTRAST:
        message = (
            f"{value} is too light: on a card its contrast would be {worst:.1f} to 1, and small words "
            f"need at least {colour.LEAST_CONTRAST} to 1. Choose a darker colour."
        )
        raise ValidationError(message, code="contrast")


@register_setting(icon="image")
class ShareCardSettings(BaseGenericSetting):
    """The look of all share cards."""

    accent = models.CharField(
        "colour",
        max_length=7,
        default=colour.DEFAULT_ACCENT,
        validators=[validate_accent],
        help_text="Of the panel and the small words. It must be dark enough to be read on paper.",
    )
    logo = models.ForeignKey(
        "wagtailimages.Image",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Stands at the foot of each card. Without one the site’s mark does.",
    )

    select_related: ClassVar = ["logo"]
    panels: ClassVar = [
        FieldPanel("accent", widget=forms.TextInput(attrs={"type": "color"})),
        FieldPanel("logo"),
        # A path, as panels may ask queries, which know these models.
        PanelPlaceholder("sharing.card_panels.CardsProgressPanel", [], {}),
    ]

    class Meta:
        verbose_name = "share cards"

    def __str__(self) -> str:
        return f"share cards in {self.accent}"

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, in one transaction with what follows from it (sharing.signal_handlers)."""
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Raise ValidationError for a logo that is no picture of pixels."""
        super().clean()
        if self.logo is not None and self.logo.is_svg():
            message = "A logo on cards is a PNG, JPEG, WebP, GIF or AVIF, not an SVG."
            raise ValidationError({"logo": ValidationError(message, code="svg")})


class ShareCardQuerySet(models.QuerySet["ShareCard"]):
    """The words in which cards are asked for."""

    def unmade(self) -> "ShareCardQuerySet":
        """Return the cards whose wanted picture is not made."""
        return self.exclude(made=F("wanted"))

    def due(self, now: Any) -> "ShareCardQuerySet":
        """Return the unmade cards that may be tried, newest wish first: editors wait for those."""
        waiting = Q(retry_at=None) | Q(retry_at__lte=now)
        return (
            self.unmade()
            .filter(waiting, attempts__lt=MOST_ATTEMPTS)
            .exclude(design="")
            .order_by("-wanted_at", "pk")
        )

    def failed(self) -> "ShareCardQuerySet":
        """Return the unmade cards that are tried no more."""
        return self.unmade().filter(attempts__gte=MOST_ATTEMPTS)


class ShareCard(models.Model):
    """The card of one share target: what it shows, the picture wanted of it, the picture that is there.

    `wanted` is the digest of all that the drawing depends on; `made` that of the file readers are shown.
    """

    target = models.OneToOneField(
        "sharing.ShareTarget", on_delete=models.CASCADE, related_name="card"
    )
    title = models.CharField(max_length=300)
    eyebrow = models.CharField(max_length=300, blank=True)
    position = models.PositiveIntegerField(default=0)
    parts = models.PositiveIntegerField(default=0)
    # Of the look that `wanted` is for; empty while the published article is still to be read.
    design = models.CharField(max_length=64, blank=True)
    wanted = models.CharField(max_length=64, blank=True)
    wanted_at = models.DateTimeField()
    made = models.CharField(max_length=64, blank=True, db_index=True)
    # Counted before a card is drawn, so that one that kills its worker is known too.
    attempts = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    objects = ShareCardQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["wanted_at"], condition=~Q(made=F("wanted")), name="share_card_unmade"
            )
        ]

    def __str__(self) -> str:
        return self.title


class CardFile(models.Model):
    """A picture that was written. Networks keep its address, so it stays a while after its last use."""

    digest = models.CharField(max_length=64, primary_key=True)
    unused_since = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return self.digest
