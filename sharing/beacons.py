"""What a beacon is: its size, its fields, its time, and why one is refused."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.exceptions import (
    APIException,
    NotFound,
    ParseError,
    PermissionDenied,
    UnsupportedMediaType,
)
from rest_framework.parsers import JSONParser

from sharing import positions
from sharing.channels import BY_SLUG
from sharing.filtered import Reason
from sharing.models import ShareClass

# Five short fields; what is longer is no beacon.
LARGEST_BEACON = 4096
# So many unknown fields are named in the answer, each in so many characters.
_MOST_NAMES = 10
_LONGEST_NAME = 40

# What occurred since is never forgotten, whatever SHARE_EVENT_RETENTION_DAYS may be.
_ALWAYS_KNOWN = timedelta(days=7)

_TOO_LATE = "too_late"
_TOO_EARLY = "too_early"


class TooLarge(APIException):
    """A body that no beacon has."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"A share event has at most {LARGEST_BEACON} bytes."
    default_code = "too_large"


class LengthRequired(APIException):
    """A body without a length; the server in front may hand such a one over as empty."""

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send a Content-Length."
    default_code = "length_required"


class BeaconParser(JSONParser):
    """JSON of a beacon's size, which says each thing once; anything longer is refused before it is read."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the parsed body; raises TooLarge or ParseError."""
        length = (parser_context or {})["request"].META.get("CONTENT_LENGTH")
        if not str(length).isdecimal() or int(length) > LARGEST_BEACON:
            raise TooLarge
        try:
            text = stream.read().decode()
            data = json.loads(
                text, object_pairs_hook=_each_name_once, parse_constant=_refuse_constant
            )
            # Half a surrogate pair is no text; an error that repeats it could not be sent.
            json.dumps(data, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        except UnicodeError as error:
            raise ParseError("The JSON has text that is not valid Unicode.") from error
        except ValueError as error:
            raise ParseError(f"This is no JSON: {error}.") from error
        return data


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; one that says a thing twice means two things."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


class EventIdField(serializers.UUIDField):
    """A UUID as text; a number would be one too for the field it is made of."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the UUID; raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class MomentField(serializers.DateTimeField):
    """A moment that names its time zone."""

    default_error_messages = {  # noqa: RUF012  # as DRF declares it
        "invalid": "This is no moment. Write one such as 2026-11-26T09:30:00Z.",
        "naive": "Name the time zone: 2026-11-26T09:30:00Z, or 2026-11-26T10:30:00+01:00.",
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        """Return a moment that has a zone as it is; one without could be any of 26 hours."""
        if timezone.is_naive(value):
            self.fail("naive")
        return value


class ShareEventSerializer(serializers.Serializer[Any]):
    """A share that was handed over: to the device's share sheet, or to the clipboard."""

    event_id = EventIdField(
        help_text="Made by the sender. The same id again is answered alike and counted once."
    )
    code = serializers.CharField(max_length=40, help_text="A share code.")
    channel = serializers.ChoiceField(
        choices=sorted(BY_SLUG),
        help_text="`copy-link` or `share-sheet`; an app that hands a share to a network itself names it.",
    )
    occurred_at = MomentField(
        required=False,
        help_text="When it was shared, with a time zone (ISO 8601): it is counted on that day (UTC). Up to"
        f" {settings.SHARE_EVENT_RETENTION.days} days ago. Sent again with the same id, it must be the same"
        " moment. Left out, the share is counted when the event arrives.",
    )

    def get_fields(self) -> dict[str, Any]:
        """Add `class`, which as a word of Python's cannot be declared."""
        handed_over = serializers.ChoiceField(choices=[ShareClass.HANDED_OVER.value])
        return super().get_fields() | {"class": handed_over}

    def to_internal_value(self, data: Any) -> Any:
        """Return the fields; raises ValidationError, which names those that are not known."""
        names = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        unknown = {name[:_LONGEST_NAME]: ["Unknown field."] for name in names[:_MOST_NAMES]}
        try:
            found = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                raise serializers.ValidationError({**error.detail, **unknown}) from error
            raise
        if unknown:
            raise serializers.ValidationError(unknown)
        return found

    def validate_occurred_at(self, value: datetime) -> datetime:
        """Return the moment in UTC, never later than now; raises ValidationError, which says what is taken."""
        now = timezone.now()
        earliest = now - settings.SHARE_EVENT_RETENTION
        latest = now + settings.SHARE_EVENT_AHEAD
        if earliest <= value < now - _ALWAYS_KNOWN:
            # The setting was lower when ids were last forgotten.
            earliest = max(earliest, positions.forgotten_until() or earliest)
        if value < earliest:
            raise serializers.ValidationError(
                f"Too late: a share is taken up to {settings.SHARE_EVENT_RETENTION.days} days after it"
                f" occurred, now from {earliest:%Y-%m-%dT%H:%M:%SZ} on.",
                code=_TOO_LATE,
            )
        if value > latest:
            raise serializers.ValidationError(
                "Too early: by this site's clock it is in the future. Taken is what occurred up to"
                f" {latest:%Y-%m-%dT%H:%M:%SZ}.",
                code=_TOO_EARLY,
            )
        return min(value, now).astimezone(UTC)


_REASONS: tuple[tuple[type[APIException], Reason], ...] = (
    (TooLarge, Reason.TOO_LARGE),
    (PermissionDenied, Reason.FOREIGN),
    (NotFound, Reason.UNKNOWN),
    (LengthRequired, Reason.MALFORMED),
    (UnsupportedMediaType, Reason.MALFORMED),
    (ParseError, Reason.MALFORMED),
    (serializers.ValidationError, Reason.MALFORMED),
)


def refusal(error: Exception) -> Reason | None:
    """Return the reason under which a refused beacon is counted; None where no beacon was refused."""
    if isinstance(error, serializers.ValidationError):
        for code in (_TOO_LATE, _TOO_EARLY):
            if error.get_codes() == {"occurred_at": [code]}:
                return Reason(code)
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), None)
