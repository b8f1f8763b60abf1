"""Where a ranking finds what targets had, as SQL: now and in the period before, by class.

Where standings are written, what a target had in a period is the difference of two of its rows; by a channel, or
before standings are kept, its days are added up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from sharing import standings
from sharing.models import TOTAL_CLASSES, ShareClass, ShareStanding
from sharing.tallies import Scope

CLASSES = tuple(ShareClass.values)
NOW = [f"now_{each}" for each in CLASSES]
THEN = [f"then_{each}" for each in CLASSES]
# Columns that are sums of classes: a database adds them up once, and not for each use of them.
_SUMS = {"shared": tuple(TOTAL_CLASSES), "events": CLASSES}
_PERIODS = (("now", "newest", "middle"), ("then", "middle", "start"))
_WITHIN = "{0}.id BETWEEN %({0})s AND %({0}_end)s"


@dataclass(frozen=True)
class Source:
    """Where the numbers of targets are found, as SQL."""

    columns: str  # of a few: now and then, by class
    sums: str  # of a few: now and then, as _SUMS has them
    figures: str  # of all: both
    every: str  # after FROM: all targets that may have any
    target_id: str  # theirs
    joins: str  # after `sharing_sharetarget AS target`: those of a few
    limits: str = ""
    tables: tuple[str, ...] = ()  # that these name
    # A few are found by their numbers, so that the first of all by title are had without the others.
    walks: bool = False


def numbers_of(scope: Scope, before: date) -> tuple[Source, dict[str, Any]]:
    """Return where the numbers of a scope are, and the values of its placeholders; at most one query.

    `before` is the first day of the period before, which ends where the scope begins.
    """
    today = timezone.now().astimezone(UTC).date()
    is_open = scope.last >= today
    ends = {"start": before - timedelta(1), "middle": scope.first - timedelta(1)}
    if not is_open:
        ends["newest"] = scope.last
    classes = [scope.share_class] if scope.share_class else list(CLASSES)
    values: dict[str, Any] = {}
    limits = _limits(scope, values)
    if not scope.channel and standings.are_written(set(ends.values())):
        for name, day in ends.items():
            values[name], values[f"{name}_end"] = ShareStanding.numbers(day)
        return _differences(classes, limits, is_open=is_open), values
    adapt = connection.ops.adapt_datefield_value
    values |= {
        "first": adapt(scope.first),
        "last": adapt(scope.last),
        "before": adapt(before),
    }
    return _sums(scope, classes, limits, values), values


def _limits(scope: Scope, values: dict[str, Any]) -> str:
    """Return what restricts the targets, as SQL about `target`."""
    found = []
    if scope.target_ids is not None:
        names = []
        for place, target_id in enumerate(scope.target_ids):
            values[f"target{place}"] = target_id
            names.append(f"%(target{place})s")
        found.append(f"target.id IN ({', '.join(names)})" if names else "1 = 0")
    if scope.title:
        values["title"] = f"%{connection.ops.prep_for_like_query(scope.title)}%"
        # As Django's icontains.
        found.append(
            "UPPER(target.label) LIKE UPPER(%(title)s)"
            if connection.vendor == "postgresql"
            else "target.label LIKE %(title)s ESCAPE '\\'"
        )
    return "".join(f" AND {each}" for each in found)


def _differences(classes: Sequence[str], limits: str, *, is_open: bool) -> Source:
    """Return what each target had: now, the newest standing less the one before the period."""
    columns, sums = (
        [
            f"{_sum(later, of, classes)} - {_sum(earlier, of, classes)} AS {period}_{name}"
            for period, later, earlier in _PERIODS
            for name, of in names.items()
        ]
        for names in ({each: (each,) for each in CLASSES}, _SUMS)
    )
    newest = "sharing_sharetotal" if is_open else "sharing_sharestanding"
    is_newest = "" if is_open else _WITHIN.format("newest")
    one = "newest.target_id = target.id" if is_open else _is_standing("newest", "target.id")
    joins = f"""
    JOIN {newest} AS newest ON {one} {_standing("middle", "target.id")} {_standing("start", "target.id")}
    """
    if limits:
        return Source(
            ", ".join(columns), ", ".join(sums), ", ".join([*columns, *sums]),
            f"sharing_sharetarget AS target {joins}", "target.id", joins, limits,
        )  # fmt: skip
    figures = [*columns, *sums]
    every = f"""
    {newest} AS newest
    {_standing("middle", "newest.target_id")} {_standing("start", "newest.target_id")}
    """
    if connection.vendor == "postgresql":
        # Each day's standings lie side by side. Narrow rows are joined in three quarters of the time.
        figures = [
            f"newest.{name} - COALESCE(middle.{name}, 0) AS now_{name}, "
            f"COALESCE(middle.{name}, 0) - COALESCE(start.{name}, 0) AS then_{name}"
            for name in (*CLASSES, *_SUMS)
        ]
        every = f"""
        {_narrow(newest, "newest", is_newest, classes)}
        LEFT JOIN {_narrow("sharing_sharestanding", "middle", _WITHIN.format("middle"), classes)}
          ON middle.target_id = newest.target_id
        LEFT JOIN {_narrow("sharing_sharestanding", "start", _WITHIN.format("start"), classes)}
          ON start.target_id = newest.target_id
        """
    elif is_newest:
        limits = f" AND {is_newest}"
    return Source(
        ", ".join(columns), ", ".join(sums), ", ".join(figures), every,
        "newest.target_id", joins, limits, walks=True,
    )  # fmt: skip


def _sum(table: str, of: Sequence[str], classes: Sequence[str]) -> str:
    """Return classes added up, of those that are wanted; an earlier row may be missing."""
    found = " + ".join(f"{table}.{each}" for each in of if each in classes)
    if not found:
        return "0"
    return f"({found})" if table == "newest" else f"COALESCE({found}, 0)"


def _standing(name: str, target_id: str) -> str:
    """Return the join of a target's standing of a day; it may be missing."""
    return f"LEFT JOIN sharing_sharestanding AS {name} ON {_is_standing(name, target_id)}"


