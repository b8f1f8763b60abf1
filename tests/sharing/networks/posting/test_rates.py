"""When to ask again, whatever a server says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.networks.posting.conclusions import Budget
from sharing.networks.posting.rates import LATEST, SOONEST, UNTOLD, budget, retry_at

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "90"}, 90),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "Thu, 26 Nov 2026 12:01:30 GMT"}, 90),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "-1"}, 1),
        ({"retry-after": "1000000000"}, 300),
        ({"retry-after": "9" * 400}, 300),
        ({"retry-after": "1e9"}, 300),
        ({"retry-after": "inf"}, 300),
        ({"retry-after": "nan"}, 300),
        ({"retry-after": ""}, 300),
        ({"retry-after": "soon", "ratelimit-reset": str(EPOCH + 90)}, 90),
        ({"x-ratelimit-reset": "2026-11-26T12:01:30.000000Z"}, 90),
        ({"x-ratelimit-reset": "2026-11-26T13:01:30+01:00"}, 90),
        ({"x-ratelimit-reset": str(EPOCH * 1000 + 90_000)}, 90),
        ({"x-ratelimit-reset": "2031-01-01T00:00:00Z"}, 300),
        ({"x-ratelimit-reset": "0001-01-01T00:00:00Z"}, 300),
        ({"x-ratelimit-reset": "2026-11-26T11:00:00Z"}, 1),
        ({"ratelimit-reset": "86400"}, 86_400),
        ({"ratelimit-reset": "86401"}, 300),
        ({}, 300),
        # Either clock may be wrong: the server's own is taken for its moments.
        (
            {
                "date": "Thu, 26 Nov 2026 15:00:00 GMT",
                "retry-after": "Thu, 26 Nov 2026 15:01:30 GMT",
            },
            90,
        ),
        (
            {
                "date": "Thu, 26 Nov 2026 09:00:00 GMT",
                "ratelimit-reset": str(EPOCH - 3 * 3600 + 90),
            },
            90,
        ),
        ({"date": "nonsense", "ratelimit-reset": str(EPOCH + 90)}, 90),
    ],
)
def test_every_shape_of_header_gives_a_believable_moment(
    headers: dict[str, str], wait: float
) -> None:
    assert retry_at(headers, NOW) == NOW + timedelta(seconds=wait)


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-reset", "date"]), st.text(max_size=30)
    )
)
def test_no_header_whatever_leads_outside_the_bounds(headers: dict[str, str]) -> None:
    assert SOONEST <= retry_at(headers, NOW) - NOW <= max(LATEST, UNTOLD)
    budget(headers, NOW)


def test_what_is_left_is_read_and_what_is_not_said_is_not_made_up() -> None:
    said = {
        "ratelimit-limit": "5000",
        "ratelimit-remaining": "12",
        "ratelimit-reset": str(EPOCH + 60),
    }
    assert budget(said, NOW) == Budget(5000, 12, NOW + timedelta(seconds=60))
    assert budget({"x-ratelimit-remaining": "0"}, NOW) == Budget(None, 0, None)
    assert budget({"x-ratelimit-remaining": "-5", "x-ratelimit-limit": "many"}, NOW) is None
    assert budget({}, NOW) is None
