"""What an editor fills in for a campaign link."""

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.widgets import AdminDateTimeInput

from sharing import campaigns
from sharing.campaign_permissions import editable_targets
from sharing.models import CampaignLink, ShareTarget
from sharing.shareables import State, shareable

TAKEN = "A running link of this article or section has that name. Choose another, or end that one first."


class CampaignLinkChange(WagtailAdminModelForm):
    """A link's name and end: what can change once its address is out in the world."""

    class Meta:
        model = CampaignLink
        fields: ClassVar[list[str]] = ["name", "expires_at"]
        widgets: ClassVar = {"expires_at": AdminDateTimeInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["expires_at"].help_text = (
            f"Local time in {timezone.get_current_timezone_name()}. From then on readers are told that "
            "the link has ended, and where to read on. Leave it empty for a link that stays."
        )

    def clean_name(self) -> str:
        """Return the name with single spaces."""
        return " ".join(self.cleaned_data["name"].split())

    def clean_expires_at(self) -> datetime | None:
        """Return the end; a new one lies ahead."""
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        before: datetime | None = self.instance.expires_at
        # The field shows minutes; what nobody touched stays as it was, in the past too.
        if before and expires_at == before.replace(second=0, microsecond=0):
            return before
        if expires_at and expires_at <= timezone.now():
            raise forms.ValidationError("Choose a moment that is still ahead.", code="past")
        return expires_at

    def clean(self) -> dict[str, Any]:
        """Refuse a name that another running link of the same target has."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        target = self._target()
        name = cleaned.get("name")
        running = self.instance.ended_at is None
        if target and name and running and self._is_taken(target, name):
            self.add_error("name", forms.ValidationError(TAKEN, code="taken"))
        return cleaned

    def validate_constraints(self) -> None:
        """Leave it to `clean`, which says it at its field and in an editor's words."""

    def _target(self) -> ShareTarget | None:
        target: ShareTarget = self.instance.target
        return target

    def _is_taken(self, target: ShareTarget, name: str) -> bool:
        besides = self.instance if self.instance.pk else None
        return campaigns.is_name_taken(target=target, name=name, besides=besides)


class NewCampaignLink(CampaignLinkChange):
    """A new link: what it leads to, its name, its end."""

    class Meta(CampaignLinkChange.Meta):
        fields: ClassVar[list[str]] = ["target", *CampaignLinkChange.Meta.fields]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["target"].queryset = editable_targets(self.for_user)

    def clean_target(self) -> ShareTarget:
        """Return the target, unless it was deleted."""
        target: ShareTarget = self.cleaned_data["target"]
        if shareable(target).state is State.GONE:
            raise forms.ValidationError(
                "This was deleted; a link to it would lead nowhere.", code="gone"
            )
        return target

    def _target(self) -> ShareTarget | None:
        target: ShareTarget | None = self.cleaned_data.get("target")
        return target
