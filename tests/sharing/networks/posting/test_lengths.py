"""Text is as long as the network says; `tests/browser/test_post_text.py` holds the script to the same."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.networks.posting.lengths import TextRule, links, measure
from tests.sharing.networks.posting.conftest import VECTORS

EXAMPLES = json.loads(VECTORS.read_text())
RULES = {name: TextRule(**rule) for name, rule in EXAMPLES["rules"].items()}


@pytest.mark.parametrize(
    "example",
    EXAMPLES["texts"],
    ids=[f"{each['rule']}: {each['name']}" for each in EXAMPLES["texts"]],
)
def test_a_text_is_as_long_as_its_network_says(example: dict[str, Any]) -> None:
    rule = RULES[example["rule"]]
    length = measure(example["text"], rule, warning=example["warning"])
    assert (length.units, length.fits(rule)) == (example["units"], example["fits"])


def test_a_rule_reaches_the_script_under_its_names() -> None:
    assert RULES["mastodon"].as_dict() == EXAMPLES["rules"]["mastodon"]


@given(st.text(alphabet="ahtps:/.?()@ -é👩‍1", max_size=80))
def test_links_never_overlap_and_lie_inside(text: str) -> None:
    last = 0
    for start, end in links(text):
        assert last <= start < end <= len(text)
        last = end


@pytest.mark.parametrize(
    "text",
    [
        "https://" + "a." * 100_000,
        "https://a.bc/(" * 20_000,
        "https://a.bc/" + "." * 300_000,
        "@a@" + "." * 300_000,
        "https://a.bc?" + "." * 300_000,
        "🧂" * 300_000,
    ],
)
@pytest.mark.timeout(60)
def test_no_text_takes_for_ever(text: str) -> None:
    assert measure(text, RULES["mastodon"]).units > 500
