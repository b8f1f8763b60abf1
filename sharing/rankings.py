"""Which articles and sections come first in a period, told by the database.

A page of a report needs a few rows of very many targets. Where standings are written, what a target had in a period
is the difference of two of its rows; by a channel, or before standings are kept, its days are added up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from sharing import standings
from sharing.models import TOTAL_CLASSES, ShareClass
from sharing.tallies import RATIO_MIN, Named, Scope, Tally

_CLASSES = tuple(ShareClass.values)
_TITLE = "title"
# What can be ordered by, as SQL over the columns below; `shared` and the ratio are what Tally says they are.
_SHARED = " + ".join(f"now_{each.value}" for each in TOTAL_CLASSES)
_THEN_SHARED = " + ".join(f"then_{each.value}" for each in TOTAL_CLASSES)
# Without a number last, where the largest come first.
_PER_SHARE = (
    f"CASE WHEN {_SHARED} < {RATIO_MIN} OR now_arrival = 0 THEN -1.0 "
    f"ELSE now_arrival * 1.0 / ({_SHARED}) END"
)
MEASURES = {"shared": _SHARED, "per_share": _PER_SHARE} | {each: f"now_{each}" for each in _CLASSES}
_MEASURES_THEN = {"shared": _THEN_SHARED} | {each: f"then_{each}" for each in _CLASSES}
_NOW = [f"now_{each}" for each in _CLASSES]
_THEN = [f"then_{each}" for each in _CLASSES]
_ANY_NOW, _ANY_THEN = " + ".join(_NOW), " + ".join(_THEN)
# Places of the totals, before those of the parts.
_COUNTED, _COMPARED, _SECTIONS, _EVERYTHING = -4, -3, -2, -1


@dataclass(frozen=True)
class Ranked:
    """An article or section that has numbers, now and in the period before."""

    named: Named
    block_id: UUID | None
    article: str  # the title of the article that a section is in
    now: Tally
    then: Tally


@dataclass(frozen=True)
class Part:
    """A part of the ranking: so many rows of those that come first by a measure, from an offset on.

    `by` is a key of MEASURES or “title”; `what` is “now” (rows that have numbers in the period), “rise” or “fall”
    (rows that have more or fewer than in the period before).
    """

    by: str
    limit: int | None
    offset: int = 0
    descending: bool = True
    what: str = "now"
    sections_only: bool = False


@dataclass(frozen=True)
class Ranking:
    """The parts asked for, in their order; how many targets have numbers in the period, and in the one before."""

    parts: tuple[tuple[Ranked, ...], ...]
    counted: int
    compared: int
    sections: int  # of those that have numbers in the period
    everything: int  # whether they have numbers or not


def rank(scope: Scope, before: date, parts: Sequence[Part]) -> Ranking:
    """Return parts of a ranking of all targets of a scope, with at most three queries.

    `before` is the first day of the period before, which ends where the scope begins.
    """
    source, values = _source(scope, before)
    rows: list[list[Ranked]] = [[] for _ in parts]
    totals = dict.fromkeys((_COUNTED, _COMPARED, _SECTIONS, _EVERYTHING), 0)
    with connection.cursor() as cursor:
        statement, more = _statement(source, parts)
        cursor.execute(statement, values | more)
        for place, number, *row in cursor:
            if place in totals:
                totals[place] = number
            else:
                rows[place].append(_ranked(row))
    return Ranking(tuple(map(tuple, rows)), *totals.values())


def _source(scope: Scope, before: date) -> tuple[str, dict[str, Any]]:
    adapt = connection.ops.adapt_datefield_value
    today = timezone.now().astimezone(UTC).date()
    wanted = {before - timedelta(1), scope.first - timedelta(1)}
    if scope.last < today:
        wanted.add(scope.last)
    values: dict[str, Any] = {
        "first": adapt(scope.first),
        "last": adapt(scope.last),
        "before": adapt(before),
        "start": adapt(before - timedelta(1)),
        "middle": adapt(scope.first - timedelta(1)),
    }
    classes = [scope.share_class] if scope.share_class else list(_CLASSES)
    limits = _limits(scope, values)
    if not scope.channel and standings.are_written(wanted):
        return _differences(scope, classes, limits, is_open=scope.last >= today), values
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


def _differences(scope: Scope, classes: Sequence[str], limits: str, *, is_open: bool) -> str:
    """Return SQL for what each target had: now, the newest standing less the one before the period."""
    newest = (
        "sharing_sharetotal AS newest ON newest.target_id = target.id"
        if is_open
        else "sharing_sharestanding AS newest ON newest.target_id = target.id AND newest.day = %(last)s"
    )

    def number(later: str, earlier: str, each: str) -> str:
        if each not in classes:
            return "0"
        return f"COALESCE({later}.{each}, 0) - COALESCE({earlier}.{each}, 0)"

    columns = [f"{number('newest', 'middle', each)} AS now_{each}" for each in _CLASSES]
    columns += [f"{number('middle', 'start', each)} AS then_{each}" for each in _CLASSES]
    return f"""
    SELECT target.id AS target_id, {", ".join(columns)}
    FROM sharing_sharetarget AS target
    JOIN {newest}
    LEFT JOIN sharing_sharestanding AS middle ON middle.target_id = target.id AND middle.day = %(middle)s
    LEFT JOIN sharing_sharestanding AS start ON start.target_id = target.id AND start.day = %(start)s
    WHERE 1 = 1{limits}
    """  # noqa: S608 - names and placeholders of ours


def _sums(scope: Scope, classes: Sequence[str], limits: str, values: dict[str, Any]) -> str:
    """Return SQL for what each target had, its days added up."""
    columns = []
    for period, days in (("now", "counts.day >= %(first)s"), ("then", "counts.day < %(first)s")):
        for each in _CLASSES:
            wanted = f"counts.share_class = '{each}' AND {days}"
            columns.append(
                f"SUM(CASE WHEN {wanted} THEN counts.count ELSE 0 END) AS {period}_{each}"
                if each in classes
                else f"0 AS {period}_{each}"
            )
    if scope.channel:
        values["channel"] = scope.channel
        limits += " AND counts.channel = %(channel)s"
    return f"""
    SELECT target.id AS target_id, {", ".join(columns)}
    FROM sharing_sharecount AS counts JOIN sharing_sharetarget AS target ON target.id = counts.target_id
    WHERE counts.day BETWEEN %(before)s AND %(last)s{limits}
    GROUP BY target.id
    """  # noqa: S608 - likewise


def _statement(source: str, parts: Sequence[Part]) -> tuple[str, dict[str, Any]]:
    """Return one statement for all parts: their rows by place and number, and two totals before them."""
    values: dict[str, Any] = {}
    no_block = "NULL::uuid" if connection.vendor == "postgresql" else "NULL"
    columns = ["id", "page_id", "code", "label", "block_id", "article", *_NOW, *_THEN]
    nothing = ["0", "0", "''", "''", no_block, "''", *["0"] * (len(_NOW) + len(_THEN))]
    blank = ", ".join(f"{value} AS {name}" for value, name in zip(nothing, columns, strict=True))
    selects = [
        f"SELECT {place} AS place, COUNT(*) AS number, {blank} FROM numbers WHERE {some} > 0"  # noqa: S608
        for place, some in ((_COUNTED, _ANY_NOW), (_COMPARED, _ANY_THEN))
    ]
    selects.append(
        f"SELECT {_SECTIONS} AS place, COUNT(*) AS number, {blank} FROM numbers "  # noqa: S608
        "JOIN sharing_sharetarget AS target ON target.id = numbers.target_id "
        f"WHERE {_ANY_NOW} > 0 AND target.block_id IS NOT NULL"
    )
    selects.append(
        f"SELECT {_EVERYTHING} AS place, COUNT(*) AS number, {blank} FROM sharing_sharetarget"  # noqa: S608
    )
    for place, part in enumerate(parts):
        order, limit = _order(part), ""
        if part.limit is not None:
            values |= {f"limit{place}": part.limit, f"offset{place}": part.offset}
            limit = f"LIMIT %(limit{place})s OFFSET %(offset{place})s"
        selects.append(f"""
        SELECT * FROM (
          SELECT {place} AS place, ROW_NUMBER() OVER (ORDER BY {order}) AS number,
            target.id, target.page_id, target.code, target.label, target.block_id,
            COALESCE(article.label, '') AS article, {", ".join([*_NOW, *_THEN])}
          FROM numbers JOIN sharing_sharetarget AS target ON target.id = numbers.target_id
          LEFT JOIN sharing_sharetarget AS article
            ON article.page_id = target.page_id AND article.block_id IS NULL
          WHERE {_where(part)} ORDER BY {order} {limit}
        ) AS part{place}
        """)  # noqa: S608 - names and placeholders of ours
    # Asked for once, whatever the parts.
    materialized = "MATERIALIZED" if connection.vendor == "postgresql" else ""
    return (
        f"WITH numbers AS {materialized} ({source}) SELECT place, number, {', '.join(columns)} "  # noqa: S608
        f"FROM ({' UNION ALL '.join(selects)}) AS everything ORDER BY place, number",
        values,
    )


def _where(part: Part) -> str:
    now, then = MEASURES.get(part.by, _ANY_NOW), _MEASURES_THEN.get(part.by, _ANY_THEN)
    found = {"now": f"{_ANY_NOW} > 0", "rise": f"{now} > {then}", "fall": f"{now} < {then}"}
    sections = " AND target.block_id IS NOT NULL" if part.sections_only else ""
    return f"{found[part.what]}{sections}"


def _order(part: Part) -> str:
    """Return how a part is ordered; equal ones by title, so that pages do not overlap."""
    title = "UPPER(target.label)"
    if part.by == _TITLE:
        return f"{title} {'DESC' if part.descending else 'ASC'}, target.id {'DESC' if part.descending else 'ASC'}"
    measure = MEASURES[part.by]
    if part.what == "rise":
        measure = f"({measure}) - ({_MEASURES_THEN[part.by]})"
    elif part.what == "fall":
        measure = f"({_MEASURES_THEN[part.by]}) - ({measure})"
    return f"{measure} {'DESC' if part.descending else 'ASC'}, {title}, target.id"


def _ranked(row: Sequence[Any]) -> Ranked:
    target_id, page_id, code, label, block, article, *numbers = row
    half = len(_CLASSES)
    # PostgreSQL adds big integers up as decimals.
    now, then = (
        Tally(**{name: int(value) for name, value in zip(_CLASSES, part, strict=True)})
        for part in (numbers[:half], numbers[half:])
    )
    # SQLite keeps one as its hexadecimal digits.
    block_id = UUID(block) if isinstance(block, str) else block
    named = Named(target_id, page_id, code, label, block_id is not None)
    return Ranked(named, block_id, article if block_id else "", now, then)
