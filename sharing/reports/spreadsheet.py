"""A table as a CSV file that a spreadsheet opens as what it is: text stays text, numbers stay numbers."""

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

# Without it Excel takes UTF-8 for the machine's old encoding; other readers of CSV skip it.
BYTE_ORDER_MARK = "\ufeff"
FORMULA_SIGNS = frozenset("=+-@")
CONTROLS = frozenset("\t\r\n\0")

Cell = str | int | float | None


def guarded(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe.

    Signs after spaces and invisible characters and in other widths (＝, ＋) count too: some programs
    trim and fold before they look. Numbers are left alone, negative ones too.
    """
    if not isinstance(cell, str) or not cell:
        return cell
    if cell[0] in CONTROLS:
        return f"'{cell}"
    for character in cell:
        if character.isspace() or unicodedata.category(character) in {"Cf", "Cc", "Zs"}:
            continue
        begins = unicodedata.normalize("NFKC", character)[:1]
        return f"'{cell}" if begins in FORMULA_SIGNS else cell
    return cell


def csv_answer(
    name: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> StreamingHttpResponse:
    """Answer a CSV file row by row; `name` is the file's, without its ending, in plain ASCII."""
    answer = StreamingHttpResponse(_lines(headings, rows), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _lines(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    writer = csv.writer(_Passing())
    yield BYTE_ORDER_MARK + writer.writerow(headings)
    for row in rows:
        yield writer.writerow([guarded(cell) for cell in row])


class _Passing:
    """A file that hands each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line