def _is_standing(name: str, target_id: str) -> str:
    # SQLite needs no more to go there. PostgreSQL has to know that it never need look through all days.
    within = f" AND {_WITHIN.format(name)}" if connection.vendor == "postgresql" else ""
    return f"{name}.id = %({name})s + {target_id}{within}"


def _narrow(table: str, name: str, where: str, classes: Sequence[str]) -> str:
    """Return the rows of a day with what is asked of them, of which PostgreSQL leaves out what is not used."""
    sums = {each: (each,) for each in CLASSES} | _SUMS
    columns = ", ".join(
        f"{' + '.join(each for each in of if each in classes) or '0'} AS {column}"
        for column, of in sums.items()
    )
    # Without its end, it would be made part of the whole, and columns added up after they are joined.
    return f"""
    (SELECT target_id, {columns} FROM {table} AS {name} {f"WHERE {where}" if where else ""} OFFSET 0) AS {name}
    """  # noqa: S608 - names and placeholders of ours


def _sums(scope: Scope, classes: Sequence[str], limits: str, values: dict[str, Any]) -> Source:
    """Return what each target had, its days added up."""
    columns = []
    sums = [
        f"{' + '.join(f'{period}_{each}' for each in of)} AS {period}_{name}"
        for period in ("now", "then")
        for name, of in _SUMS.items()
    ]
    for period, days in (("now", "counts.day >= %(first)s"), ("then", "counts.day < %(first)s")):
        for each in CLASSES:
            wanted = f"counts.share_class = '{each}' AND {days}"
            columns.append(
                f"SUM(CASE WHEN {wanted} THEN counts.count ELSE 0 END) AS {period}_{each}"
                if each in classes
                else f"0 AS {period}_{each}"
            )
    if scope.channel:
        values["channel"] = scope.channel
        limits += " AND counts.channel = %(channel)s"
    return Source(
        ", ".join([*NOW, *THEN]),
        ", ".join(sums),
        ", ".join([*NOW, *THEN, *sums]),
        "sharing_sharetarget AS target JOIN sums ON sums.target_id = target.id",
        "target.id",
        "JOIN sums ON sums.target_id = target.id",
        tables=(
            f"""
            sums AS (
              SELECT target.id AS target_id, {", ".join(columns)}
              FROM sharing_sharecount AS counts
              JOIN sharing_sharetarget AS target ON target.id = counts.target_id
              WHERE counts.day BETWEEN %(before)s AND %(last)s{limits}
              GROUP BY target.id
            )
            """,  # noqa: S608 - names and placeholders of ours
        ),
    )
