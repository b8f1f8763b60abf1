"""What editors keep for writing posts: named templates, and the rule that posts by itself."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, MultiFieldPanel
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting

from sharing.networks.text import hidden, is_blank
from sharing.posting import templates
from sharing.posting.auto_post_form import AutoPostRuleForm

LONGEST_TEMPLATE = 2000
# Between two posts of one rule: four weeks.
MOST_HOURS_APART = 672

_VARIABLES = "; ".join(f"{{{name}}}: {meaning}" for name, meaning in templates.VARIABLES.items())


def validate_template(text: str) -> None:
    """Raise ValidationError for a variable that there is not, for hidden characters and for nothing to read."""
    try:
        templates.check(text)
    except templates.UnknownVariable as error:
        raise ValidationError(str(error), code="unknown_variable") from error
    if found := hidden(text.replace("\r\n", "\n")):
        raise ValidationError(found, code="hidden")
    if is_blank(text):
        raise ValidationError("Write something first.", code="blank")


class PostTemplate(models.Model):
    """A text with variables that posts begin with."""

    name = models.CharField(max_length=80, unique=True)
    text = models.TextField(
        max_length=LONGEST_TEMPLATE,
        validators=[validate_template],
        help_text=f"Variables: {_VARIABLES}. A text without {{link}} gets the link at its end. "
        "Values that are too long for a network are shortened at a word; the link never is.",
    )
    is_default = models.BooleanField(
        "default",
        default=False,
        help_text="New posts begin with it. There is one default; this one takes its place.",
    )
    changed_at = models.DateTimeField(auto_now=True)

    panels: ClassVar = [FieldPanel("name"), FieldPanel("text"), FieldPanel("is_default")]

    class Meta:
        verbose_name = "post template"
        ordering: ClassVar = ["-is_default", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="post_template_one_default",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a new default takes the place of the old one in the same transaction."""
        if self.is_default:
            PostTemplate.objects.filter(is_default=True).exclude(pk=self.pk).update(
                is_default=False
            )
        super().save(*args, **kwargs)

    def validate_constraints(self, exclude: Any = None) -> None:
        """Leave the one default to `save`."""
        super().validate_constraints(exclude={*(exclude or ()), "is_default"})


@register_setting(icon="rotate")
class AutoPostRule(BaseGenericSetting):
    """What is posted by itself when an article or section is first published. Off until somebody turns it on."""

    class Sections(models.TextChoices):
        NONE = "none", "No section"
        FIRST = "first", "The first section"
        ALL = "all", "Every section"

    is_on = models.BooleanField("post automatically", default=False)
    article = models.BooleanField(
        "the article", default=True, help_text="One post about the article as a whole."
    )
    sections = models.CharField(
        max_length=10, choices=Sections.choices, default=Sections.NONE, verbose_name="its sections"
    )
    hours_apart = models.PositiveSmallIntegerField(
        "hours between the posts",
        default=24,
        help_text="The first goes out at once, the next after so many hours, in the order of the article. "
        "0 sends all of them at once.",
    )
    accounts = models.ManyToManyField(
        "sharing.SocialAccount",
        blank=True,
        related_name="+",
        limit_choices_to=~Q(state="disconnected"),
        help_text="Of these, only those that are connected and not paused at that moment.",
    )
    template = models.ForeignKey(
        PostTemplate,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Empty: the default template.",
    )
    # What was first published before this is not posted.
    changed_at = models.DateTimeField(auto_now=True)

    select_related: ClassVar = ["template"]
    base_form_class = AutoPostRuleForm
    panels: ClassVar = [
        HelpPanel(
            "<p>When an article or section is published for the first time, it is posted as said here: once in "
            "its life, however often it is published again. What was published before you save this page stays "
            "as it is.</p>",
            heading="What this does",
        ),
        FieldPanel("is_on"),
        MultiFieldPanel(
            [
                FieldPanel("article"),
                FieldRowPanel([FieldPanel("sections"), FieldPanel("hours_apart")]),
            ],
            heading="What is posted",
        ),
        MultiFieldPanel(
            [
                FieldPanel("accounts", widget=forms.CheckboxSelectMultiple),
                FieldPanel("template"),
            ],
            heading="Where, and with which words",
        ),
    ]

    class Meta:
        verbose_name = "automatic posts"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(hours_apart__lte=MOST_HOURS_APART),
                name="auto_post_hours_apart_at_most_four_weeks",
                violation_error_message=f"At most {MOST_HOURS_APART} hours: four weeks.",
            )
        ]

    def __str__(self) -> str:
        return "automatic posts"
