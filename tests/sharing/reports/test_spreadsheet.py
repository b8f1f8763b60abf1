"""No cell of a file is taken for a formula, and numbers stay numbers."""

import csv
from io import StringIO

import pytest

from sharing.reports.spreadsheet import Cell, csv_answer, guarded


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\u200b=1",
     "\ufeff=1", "＝1", "＋1", "－1", "＠x", "\x00=1", "﹦1", "\tplain"],
)  # fmt: skip
def test_text_that_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize(
    "cell", ["", "Sleep", "a=b", "1-2", "– dash", "   ", 7, -7, 0, 1.5, -1.5, None]
)
def test_other_text_and_numbers_are_left_alone(cell: Cell) -> None:
    assert guarded(cell) == cell


def test_a_file_is_utf8_that_excel_knows_and_quotes_what_it_must() -> None:
    answer = csv_answer("shares", ["Title", "Shared"], [['Käse, "alt"\nund neu', 3], ["=x", None]])
    raw = b"".join(answer.streaming_content)  # type: ignore[arg-type]  # synchronous here
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(StringIO(raw.decode("utf-8-sig"), newline="")))
    assert rows == [["Title", "Shared"], ['Käse, "alt"\nund neu', "3"], ["'=x", ""]]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="shares.csv"'
