"""Which files of this request were cleaned already, so that no picture is unpacked twice."""

from weakref import WeakSet

from django.core.files import File

_clean: "WeakSet[File[bytes]]" = WeakSet()


def mark_clean(file: "File[bytes]") -> None:
    """Remember that a file was cleaned, for as long as it lives."""
    _clean.add(file)


def is_clean(file: "File[bytes]") -> bool:
    """Tell whether this very file was cleaned."""
    return file in _clean
