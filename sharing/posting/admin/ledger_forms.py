"""The forms on a post's page: another time, where the post is found, and what it is to say instead."""

from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django import forms
from django.conf import settings

from sharing.networks.posting import network_name
from sharing.posting import scheduling
from sharing.posting.actions import Timing
from sharing.posting.afterwards import id_in
from sharing.posting.models import LONGEST_TEXT, Delivery, SocialPost


@cache
def _zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(available_timezones())]


class RescheduleForm(forms.Form):
    """When a post is to go out instead."""

    when = forms.ChoiceField(
        label="When",
        # The composer's words.
        choices=[
            (SocialPost.When.NOW, "Now"),
            (SocialPost.When.AT_PUBLISH, "When it is published"),
            (SocialPost.When.AT_TIME, "At a time"),
        ],
        widget=forms.RadioSelect,
    )
    local_time = forms.CharField(
        label="Day and time",
        required=False,
        max_length=16,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "60"}),
        help_text="As clocks in the time zone below show it. Only for “At a time”.",
    )
    time_zone = forms.ChoiceField(label="Time zone", required=False, choices=_zones)

    def clean(self) -> dict[str, Any]:
        """Refuse a time that is none; warn of one that clocks skip, by taking it as `scheduling` does."""
        data = super().clean() or {}
        if data.get("when") == SocialPost.When.AT_TIME and "local_time" in data:
            try:
                local = scheduling.parse(data["local_time"])
                scheduling.moment(local, data.get("time_zone") or settings.TIME_ZONE)
            except scheduling.Unusable as reason:
                self.add_error("local_time", str(reason))
        return data

    def timing(self) -> Timing:
        """Return what was chosen."""
        data = self.cleaned_data
        when = SocialPost.When(data["when"])
        if when is not SocialPost.When.AT_TIME:
            return Timing(when)
        return Timing(when, data["local_time"], data["time_zone"] or settings.TIME_ZONE)


class ItIsThereForm(forms.Form):
    """Where a person found the post."""

    address = forms.CharField(
        label="The post’s address",
        max_length=1000,
        widget=forms.URLInput(attrs={"inputmode": "url"}),
        help_text="Open the post on the network and copy its address from the browser.",
    )
    remote_id = forms.CharField(
        label="Its id",
        max_length=500,
        required=False,
        help_text="Only where the address does not tell it: leave this empty first.",
    )

    def __init__(self, *args: Any, delivery: Delivery, approves: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._delivery = delivery
        self._approves = approves
        if not approves:
            # With an id beside it any address would do, and it is shown as a link.
            del self.fields["remote_id"]

    def clean_address(self) -> str:
        """Refuse what is no address that a browser opens, for it is shown as a link."""
        address: str = self.cleaned_data["address"].strip()
        try:
            parts = urlsplit(address)
            is_one = parts.scheme in {"https", "http"} and bool(parts.hostname)
        except ValueError:
            is_one = False
        if not is_one or any(each.isspace() for each in address):
            raise forms.ValidationError("Give the post’s whole address, with https:// in front.")
        return address

    def clean(self) -> dict[str, Any]:
        """Work the post's id out from its address; a publisher may type one that no address tells."""
        data = super().clean() or {}
        if "address" not in data:
            return data
        account = self._delivery.account
        told = id_in(
            account.network,
            data["address"],
            host=account.host,
            account_id=account.remote_id,
            handle=account.handle,
        )
        typed = data.get("remote_id", "").strip()
        if told and typed not in {"", told}:
            self.add_error(
                "remote_id", f"The address is that of the post {told}: leave this empty."
            )
        elif not (told or typed):
            self.add_error("address", self._no_post())
        return data | {"remote_id": told or typed}

    def _no_post(self) -> str:
        account = self._delivery.account
        where = f"{account.handle} on {network_name(account.network)} ({account.host})"
        otherwise = (
            "or type its id below."
            if self._approves
            else "or ask a publisher, who can give its id with it."
        )
        return f"This is no address of a post of {where}. Copy the address of the post itself, {otherwise}"


class CorrectionForm(forms.Form):
    """What a post is to say from now on."""

    text = forms.CharField(
        label="What it is to say",
        max_length=LONGEST_TEXT,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
