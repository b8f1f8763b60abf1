"""What a report is asked for: the form above it, whose fields are the address's parameters."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.safestring import SafeString, mark_safe

from sharing import channels, queries
from sharing.models import ShareClass
from sharing.reports import periods
from sharing.reports.periods import Period
from sharing.tallies import Named, Published, Scope

# A list longer than this is no list to choose from: beyond it the title finds articles.
ARTICLES_TO_CHOOSE = 200
LONGEST_TITLE = 100
WHOLE = "whole"

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    period: Period
    scope: Scope
    article: Named | None
    narrowed: bool  # by more than its period

    @property
    def before(self) -> Scope:
        """Return the scope that reaches back to the period before."""
        scope = self.scope
        return Scope(
            self.period.before.first, scope.last, scope.target_ids, scope.title, scope.channel, scope.share_class
        )  # fmt: skip


class _LongSelect(forms.Select):
    """A list of hundreds, written at once: Django renders two templates for each option, some 0.07 ms."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: Any = None,
    ) -> SafeString:
        """Return the list as HTML."""
        chosen = str(value or "")
        options = "\n".join(
            f'<option value="{escape(str(key))}"{" selected" if key == chosen else ""}>{escape(str(label))}</option>'
            for key, label in self.choices
        )
        own = flatatt({"name": name, **self.build_attrs(self.attrs, attrs)})
        # Keys and labels are escaped, one by one: format_html_join takes three times as long.
        return mark_safe(f"<select{own}>\n{options}\n</select>")  # noqa: S308


class ReportFilters(forms.Form):
    """Period, article, section, channel and class; an empty field asks for everything.

    `published` is what it offers to choose from. Once valid, `wanted` returns what was asked for.
    """

    period = forms.ChoiceField(
        choices=periods.CHOICES,
        required=False,
        error_messages={"invalid_choice": "Choose a period from the list."},
    )
    since = forms.DateField(
        label="First day", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "This is no day; write it as 2026-01-31."},
    )  # fmt: skip
    until = forms.DateField(
        label="Last day", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "This is no day; write it as 2026-01-31."},
    )  # fmt: skip
    title = forms.CharField(
        label="Title contains", required=False, max_length=LONGEST_TITLE,
        widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    article = forms.CharField(required=False, widget=_LongSelect)
    section = forms.CharField(required=False, widget=_LongSelect)
    channel = forms.CharField(required=False, widget=forms.Select)
    share_class = forms.ChoiceField(
        label="Class",
        required=False,
        choices=[("", "All classes"), *ShareClass.choices],
        error_messages={"invalid_choice": "Choose a class from the list."},
    )

    def __init__(self, asked: Any, *, published: Published, today: date) -> None:
        # The defaults are what an address without parameters shows, so they are shown as chosen.
        data = asked.copy()
        if not data.get("period"):
            chosen = bool(data.get("since") or data.get("until"))
            data["period"] = periods.CUSTOM if chosen else periods.DEFAULT
        super().__init__(data, label_suffix="")
        self._today = today
        self._published = published
        self._chosen = published.chosen
        self._offer_articles()
        self._offer_sections()
        self.offer_channels(())
        self.fields["since"].widget.attrs |= {
            "min": periods.EARLIEST.isoformat(),
            "max": today.isoformat(),
        }
        self.fields["until"].widget.attrs |= {
            "min": periods.EARLIEST.isoformat(),
            "max": today.isoformat(),
        }

    def offer_channels(self, found: Iterable[str]) -> dict[str, str]:
        """List the channels there are and those that have counts; none is listed by hand.

        Returns what they are called, by slug.
        """
        slugs = {*channels.BY_SLUG, *found}
        chosen = self.data.get("channel", "")
        if _SLUG.fullmatch(chosen):
            slugs.add(chosen)
        names = queries.channel_names(slugs)
        in_order = sorted(names.items(), key=lambda item: (item[1].casefold(), item[0]))
        self._choose("channel", [("", "All channels"), *in_order])
        return names

    def clean_title(self) -> str:
        """Return the title without spaces around it."""
        title: str = self.cleaned_data["title"]
        return title.strip()

    def clean_article(self) -> Named | None:
        """Return the article; its address names it by its number."""
        asked = self.cleaned_data["article"]
        if not asked:
            return None
        article = next((row for row in self._chosen if not row.is_section), None)
        if article is None:
            raise forms.ValidationError(
                "Choose an article from the list: no published one has this number."
            )
        return article

    def clean_section(self) -> str:
        """Return the code of a section of the article, WHOLE, or nothing."""
        asked: str = self.cleaned_data["section"]
        if asked in {"", WHOLE} or asked in {row.code for row in self._chosen if row.is_section}:
            return asked
        if not self._chosen:
            raise forms.ValidationError("Choose the article of this section first.")
        raise forms.ValidationError("Choose a section of this article from the list.")

    def clean_channel(self) -> str:
        """Return a channel's slug, known or not: a channel that is gone keeps its counts."""
        asked: str = self.cleaned_data["channel"]
        if asked and not _SLUG.fullmatch(asked):
            raise forms.ValidationError("Choose a channel from the list.")
        return asked

    def clean(self) -> dict[str, Any]:
        """Make the period of its name or of its days."""
        cleaned = self.cleaned_data
        name = cleaned.get("period")
        if not name:
            return cleaned
        if name != periods.CUSTOM:
            cleaned["days"] = periods.preset(name, self._today)
            return cleaned
        for field in ("since", "until"):
            if cleaned.get(field) is None and field not in self.errors:
                self.add_error(field, "Give the day, or choose another period.")
        if cleaned.get("since") and cleaned.get("until"):
            try:
                cleaned["days"] = periods.custom(cleaned["since"], cleaned["until"], self._today)
            except periods.Unusable as problem:
                self.add_error("since", str(problem))
        return cleaned

    def wanted(self) -> Wanted:
        """Return what was asked for; only of a valid form."""
        cleaned = self.cleaned_data
        section, article = cleaned["section"], cleaned["article"]
        target_ids = None
        if article is not None:
            target_ids = tuple(
                row.target_id
                for row in self._chosen
                if not section or (row.code == section if section != WHOLE else not row.is_section)
            )
        limits = (cleaned["title"], cleaned["channel"], cleaned["share_class"])
        days: Period = cleaned["days"]
        return Wanted(
            period=days,
            scope=Scope(days.first, days.last, target_ids, *limits),
            article=article,
            narrowed=article is not None or any(limits),
        )

    def _offer_articles(self) -> None:
        offered = list(self._published.articles)
        offered += [row for row in self._chosen if not row.is_section and row not in offered]
        self._choose(
            "article", [("", "All articles"), *((str(row.page_id), row.label) for row in offered)]
        )
        if self._published.more:
            self.fields["article"].help_text = (
                f"The first {ARTICLES_TO_CHOOSE} by title. “Title contains” finds the others, and “Only this” "
                "beside one of them shows it alone."
            )

    def _offer_sections(self) -> None:
        sections = [(row.code, row.label) for row in self._chosen if row.is_section]
        everything = [
            ("", "Article and its sections"),
            (WHOLE, "The whole article only"),
            *sections,
        ]
        self._choose("section", everything if self._chosen else [("", "Choose an article first")])
        if not self._chosen:
            self.fields["section"].widget.attrs["disabled"] = True

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        widget: Any = self.fields[name].widget
        widget.choices = choices


def asked_page(asked: Any) -> int | None:
    """Return the number of the article that an address asks for, or None where it names none."""
    text = asked.get("article", "").strip()
    # A database knows no longer ones.
    return int(text) if _NUMBER.fullmatch(text) else None
