"""What a person fills in to connect an account."""

import re
from typing import Any

from django import forms

from sharing.networks import InvalidInstance
from sharing.posting.connecting import BLUESKY_ORIGIN, origin_of

_APP_PASSWORD = re.compile(r"[a-z0-9]{4}(-[a-z0-9]{4}){3}", re.IGNORECASE)
_LONGEST = 300


class MastodonForm(forms.Form):
    """Which server an account is on; the server asks for the rest."""

    server = forms.CharField(
        max_length=_LONGEST,
        strip=True,
        label="Server",
        help_text="The name in the address of your profile there, such as mastodon.social.",
        widget=forms.TextInput(
            attrs={
                "autocapitalize": "none",
                "autocomplete": "off",
                "inputmode": "url",
                "spellcheck": "false",
                "placeholder": "mastodon.social",
            }
        ),
        error_messages={"required": "Type the name of your server, such as mastodon.social."},
    )

    def clean_server(self) -> str:
        """Return the server's origin."""
        return _origin(self.cleaned_data["server"])


class BlueskyForm(forms.Form):
    """An account's name and an app password; the password never comes back in a page."""

    handle = forms.CharField(
        max_length=_LONGEST,
        strip=True,
        label="Name",
        help_text="As in the address of your profile, such as yourname.bsky.social.",
        widget=forms.TextInput(
            attrs={
                "autocapitalize": "none",
                "autocomplete": "off",
                "spellcheck": "false",
                "placeholder": "yourname.bsky.social",
            }
        ),
    )
    app_password = forms.CharField(
        max_length=_LONGEST,
        strip=True,
        label="App password",
        help_text=(
            "Not the password that you sign in with. In Bluesky open Settings, “Privacy and security”, “App "
            "passwords”, and add one for this site."
        ),
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
    )
    server = forms.CharField(
        max_length=_LONGEST,
        strip=True,
        required=False,
        label="Server",
        help_text="Leave it empty unless the account is on a server of its own.",
        widget=forms.TextInput(
            attrs={
                "autocapitalize": "none",
                "autocomplete": "off",
                "inputmode": "url",
                "spellcheck": "false",
                "placeholder": "bsky.social",
            }
        ),
    )

    def clean_handle(self) -> str:
        """Return the name without an @ before it."""
        handle: str = self.cleaned_data["handle"].removeprefix("@")
        if not handle or not handle.isprintable() or " " in handle:
            raise forms.ValidationError(
                "That is no name of an account. It looks like yourname.bsky.social.", code="handle"
            )
        return handle

    def clean_server(self) -> str:
        """Return the server's origin."""
        typed = self.cleaned_data["server"]
        return _origin(typed) if typed else BLUESKY_ORIGIN

    def clean(self) -> dict[str, Any]:
        """Refuse, for Bluesky's own server, what is no app password: it would open everything."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        password = cleaned.get("app_password", "")
        if (
            password
            and cleaned.get("server") == BLUESKY_ORIGIN
            and not _APP_PASSWORD.fullmatch(password)
        ):
            self.add_error(
                "app_password",
                forms.ValidationError(
                    "That is no app password: they look like xxxx-xxxx-xxxx-xxxx. Your own password is not asked "
                    "for, and was not sent anywhere.",
                    code="app_password",
                ),
            )
        return cleaned


def _origin(typed: str) -> str:
    try:
        return origin_of(typed)
    except InvalidInstance as refusal:
        raise forms.ValidationError(str(refusal.reason), code="server") from None
