"""Which articles and sections come first in a period, told by the database.

A page of a report needs a few rows of very many targets; sharing/ranking_sources.py says where their numbers are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from sharing.ranking_sources import CLASSES, NOW, THEN, Source, numbers_of
from sharing.tallies import RATIO_MIN, Named, Scope, Tally

_TITLE = "title"
# What can be ordered by, as SQL over the columns below; `shared` and the ratio are what Tally says they are.
# Without a number last, where the largest come first.
_PER_SHARE = (
    f"CASE WHEN now_shared < {RATIO_MIN} OR now_arrival = 0 THEN -1.0 "
    "ELSE now_arrival * 1.0 / now_shared END"
)
MEASURES = {"shared": "now_shared", "per_share": _PER_SHARE} | {
    each: f"now_{each}" for each in CLASSES
}
_MEASURES_THEN = {"shared": "then_shared"} | {each: f"then_{each}" for each in CLASSES}
# Most have shares, and of them the other classes need not be added up.
_HAS_NOW = "CASE WHEN now_shared > 0 THEN TRUE ELSE now_events > 0 END"
# So many of an order are cut from all at least: enough that the sections among them most often do for a list.
_FIRST = 50
# Places of the totals, before those of the parts.
_COUNTED, _EVERYTHING = -2, -1


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
    """The parts asked for, in their order; how many targets have numbers in the period."""

    parts: tuple[tuple[Ranked, ...], ...]
    counted: int
    everything: int  # whether they have numbers or not


@dataclass(frozen=True)
class _Order:
    """How a part is ordered and limited, as SQL over the table of numbers; parts that agree share their rows."""

    column: str  # nothing where titles alone order
    descending: bool
    rows: str  # which, as SQL
    sections_only: bool

    @property
    def where(self) -> str:
        """Return which rows, sections told apart."""
        return f"{self.rows} AND whole.id IS NULL" if self.sections_only else self.rows

    @property
    def direction(self) -> str:
        """Return the direction of what orders first."""
        return "DESC" if self.descending else "ASC"


def rank(scope: Scope, before: date, parts: Sequence[Part]) -> Ranking:
    """Return parts of a ranking of all targets of a scope, with at most two queries.

    `before` is the first day of the period before, which ends where the scope begins.
    """
    source, values = numbers_of(scope, before)
    rows: list[list[Ranked]] = [[] for _ in parts]
    totals = dict.fromkeys((_COUNTED, _EVERYTHING), 0)
    with connection.cursor() as cursor:
        statement, more = _statement(source, parts)
        cursor.execute(statement, values | more)
        for place, number, *row in cursor:
            if place in totals:
                totals[place] = number
            else:
                rows[place].append(_ranked(row))
    return Ranking(tuple(map(tuple, rows)), *totals.values())


def _statement(source: Source, parts: Sequence[Part]) -> tuple[str, dict[str, Any]]:
    """Return one statement for all parts: their rows by place and number, and the totals before them.

    All targets go through a narrow table of what parts are ordered and limited by. Titles are read for those that
    come into question, and numbers by class for those that are told.
    """
    values: dict[str, Any] = {}
    tables = [*source.tables, f"numbers AS ({_numbers(source, parts)})"]
    furthest = _furthest([part for part in parts if not _is_walked(part, source)])
    for number, most in enumerate(furthest.values()):
        if most is not None:
            values[f"most{number}"] = most
        tables += _ahead(furthest, number)
    told = []
    for place, part in enumerate(parts):
        if part.limit is not None:
            values |= {f"limit{place}": part.limit, f"offset{place}": part.offset}
        if _is_walked(part, source):
            told.append(_walked(part, place, source))
        else:
            told.append(_told(part, place, list(furthest).index(_order(part))))
    no_block = "NULL::uuid" if connection.vendor == "postgresql" else "NULL"
    columns = ["id", "page_id", "code", "label", "block_id", "article", *NOW, *THEN]
    nothing = ["0", "0", "''", "''", no_block, "''", *["0"] * (len(NOW) + len(THEN))]
    blank = ", ".join(f"{value} AS {name}" for value, name in zip(nothing, columns, strict=True))
    selects = [
        f"SELECT {_COUNTED} AS place, COUNT(*) AS number, {blank} FROM numbers WHERE has_now",  # noqa: S608
        f"SELECT {_EVERYTHING} AS place, COUNT(*) AS number, {blank} FROM sharing_sharetarget",  # noqa: S608
    ]
    if told:
        tables.append(f"told AS ({' UNION ALL '.join(told)})")
        selects.append(f"""
        SELECT told.place, told.number, target.id, target.page_id, target.code, target.label, target.block_id,
          COALESCE(article.label, '') AS article, {source.columns}
        FROM told
        JOIN sharing_sharetarget AS target ON target.id = told.target_id
        {source.joins}
        LEFT JOIN sharing_sharetarget AS article
          ON article.page_id = target.page_id AND article.block_id IS NULL
        """)  # noqa: S608 - names and placeholders of ours
    return (
        f"WITH {', '.join(tables)} SELECT place, number, {', '.join(columns)} "  # noqa: S608
        f"FROM ({' UNION ALL '.join(selects)}) AS everything ORDER BY place, number",
        values,
    )


def _numbers(source: Source, parts: Sequence[Part]) -> str:
    """Return a row for each target: what parts are ordered and limited by, and nothing else."""
    wanted = dict(filter(None, map(_measure, parts)))
    columns = "".join(f", {measure} AS {name}" for name, measure in wanted.items())
    return f"""
    SELECT target_id, {_HAS_NOW} AS has_now{columns}
    FROM (
      SELECT {source.target_id} AS target_id, {source.figures}
      FROM {source.every} WHERE 1 = 1{source.limits}
    ) AS figures
    """  # noqa: S608 - names and placeholders of ours


def _measure(part: Part) -> tuple[str, str] | None:
    """Return the column that a part is ordered or limited by, its name and what it is; None for none."""
    if part.what == "now":
        return None if part.by == _TITLE else (f"by_{part.by}", MEASURES[part.by])
    if part.by == _TITLE:
        return "more", "now_events - then_events"
    return f"more_{part.by}", f"({MEASURES[part.by]}) - ({_MEASURES_THEN[part.by]})"


def _order(part: Part) -> _Order:
    measure = _measure(part)
    column = measure[0] if measure else ""
    rows = {"now": "has_now", "rise": f"{column} > 0", "fall": f"{column} < 0"}[part.what]
    if part.by == _TITLE:
        return _Order("", part.descending, rows, part.sections_only)
    # The largest fall is the smallest difference.
    descending = part.descending != (part.what == "fall")
    return _Order(column, descending, rows, part.sections_only)


def _furthest(parts: Sequence[Part]) -> dict[_Order, int | None]:
    """Return the orders there are, and how many of the first rows parts want of each; None is all."""
    found: dict[_Order, int | None] = {}
    for part in sorted(parts, key=lambda part: part.sections_only):
        order = _order(part)
        most, before = None, found.get(order, 0)
        if part.limit is not None and before is not None:
            is_first = part.what == "now" and not part.sections_only
            most = max(part.offset + part.limit, before, _FIRST if is_first else 0)
        found[order] = most
    return found


def _ahead(orders: Mapping[_Order, int | None], number: int) -> Iterator[str]:
    """Return tables, the last with the first rows of an order by their measure and all that equal the last of them.

    All are looked through once for each order: again only where some do equal the last.
    """
    order = list(orders)[number]
    measure = f"{order.column} AS measure" if order.column else "0 AS measure"
    found = f"SELECT numbers.target_id, {measure} FROM {{}}{_sections(order)} WHERE {order.where}"  # noqa: S608
    in_order = f"ORDER BY {order.column} {order.direction}"
    if not order.column or orders[order] is None:
        yield f"ahead{number} AS ({found.format('numbers')})"
        return
    rows, instead = "numbers", ""
    wider = replace(order, sections_only=False)
    if order.sections_only and orders.get(wider) is not None:
        # Most often there are enough sections among the first of all, which are few.
        sections = f"FROM ahead{list(orders).index(wider)} AS ahead WHERE {_IS_SECTION}"
        enough = f"(SELECT COUNT(*) {sections}) >= %(most{number})s"
        instead = f"SELECT target_id, measure {sections} AND {enough} UNION ALL"
        rows = _unless(enough)
    yield f"first{number} AS ({found.format(rows)} {in_order} LIMIT %(most{number})s + 1)"
    ordered = f"SELECT measure FROM first{number} ORDER BY measure {order.direction} LIMIT 1 OFFSET"  # noqa: S608
    last, next_one = f"({ordered} %(most{number})s - 1)", f"({ordered} %(most{number})s)"
    # No next one is no equal one.
    is_whole = f"COALESCE({last} <> {next_one}, TRUE)"
    no_less = f"{order.column} {'>=' if order.descending else '<='} {last}"
    yield f"""
    ahead{number} AS (
      {instead}
      SELECT target_id, measure FROM first{number} WHERE {is_whole}
      UNION ALL
      {found.format(_unless(is_whole))} AND {no_less}
    )
    """  # noqa: S608 - names and placeholders of ours


# For each of a few.
_IS_SECTION = """
(SELECT target.block_id IS NOT NULL FROM sharing_sharetarget AS target WHERE target.id = ahead.target_id)
"""


def _sections(order: _Order) -> str:
    """Return what tells sections apart in all numbers: it is enough to know which are articles, of which there are few."""
    if not order.sections_only:
        return ""
    return " LEFT JOIN sharing_sharetarget AS whole ON whole.block_id IS NULL AND whole.id = numbers.target_id"


def _unless(condition: str) -> str:
    """Return all numbers, or none where something is so; which is asked once, and not of every row."""
    return f"(SELECT {condition} AS is_so) AS known JOIN numbers ON NOT known.is_so"


def _told(part: Part, place: int, ahead: int) -> str:
    """Return the rows of a part by their number; equal ones by title, so that pages do not overlap."""
    order = _order(part)
    by_title = "DESC" if part.by == _TITLE and part.descending else "ASC"
    in_order = f"ORDER BY measure {order.direction}, title {by_title}, target_id {by_title}"
    limit = f"LIMIT %(limit{place})s OFFSET %(offset{place})s" if part.limit is not None else ""
    title = "UPPER(target.label)"
    titles = "JOIN sharing_sharetarget AS target ON target.id = ahead.target_id"
    if limit and order.column:
        # Of a few, which PostgreSQL cannot know: it would read all titles first.
        title = (
            f"(SELECT {title} FROM sharing_sharetarget AS target WHERE target.id = ahead.target_id)"  # noqa: S608
        )
        titles = ""
    return f"""
    SELECT {place} AS place, ROW_NUMBER() OVER ({in_order}) AS number, target_id
    FROM (
      SELECT ahead.target_id, ahead.measure, {title} AS title FROM ahead{ahead} AS ahead {titles}
      {in_order} {limit}
    ) AS part{place}
    """  # noqa: S608 - names and placeholders of ours


def _is_walked(part: Part, source: Source) -> bool:
    """Tell whether targets are taken by title until there are enough."""
    return (
        source.walks
        and part.by == _TITLE
        and part.what == "now"
        and part.limit is not None
        and not part.sections_only
    )


def _walked(part: Part, place: int, source: Source) -> str:
    """Return what `_told` does of an order by title, without all that the part is not about."""
    direction = "DESC" if part.descending else "ASC"
    in_order = f"ORDER BY title {direction}, target_id {direction}"
    # Without statistics SQLite would go through all and sort them.
    by_title = "" if connection.vendor == "postgresql" else "INDEXED BY share_target_by_title"
    return f"""
    SELECT {place} AS place, ROW_NUMBER() OVER ({in_order}) AS number, target_id
    FROM (
      SELECT target_id, title
      FROM (
        SELECT target.id AS target_id, UPPER(target.label) AS title, {source.columns}, {source.sums}
        FROM sharing_sharetarget AS target {by_title} {source.joins}
      ) AS figures
      WHERE {_HAS_NOW} {in_order} LIMIT %(limit{place})s OFFSET %(offset{place})s
    ) AS part{place}
    """  # noqa: S608 - names and placeholders of ours


def _ranked(row: Sequence[Any]) -> Ranked:
    target_id, page_id, code, label, block, article, *numbers = row
    half = len(CLASSES)
    # PostgreSQL adds big integers up as decimals.
    now, then = (
        Tally(**{name: int(value) for name, value in zip(CLASSES, part, strict=True)})
        for part in (numbers[:half], numbers[half:])
    )
    # SQLite keeps one as its hexadecimal digits.
    block_id = UUID(block) if isinstance(block, str) else block
    named = Named(target_id, page_id, code, label, block_id is not None)
    return Ranked(named, block_id, article if block_id else "", now, then)
