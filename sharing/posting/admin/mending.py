"""Showing a form again that was refused."""

from django import forms


def begin_at_first_error(form: forms.BaseForm) -> None:
    """Let the page begin where something has to be mended: whoever uses a keyboard need not look for it."""
    first = next((name for name in form.fields if name in form.errors), None)
    if first is not None:
        form.fields[first].widget.attrs["autofocus"] = True
