"""The report's page and its files."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.generic import TemplateView
from wagtail.admin.paginator import WagtailPaginator
from wagtail.admin.views.generic import PermissionCheckedMixin
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.permissions import page_permission_policy

from sharing import ages, filtered, queries, tallies
from sharing.posting import queries as posts
from sharing.rankings import Part, Ranking, rank
from sharing.reports import measures, pictures, tables, targets
from sharing.reports.changes import MOST_CHANGES, changes
from sharing.reports.filters import ARTICLES_TO_CHOOSE, ReportFilters, Wanted, asked_page
from sharing.reports.periods import LAST_DAYS, Period, day_words, last_days
from sharing.reports.spreadsheet import csv_answer
from sharing.reports.tables import Row, Table
from sharing.tallies import Tally

ROWS_A_PAGE = 25
# The worker counts every few seconds; an editor is told once it is clearly not at work. In seconds.
SILENT_AFTER = 120.0


class SharesReport(PermissionCheckedMixin, WagtailAdminTemplateMixin, TemplateView):
    """What was shared in a period: pictures with their tables, and each table as a file.

    All that it is asked for is in its address. What cannot be understood is answered with 400 and said
    beside its field, and no numbers are shown.
    """

    page_title = "Shares"
    header_icon = "group"
    template_name = "sharing/admin/shares_report.html"
    permission_policy = page_permission_policy
    any_permission_required: ClassVar[list[str]] = ["add", "change", "publish"]

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here."""
        return [*self.breadcrumbs_items, {"url": "", "label": self.page_title}]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer the page, or with `?export=csv&table=…` one of its tables as a file."""
        published = tallies.published(asked_page(request.GET), ARTICLES_TO_CHOOSE)
        today = timezone.now().astimezone(UTC).date()
        form = ReportFilters(request.GET, published=published, today=today)
        as_of = queries.counted_until()
        context = self.get_context_data(
            form=form, as_of=as_of, today=today, any_published=bool(published.articles)
        )
        context["silent"] = _silence(as_of)
        if not form.is_valid():
            return self.render_to_response(context, status=400)
        wanted = form.wanted()
        exporting = request.GET.get("export")
        if exporting:
            return self._export(wanted, as_of)
        context |= self._numbers(form, wanted, as_of)
        return self.render_to_response(context)

    def _numbers(
        self, form: ReportFilters, wanted: Wanted, as_of: datetime | None
    ) -> dict[str, Any]:
        scope, period = wanted.scope, wanted.period
        by_day = tallies.by_day(wanted.before)
        now = tallies.total(tally for day, tally in by_day.items() if day >= period.first)
        before = tallies.total(tally for day, tally in by_day.items() if day < period.first)
        channels = tallies.by_channel(scope)
        names = form.offer_channels(channels)
        columns = measures.measures(scope.share_class, now)
        context: dict[str, Any] = {
            "period": period,
            "before": period.before,
            "kept": self._address(keep=("period", "since", "until", "channel", "share_class")),
            "wanted": wanted,
            "empty": not now,
            "wider": self._wider(wanted),
            "without_filters": self._address(keep=("period", "since", "until")),
            "since": _since(period.days),
            "uncounted": self._uncounted(period),
            "classes": _classes(wanted, now, before),
            "headline": self._headline(scope.share_class, now, before, period.days),
        }
        by, descending = targets.ordering(columns, self.request.GET.get("ordering", ""))
        ranking, page = self._ranking(wanted, columns[0].key, by, descending=descending)
        rows, first, sections, risers, fallers = ranking.parts
        context["changes"] = changes(
            risers, fallers, columns[0], comparable=bool(columns[0].number(before))
        )
        if not now:
            return context
        days = tables.Days(period, by_day, as_of.date() if as_of else None)
        ranked = self._channels(channels, names, wanted, columns)
        lines = list(targets.lines(targets.counted(rows), columns, self.request))
        top = targets.counted(sections)
        return context | {
            "days": days,
            "day_table": _day_table(days, columns),
            "channel_table": _channel_table(ranked, columns),
            "target_table": Table("targets", "", "Title", columns, lines, targets.FACTS),
            "funnel": "" if scope.share_class else pictures.funnel(now),
            "top_sections": pictures.top_sections(top, scope.share_class, period) if top else None,
            "section_table": _section_table(top[: pictures.MOST_TARGETS], columns),
            "over_time": pictures.over_time(days, scope.share_class),
            "by_channel": pictures.by_channel(
                [(name, tally) for _, name, tally in ranked], scope.share_class, period
            ),
            "by_target": pictures.by_target(
                targets.counted(first), ranking.counted, scope.share_class, period
            ),
            "page_obj": page,
            "elided_page_range": page.paginator.get_elided_page_range(page.number),
            "sorting": self._sorting(columns, f"{'-' if descending else ''}{by}"),
            "none_counted": ranking.everything - ranking.counted if not wanted.narrowed else 0,
        }

    def _ranking(
        self, wanted: Wanted, measure: str, by: str, *, descending: bool
    ) -> tuple[Ranking, Any]:
        """Return the lists of the page, and which page of the first one it is.

        The database is asked again where an address names a page beyond the last.
        """
        asked = self.request.GET.get("p", "1")
        number = int(asked) if asked.isdecimal() and len(asked) < 8 else 1
        while True:
            ranking = rank(
                wanted.scope,
                wanted.period.before.first,
                [
                    Part(by, ROWS_A_PAGE, ROWS_A_PAGE * max(0, number - 1), descending=descending),
                    Part(measure, pictures.MOST_TARGETS),
                    # One more than is drawn tells whether there are more.
                    Part(measure, pictures.MOST_TARGETS + 1, sections_only=True),
                    Part(measure, MOST_CHANGES, what="rise"),
                    Part(measure, MOST_CHANGES, what="fall"),
                ],
            )
            paginator = WagtailPaginator(range(ranking.counted), ROWS_A_PAGE)
            paginator.verbose_name = "article or section"
            paginator.verbose_name_plural = "articles and sections"
            page = paginator.get_page(asked)
            if page.number == number:
                return ranking, page
            number = page.number

    def _export(self, wanted: Wanted, as_of: datetime | None) -> HttpResponseBase:
        asked = self.request.GET.get("table", "")
        if self.request.GET.get("export") != "csv" or asked not in EXPORTS:
            return HttpResponse(
                "There is no such file. Choose a table's own “Download” link.\n",
                status=400, content_type="text/plain; charset=utf-8",
            )  # fmt: skip
        scope, period = wanted.scope, wanted.period
        name = f"shares-by-{EXPORTS[asked]}-{period.first}-to-{period.last}"
        if asked == "classes":
            by_day = tallies.by_day(wanted.before)
            now = tallies.total(tally for day, tally in by_day.items() if day >= period.first)
            before = tallies.total(tally for day, tally in by_day.items() if day < period.first)
            rows = _classes(wanted, now, before)
            headings = [
                "Class",
                "Meaning",
                "Source",
                "Number",
                f"Before ({period.before.first} to {period.before.last})",
            ]
            return csv_answer(
                name,
                headings,
                ([row.name, row.meaning, row.source, row.now, row.before] for row in rows),
            )
        if asked == "days":
            by_day = tallies.by_day(scope)
            columns = measures.measures(scope.share_class, tallies.total(by_day.values()))
            days = tables.Days(period, by_day, as_of.date() if as_of else None)
            table = _every_day_table(days, columns)
            return csv_answer(name, table.headings, table.lines())
        if asked == "channels":
            channels = tallies.by_channel(scope)
            columns = measures.measures(scope.share_class, tallies.total(channels.values()))
            ranked = self._channels(channels, queries.channel_names(channels), wanted, columns)
            table = _channel_table(ranked, columns)
            return csv_answer(name, table.headings, table.lines())
        columns = measures.measures(
            scope.share_class, tallies.total(tallies.by_day(scope).values())
        )
        by, descending = targets.ordering(columns, self.request.GET.get("ordering", ""))
        every = Part(by, None, descending=descending)
        (rows_in_order,) = rank(scope, period.before.first, [every]).parts
        table = Table("targets", "", "Title", columns, (), targets.FACTS)
        lines = targets.lines(targets.counted(rows_in_order), columns, self.request)
        return csv_answer(name, table.headings, (tables.cells(row) for row in lines))

    def _channels(
        self,
        found: dict[str, Tally],
        names: dict[str, str],
        wanted: Wanted,
        columns: list[measures.Measure],
    ) -> list[tuple[str, str, Tally]]:
        """Return slug, name and numbers, largest first; the channel asked for alone."""
        asked = wanted.scope.channel
        rows = [(slug, names[slug], tally) for slug, tally in found.items() if asked in {"", slug}]
        key = columns[0].number
        return sorted(
            rows, key=lambda row: (-(key(row[2]) or 0), -row[2].arrival, row[1].casefold())
        )

    def _headline(
        self, share_class: str, now: Tally, before: Tally, days: int
    ) -> list[dict[str, str]]:
        """Return the few numbers that stand above everything, each with its comparison in words."""
        filled, arrivals = pictures.series_of(share_class)
        shown = []
        for measure in filter(None, (filled, arrivals)):
            number, then = measure.number(now), measure.number(before)
            words = measures.difference(int(number or 0), int(then or 0), days)
            shown.append(
                {"name": measure.heading, "number": measures.shown(number), "words": words}
            )
        if not share_class:
            ratio = now.arrivals_per_share
            then_ratio = measures.shown(before.arrivals_per_share)
            words = f"{then_ratio} in the period before"
            if ratio is None:
                words = f"told from {tallies.RATIO_MIN} shares and the first arrival on"
            shown.append(
                {"name": "Arrivals per share", "number": measures.shown(ratio), "words": words}
            )
        return shown

    def _uncounted(self, period: Period) -> list[tuple[str, int]] | None:
        """Return what was filtered by reason, most first, for who operates the site; None for others."""
        if not self.request.user.is_superuser:
            return None
        found = filtered.by_reason(period.first, period.last)
        rows = [(str(reason.label), number) for reason, number in found.items() if number]
        return sorted(rows, key=lambda row: (-row[1], row[0]))

    def _sorting(self, columns: list[measures.Measure], ordering: str) -> list[dict[str, Any]]:
        """Return a heading each, with the address that sorts by it."""
        heads = [("title", "Title"), *((each.key, each.heading) for each in columns)]
        descending, chosen = ordering.startswith("-"), ordering.removeprefix("-")
        found = []
        for key, heading in heads:
            first = key if key == "title" else f"-{key}"
            other = f"-{key}" if first == key else key
            turned = other if ordering == first else first
            state = ("descending" if descending else "ascending") if key == chosen else ""
            found.append(
                {"heading": heading, "url": self._address(p=None, ordering=turned), "state": state,
                 "number": key != "title"}
            )  # fmt: skip
        return found

    def _wider(self, wanted: Wanted) -> dict[str, str] | None:
        """Return the next longer period to look at, and its address."""
        today = timezone.now().astimezone(UTC).date()
        for days in LAST_DAYS:
            if last_days(days, today).first < wanted.period.first:
                url = self._address(period=str(days), since=None, until=None, p=None)
                return {"words": f"the last {days} days", "url": url}
        return None

    def _address(self, keep: tuple[str, ...] | None = None, **changes: str | None) -> str:
        """Return this page's address with some parameters changed, or with some alone."""
        parameters = self.request.GET.copy()
        for name in list(parameters):
            if (keep is not None and name not in keep) or not parameters[name]:
                del parameters[name]
        for name, value in changes.items():
            if value is None:
                parameters.pop(name, None)
            else:
                parameters[name] = value
        return f"?{parameters.urlencode()}"


