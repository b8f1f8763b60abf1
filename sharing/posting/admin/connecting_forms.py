"""What a person fills in to connect an account."""

import re
from typing import Any

from django import forms

from sharing.networks import InvalidInstance
from sharing.networks.posting.telegram import ORIGIN as TELEGRAM_ORIGIN
from sharing.networks.posting.telegram_addresses import channel_in
from sharing.posting.connecting import BLUESKY_ORIGIN, origin_of

_APP_PASSWORD = re.compile(r"[a-z0-9]{4}(-[a-z0-9]{4}){3}", re.IGNORECASE)
_LONGEST = 300


def _name_field(
    label: str, placeholder: str, help_text: str, *, input_mode: str = "text", **options: Any
) -> forms.CharField:
    """Return a field for a name as networks give them: no phone or browser makes another word of it."""
    attributes = {
        "autocapitalize": "none",
        "autocomplete": "off",
        "inputmode": input_mode,
        "spellcheck": "false",
        "placeholder": placeholder,
    }
    return forms.CharField(
        max_length=_LONGEST,
        strip=True,
        label=label,
        help_text=help_text,
        widget=forms.TextInput(attrs=attributes),
        **options,
    )


def _secret_field(label: str, help_text: str, **options: Any) -> forms.CharField:
    """Return a field for a secret: it never comes back in a page."""
    return forms.CharField(
        max_length=_LONGEST,
        strip=True,
        label=label,
        help_text=help_text,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
        **options,
    )


class MastodonForm(forms.Form):
    """Which server an account is on; the server asks for the rest."""

    server = _name_field(
        "Server",
        "mastodon.social",
        "The name in the address of your profile there, such as mastodon.social.",
        input_mode="url",
        error_messages={"required": "Type the name of your server, such as mastodon.social."},
    )

    def clean_server(self) -> str:
        """Return the server's origin."""
        return _origin(self.cleaned_data["server"])


class BlueskyForm(forms.Form):
    """An account's name and an app password."""

    handle = _name_field(
        "Name",
        "yourname.bsky.social",
        "As in the address of your profile, such as yourname.bsky.social.",
    )
    app_password = _secret_field(
        "App password",
        "Not the password that you sign in with. In Bluesky open Settings, “Privacy and security”, “App "
        "passwords”, and add one for this site.",
    )
    server = _name_field(
        "Server",
        "bsky.social",
        "Leave it empty unless the account is on a server of its own.",
        input_mode="url",
        required=False,
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


class TelegramForm(forms.Form):
    """A channel, and the token of a bot that may post in it."""

    channel = _name_field(
        "Channel",
        "@yourchannel",
        "Its name or its address, such as @yourchannel or t.me/yourchannel. Of a private channel, the link of any of "
        "its posts (t.me/c/…).",
    )
    token = _secret_field(
        "The bot’s token",
        "@BotFather sends it when the bot is made, and again for /token. Whoever has it can post as the bot.",
    )
    server = _name_field(
        "Server",
        "api.telegram.org",
        "Leave it empty unless you run a Bot API server of your own.",
        input_mode="url",
        required=False,
    )

    def clean_channel(self) -> str:
        """Return the channel as Telegram is asked for it."""
        channel = channel_in(self.cleaned_data["channel"])
        if not channel:
            raise forms.ValidationError(
                "That is no channel. Type its name, such as @yourchannel; of a private one, the link of any of its "
                "posts (t.me/c/…). An invitation is not enough.",
                code="channel",
            )
        return channel

    def clean_server(self) -> str:
        """Return the server's origin."""
        typed = self.cleaned_data["server"]
        return _origin(typed) if typed else TELEGRAM_ORIGIN


def _origin(typed: str) -> str:
    try:
        return origin_of(typed)
    except InvalidInstance as refusal:
        raise forms.ValidationError(str(refusal.reason), code="server") from None
