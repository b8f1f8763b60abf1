"""One small picture an article and each of its sections, all on one scale: what the editor compares."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import urlencode

from django.db.models import Sum
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from sharing import charts
from sharing.charts import Series, Small
from sharing.models import ShareCount, ShareTarget
from sharing.reports.measures import difference
from sharing.reports.periods import Period, day_words, last_days
from sharing.tallies import Tally, total

DAYS = 28
# So many times what all but the highest twentieth of days have.
FAR_ABOVE = 3


@dataclass(frozen=True)
class Course:
    """What a target had in the last days, and in as many before them."""

    now: Tally
    before: Tally
    chart: Small
    report_url: str

    @property
    def picture(self) -> SafeString:
        """Draw it."""
        return _drawn(self.chart)

    @property
    def picture_aside(self) -> SafeString:
        """Draw it once more for the same page, with names of its own."""
        return _drawn(replace(self.chart, key=f"aside-{self.chart.key}"))

    @property
    def compared(self) -> str:
        """Say how the shares compare with the days before."""
        return difference(self.now.shared, self.before.shared, DAYS)


def courses(targets: Sequence[ShareTarget], today: date) -> dict[int, Course]:
    """Return the course of each target, by its id, with one query; `today` is a day of UTC."""
    period = last_days(DAYS, today)
    found = _by_day([target.pk for target in targets], period.before.first, period.last)
    days = list(period.each_day())
    scale = _scale(
        number
        for by_day in found.values()
        for day, tally in by_day.items()
        if day >= period.first
        for number in (tally.shared, tally.arrival)
    )
    result = {}
    for target in targets:
        by_day = found.get(target.pk, {})
        result[target.pk] = Course(
            now=total(by_day.get(day, Tally()) for day in days),
            before=total(by_day.get(day, Tally()) for day in period.before.each_day()),
            chart=_chart(target, [by_day.get(day, Tally()) for day in days], period, scale),
            report_url=report_url(target),
        )
    return result


def report_url(target: ShareTarget) -> str:
    """Return where the report shows a target alone, in the same days."""
    section = target.code if target.block_id else "whole"
    asked = {"period": DAYS, "article": target.page_id, "section": section}
    return f"{reverse('shares_report')}?{urlencode(asked)}"


def _scale(numbers: Iterable[int]) -> int:
    """Return what the pictures reach up to: the largest number, unless few days stand far above all others.

    One day that went round the world would else press every other picture flat.
    """
    in_order = sorted(filter(None, numbers))
    if not in_order:
        return 0
    usual = in_order[len(in_order) * 95 // 100]
    return in_order[-1] if in_order[-1] <= usual * FAR_ABOVE else usual * 2


def _by_day(target_ids: list[int], first: date, last: date) -> dict[int, dict[date, Tally]]:
    rows = (
        ShareCount.objects.filter(target_id__in=target_ids, day__range=(first, last))
        .order_by()
        .values_list("target_id", "day", "share_class")
        .annotate(total=Sum("count"))
    )
    found: dict[int, dict[date, dict[str, int]]] = {}
    for target_id, day, share_class, number in rows:
        # PostgreSQL adds big integers up as decimals.
        found.setdefault(target_id, {}).setdefault(day, {})[share_class] = int(number)
    return {
        target_id: {day: Tally(**numbers) for day, numbers in by_day.items()}
        for target_id, by_day in found.items()
    }


def _drawn(chart: Small) -> SafeString:
    # The markup is the serializer's own, in which all text is escaped.
    return mark_safe(charts.small(chart))  # noqa: S308


def _chart(target: ShareTarget, tallies: Sequence[Tally], period: Period, scale: int) -> Small:
    shared = [tally.shared for tally in tallies]
    arrivals = [tally.arrival for tally in tallies]
    return Small(
        key=f"shares-{target.pk}",
        title=f"Shares and arrivals of {target.label} by day, {period.words}",
        description=" ".join(
            _course(name, numbers, period)
            for name, numbers in (("Shared", shared), ("Arrivals", arrivals))
        ),
        columns=Series("Shared", shared),
        line=Series("Arrivals", arrivals),
        largest=scale,
        labels=(_short(period.first), _short(period.last)),
    )


def _course(name: str, numbers: Sequence[int], period: Period) -> str:
    if not any(numbers):
        return f"{name}: none."
    most = max(numbers)
    day = period.first + timedelta(numbers.index(most))
    return f"{name}: {sum(numbers):,} in all, most on {day_words(day)} ({most:,})."


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"
