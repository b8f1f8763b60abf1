"""The log-in form, which asks how often it was tried before it looks at a password."""

from typing import Any

from django.core.exceptions import ValidationError
from wagtail.admin.forms.auth import LoginForm

from healthsite.signing_in import attempts
from healthsite.signing_in.attempts import ADDRESS, DEVICE, NAME_FROM_ADDRESS
from healthsite.signing_in.devices import device_of


class SignInForm(LoginForm):
    """Wagtail's form, limited. `wait` is how many seconds are left, or 0.

    During a wait no password is looked at, not even the right one: otherwise the wait would tell it.
    """

    wait = 0

    def clean(self) -> Any:
        """Return the cleaned data; a wait and a wrong password raise ValidationError."""
        name = self.cleaned_data.get("username")
        if not name or not self.cleaned_data.get("password"):
            return super().clean()
        device = device_of(self.request)
        if device is not None and device.knows(name):
            self._take(attempts.take(DEVICE, device.number))
            cleaned = super().clean()
            attempts.forget(DEVICE, device.number)
            return cleaned
        address, counted = attempts.where_from(self.request), attempts.folded(name)
        self._take(attempts.take(NAME_FROM_ADDRESS, counted, address))
        # Only after the first: hammering one name must not keep a whole office waiting.
        self._take(attempts.take(ADDRESS, address))
        cleaned = super().clean()
        attempts.forget(NAME_FROM_ADDRESS, counted, address)
        attempts.give_back(ADDRESS, address)
        return cleaned

    def _take(self, wait: int) -> None:
        if wait:
            self.wait = wait
            raise ValidationError(too_many(wait), code="too_many")


def too_many(wait: int) -> str:
    """Return the sentence that says how long to wait."""
    seconds = "1 second" if wait == 1 else f"{wait} seconds"
    return f"Too many tries. Wait {seconds}, then try again. Trying sooner does not make it longer."
