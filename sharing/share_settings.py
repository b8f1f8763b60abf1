"""What editors decide about sharing for the whole site."""

import logging
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting

from sharing.offering import (
    COMPACT,
    GENEROUS,
    MOST_VISIBLE,
    InvalidChoices,
    Offer,
    label_refusals,
    make_offer,
    own_name,
    read_choices,
)
from sharing.settings_form import ShareSettingsForm

logger = logging.getLogger(__name__)

_VISIBLE = [MinValueValidator(1), MaxValueValidator(MOST_VISIBLE)]


def validate_choices(stored: Any) -> None:
    """Raise ValidationError unless a list of choices can be stored."""
    try:
        choices = read_choices(stored)
    except InvalidChoices as error:
        raise ValidationError(str(error), code="malformed") from error
    by_slug = {each.slug: each for each in choices}
    refused = [
        ValidationError(f"{own_name(by_slug[slug])}: {sentence}", code="taken")
        for slug, sentence in label_refusals(choices).items()
    ]
    if refused:
        raise ValidationError(refused)


@register_setting(icon="group")
class ShareSettings(BaseGenericSetting):
    """Which networks readers are offered, in which order and under which names.

    There is one site, so there is one row, and the permission to change it is an ordinary one of the
    group. Until somebody saves, there is none: everything is as the registry says.
    """

    # A list of {slug, shown, label} in order; sharing.offering says how it meets the registry.
    networks = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_choices],
    )
    compact = models.PositiveSmallIntegerField(
        "at the top of an article",
        default=COMPACT,
        validators=_VISIBLE,
        help_text=f"1 to {MOST_VISIBLE}. The rest opens under “More”.",
    )
    generous = models.PositiveSmallIntegerField(
        "in “Love it? Why not share?”",
        default=GENEROUS,
        validators=_VISIBLE,
        help_text=f"1 to {MOST_VISIBLE}. The rest opens under “More”.",
    )

    base_form_class = ShareSettingsForm
    panels: ClassVar = [
        MultiFieldPanel(
            [FieldRowPanel([FieldPanel("compact"), FieldPanel("generous")])],
            heading="How many networks to show at once",
        ),
        FieldPanel("networks"),
    ]

    class Meta:
        verbose_name = "sharing"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(compact__range=(1, MOST_VISIBLE), generous__range=(1, MOST_VISIBLE)),
                name="share_settings_show_one_to_seven",
            )
        ]

    def __str__(self) -> str:
        return "sharing"

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, in one transaction with what follows from it (sharing.signal_handlers)."""
        super().save(*args, **kwargs)

    @property
    def offer(self) -> Offer:
        """Return what readers are offered; of a list that nothing can read, the default."""
        try:
            choices = read_choices(self.networks)
        except InvalidChoices:
            logger.exception("the stored choice of networks cannot be read; all are offered")
            choices = ()
        return make_offer(choices, compact=self.compact, generous=self.generous)
