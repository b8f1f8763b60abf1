"""What tells where a reader came from makes no page of its own."""

import pytest

from healthsite.delivery import addresses


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", ""),
        ("utm_source=a&utm_medium=b", ""),
        ("UTM_Source=a", ""),
        ("fbclid=1&after=2-3&gclid=x", "after=2-3"),
        ("a=1&&b=2&", "a=1&b=2"),
        ("utm", "utm"),
        ("x=utm_source", "x=utm_source"),
        ("fbclid", ""),
    ],
)
def test_tracking_parameters_are_left_out(query: str, left: str) -> None:
    assert addresses.without_tracking(query) == left


@pytest.mark.parametrize(
    ("query", "is_so"),
    [
        ("", True),
        ("after=1", True),
        ("after=1&page_size=2", True),
        ("after=", True),
        ("after=1&after=2", False),
        ("after=1&other=2", False),
        ("after", False),
        ("%61fter=1", True),
        ("=", False),
    ],
)
def test_only_known_parameters_are_kept(query: str, is_so: bool) -> None:
    assert addresses.has_only(query, {"after", "page_size"}) is is_so


def test_what_is_private_or_counts_is_never_looked_for() -> None:
    for path in ("/admin/", "/share/abc/x/", "/s/abc/", "/media/x.png", "/healthz"):
        assert not addresses.may_be_kept(path)
    for path in ("/", "/an-article/", "/api/v1/articles/", "/sharing-a-cold/"):
        assert addresses.may_be_kept(path)
