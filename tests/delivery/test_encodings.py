"""A reader gets the best encoding that their browser takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthsite.delivery import encodings


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("", "identity"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("BR", "br"),
        ("x-gzip", "gzip"),
        ("*", "br"),
        ("*;q=0.5, gzip", "gzip"),
        ("br;q=0, *", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0.8, gzip;q=0.8", "br"),
        ("br;q=0, gzip;q=0", "identity"),
        ("identity;q=0", "identity"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("identity, gzip;q=0.5", "identity"),
        ("identity;q=0.5, *;q=0", "identity"),
        ("br ; q=1.0 , gzip", "br"),
        ("br;q=x, gzip", "gzip"),
        ("br;q=7, gzip", "gzip"),
        ("br;q=nan, gzip", "gzip"),
        ("deflate, zstd", "identity"),
        (",,;;q=,", "identity"),
        ("br" + "," * 20_000, "br"),
    ],
)
def test_the_best_acceptable_encoding_is_chosen(header: str, chosen: str) -> None:
    assert encodings.choose(header) == chosen
    assert encodings.CHOSEN[header] == chosen


@given(st.text(alphabet="brgzipidentty*;q=0.15, ", max_size=60))
def test_no_header_fails(header: str) -> None:
    assert encodings.choose(header) in encodings.STORED


def test_made_up_headers_do_not_fill_the_memory() -> None:
    remembered = encodings._Remembered()
    for number in range(encodings._MOST_REMEMBERED + 500):
        assert remembered[f"br, made-up-{number}"] == "br"
    assert remembered["gzip, " + "x" * 500] == "gzip"
    assert len(remembered) == encodings._MOST_REMEMBERED
