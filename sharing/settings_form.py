"""The form in which editors switch, order and label networks.

Each network is a row of a tick box, a label and a place. The places are numbers to type, so that the
form works without a script; `share_settings.js` puts buttons and a handle instead of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from wagtail.admin.forms import WagtailAdminModelForm

from sharing.networks import NETWORKS
from sharing.offering import (
    LONGEST_LABEL,
    Choice,
    InvalidChoices,
    InvalidLabel,
    arrange,
    clean_label,
    label_refusals,
    own_name,
    read_choices,
    write_choices,
)

_NO_PLACE = "Type the place as a whole number, such as 1 for the first."


@dataclass(frozen=True)
class Row:
    """One network as it stands in the form; `place` is as typed, `was` the place that was shown."""

    slug: str
    shown: bool
    label: str
    place: str
    was: str
    label_error: str = ""
    place_error: str = ""

    @property
    def name(self) -> str:
        """Return the network's own name."""
        return own_name(Choice(self.slug))

    @property
    def default_place(self) -> int:
        """Return the place in the order that nobody changed."""
        return [each.slug for each in NETWORKS].index(self.slug) + 1

    @property
    def sort_key(self) -> tuple[int, int]:
        """Order by place; where two rows name the same, the one that was moved gets it."""
        place, was = _number(self.place) or _number(self.was) or 0, _number(self.was) or 0
        return place, (place > was) - (place < was)


@dataclass
class _Errors:
    """Which rows were refused and why, for the rows and for the summary above them."""

    labels: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        return [
            f"{own_name(Choice(slug))}: {error}"
            for errors in (self.labels, self.places)
            for slug, error in errors.items()
        ]


class NetworkList(forms.Widget):
    """All networks of the registry as rows, and the place of the live preview."""

    template_name = "sharing/admin/network_list.html"
    use_fieldset = True
    errors: _Errors | None = None

    class Media:
        css: ClassVar = {"all": ["sharing/share_settings.css"]}
        js: ClassVar = [forms.Script("sharing/share_settings.js", type="module")]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Add the rows, in the order that is stored or was typed."""
        context = super().get_context(name, value, attrs)
        context["widget"]["rows"] = sorted(self._rows(value), key=lambda row: row.sort_key)
        context["longest_label"] = LONGEST_LABEL
        return context

    def value_from_datadict(
        self, data: Mapping[str, Any], files: Any, name: str
    ) -> list[Row] | None:
        """Return the rows that were sent; None where there are none at all.

        Only networks of the registry are looked for, so nothing else that is sent is read.
        """
        rows = [
            Row(
                each.slug,
                shown=f"{name}-{each.slug}-shown" in data,
                label=str(data.get(f"{name}-{each.slug}-label", "")),
                place=str(data.get(f"{name}-{each.slug}-place", "")).strip(),
                was=str(data.get(f"{name}-{each.slug}-was", "")),
            )
            for each in NETWORKS
            if f"{name}-{each.slug}-place" in data
        ]
        return rows or None

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """Tell whether no row was sent; the stored choices then stay."""
        return self.value_from_datadict(data, files, name) is None

    def _rows(self, value: Any) -> list[Row]:
        errors = self.errors or _Errors()
        if isinstance(value, list) and value and isinstance(value[0], Row):
            return [
                Row(
                    row.slug,
                    row.shown,
                    row.label,
                    row.place,
                    row.was,
                    errors.labels.get(row.slug, ""),
                    errors.places.get(row.slug, ""),
                )
                for row in value
            ]
        try:
            choices = read_choices(value)
        except InvalidChoices:
            choices = ()
        return [
            Row(each.slug, each.shown, each.label, str(place), str(place))
            for place, each in enumerate(arrange(choices), start=1)
        ]


class NetworksField(forms.Field):
    """The rows, cleaned to choices as they are stored."""

    widget = NetworkList

    def clean(self, value: Any) -> list[dict[str, str | bool]] | None:
        """Return the choices in order, or None where no row was sent; raises ValidationError."""
        if value is None:
            return None
        errors = _Errors()
        choices = []
        for row in sorted(value, key=lambda row: row.sort_key):
            label = ""
            try:
                label = clean_label(row.label)
            except InvalidLabel as error:
                errors.labels[row.slug] = str(error)
            if _number(row.place) is None:
                errors.places[row.slug] = _NO_PLACE
            choices.append(Choice(row.slug, row.shown, label))
        errors.labels |= label_refusals(choices)
        self.widget.errors = errors  # type: ignore[attr-defined]  # a NetworkList, copied for this form
        if sentences := errors.sentences():
            raise ValidationError([ValidationError(each, code="refused") for each in sentences])
        return write_choices(choices)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether the choices differ from the stored ones; what is refused is a change."""
        try:
            return data is not None and self.clean(data) != initial
        except ValidationError:
            return True


class ShareSettingsForm(WagtailAdminModelForm):
    """The settings of sharing."""

    networks = NetworksField(
        required=False,
        label="Networks",
        help_text="Ticked networks are offered to readers, in this order. A label replaces the network’s name "
        "on its link; leave it empty to use the name. Copying the link always stays.",
    )

    def clean_networks(self) -> list[Any]:
        """Keep what is stored of networks that the form did not have, such as a later version's."""
        stored: list[Any] = self.instance.networks
        sent = self.cleaned_data["networks"]
        if sent is None:
            return stored
        try:
            kept = read_choices(stored)
        except InvalidChoices:
            kept = ()
        slugs = {each["slug"] for each in sent}
        return [*sent, *write_choices(each for each in kept if each.slug not in slugs)]


def _number(text: str) -> int | None:
    """Return the number of a place, or None for anything else; three digits are plenty."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else None