# The tables that can be had as a file, and what its name says of them.
EXPORTS = {
    "targets": "article-and-section",
    "channels": "channel",
    "classes": "class",
    "days": "day",
}


def _classes(wanted: Wanted, now: Tally, before: Tally) -> list[tables.ClassRow]:
    """Return a row for each class; of what networks told with how long ago they were asked."""
    scope, asked = wanted.scope, ""
    if (now + before).observed:
        found = posts.observed_between(target_ids=scope.target_ids, title=scope.title)
        asked = ages.between(*found, timezone.now()) if found else ""
    return tables.by_class(scope.share_class, now, before, wanted.period.days, asked=asked)


def _silence(as_of: datetime | None) -> str:
    """Return why counts may be old; nothing where they are not."""
    if as_of is None:
        return "Nothing was counted yet, so it cannot be told how old these numbers are."
    age = (timezone.now() - as_of).total_seconds()
    if age <= SILENT_AFTER:
        return ""
    minutes = int(age // 60)
    spans = ((60 * 24, "day"), (60, "hour"), (1, "minute"))
    size, unit = next((span for span in spans if minutes >= 2 * span[0]), spans[-1])
    return f"Counting stopped about {minutes // size:,} {unit}s ago: the worker is silent."


def _since(days: int) -> str:
    """Return what a period is compared with, as a heading has it."""
    return {1: "the day before", 7: "the week before"}.get(days, f"the {days:,} days before")


def _day_table(days: tables.Days, columns: list[measures.Measure]) -> Table:
    if not days.by_seven:
        return _every_day_table(days, columns, in_words=True)
    rows = [
        Row(
            f"{day_words(span.first)} to {day_words(span.last)}"
            if span.days > 1
            else day_words(span.last),
            tables.numbers(columns, days.of(span)),
            detail="" if span.days == 7 else f"{span.days} of seven days",
        )
        for span in days.spans()
    ]
    return Table("days", "Numbers by seven days", "Days (UTC)", columns, rows)


def _every_day_table(
    days: tables.Days, columns: list[measures.Measure], *, in_words: bool = False
) -> Table:
    rows = [
        Row(
            day_words(span.first) if in_words else span.first.isoformat(),
            tables.numbers(columns, days.of(span)),
        )
        for span in days.each_day()
    ]
    return Table("days", "Numbers by day", "Day (UTC)", columns, rows)


def _channel_table(ranked: list[tuple[str, str, Tally]], columns: list[measures.Measure]) -> Table:
    rows = [
        Row(name, tables.numbers(columns, tally), facts=(slug,)) for slug, name, tally in ranked
    ]
    return Table("channels", "Numbers by channel", "Channel", columns, rows, ("Name in addresses",))


def _section_table(sections: list[targets.Counted], columns: list[measures.Measure]) -> Table:
    rows = [
        Row(row.named.label, tables.numbers(columns, row.tally), detail=row.article)
        for row in sections
    ]
    return Table(
        "sections",
        "Numbers of the sections that come first",
        "Section",
        columns,
        rows,
    )
