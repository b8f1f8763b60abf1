"""The outline tells an article's sections from its body: plain values, no database."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from articles.blocks import ArticleBody
from articles.outline import (
    LONGEST_SLUG,
    RESERVED_SLUGS,
    Part,
    is_reserved_slug,
    outline,
    plain_text,
    section_slugs,
    shorten,
    slug_from_heading,
)
from tests.factories import section

pytestmark = pytest.mark.any_database

BODY = ArticleBody()


def outlined(*blocks: dict[str, Any], title: str = "Sleep") -> list[Part]:
    return outline(title, BODY.to_python(list(blocks)))


def one(*args: Any, **fields: Any) -> Part:
    return outlined(section(*args, **fields))[0]


def slugs_of(*pairs: tuple[str, str]) -> list[str]:
    return section_slugs([{"slug": slug, "heading": heading} for slug, heading in pairs])


# What a part tells


def test_sections_are_numbered_in_order_and_free_blocks_are_not_sections() -> None:
    callout = {"type": "callout", "value": {"heading": "Aside", "text": "<p>By the way.</p>"}}
    parts = outlined(section("Why"), callout, section("How"))
    assert [(part.position, part.heading, part.slug) for part in parts] == [
        (1, "Why", "why"),
        (2, "How", "how"),
    ]


def test_a_part_keeps_the_identity_of_its_block() -> None:
    block = section("Why")
    assert outlined(block)[0].block_id == UUID(block["id"])


def test_a_block_that_was_never_saved_has_no_identity() -> None:
    block = section("Why")
    del block["id"]
    assert outlined(block)[0].block_id is None


def test_a_section_without_heading_is_called_by_its_number() -> None:
    part = outlined(section("Why"), section(), title="Sleep")[1]
    assert (part.slug, part.title, part.short_title) == ("part-2", "Part 2 of Sleep", "Part 2")


def test_a_heading_of_signs_alone_is_numbered_in_its_address_only() -> None:
    part = one("?!")
    assert (part.slug, part.title) == ("part-1", "?!")


def test_a_description_is_the_summary_or_the_beginning_of_the_text() -> None:
    assert one("Why", summary="In short.", text="At length.").description == "In short."
    assert one("Why", text="At length.").description == "At length."
    assert len(one("Why", text="word " * 100).description) <= 155


def test_the_text_is_the_words_of_the_body_without_markup() -> None:
    part = one(
        "Why",
        text="<b>Salt</b> &amp; water</p><ul><li>less than 5&nbsp;g</li><li>&lt; 2 l</li></ul><p>a day",
    )
    assert part.text == "Salt & water less than 5 g < 2 l a day"


# Slugs


def test_an_own_slug_comes_before_the_headings() -> None:
    assert slugs_of(("mine", "Why"), ("", "Why"), ("", "")) == ["mine", "why", "part-3"]


def test_a_repeated_slug_is_numbered_on_the_later_section() -> None:
    assert slugs_of(("a", ""), ("a", ""), ("a", "")) == ["a", "a-2", "a-3"]


def test_a_number_that_another_section_wants_is_left_to_it() -> None:
    assert slugs_of(("a", ""), ("a", ""), ("a-2", "")) == ["a", "a-3", "a-2"]


def test_a_reserved_slug_from_elsewhere_is_numbered() -> None:
    assert slugs_of(("share", ""), ("", "Print")) == ["share-2", "print-2"]


def test_letters_of_any_script_make_a_slug() -> None:
    assert slug_from_heading("Träume & Schlaf") == "träume-schlaf"
    assert slug_from_heading("なぜ眠るのか") == "なぜ眠るのか"
    assert slug_from_heading("Почему?") == "почему"


def test_a_slug_of_a_long_heading_ends_with_a_letter() -> None:
    slug = slug_from_heading("x" * (LONGEST_SLUG - 1) + " and more")
    assert slug == "x" * (LONGEST_SLUG - 1)


@pytest.mark.parametrize("slug", [*sorted(RESERVED_SLUGS), "part-1", "part-3", "part-2026"])
def test_the_sites_own_slugs_and_numbered_parts_are_reserved(slug: str) -> None:
    assert is_reserved_slug(slug)


@pytest.mark.parametrize(
    "slug", ["", "parts-3", "part-three", "part-3-of-it", "a-part-3", "sharing"]
)
def test_other_slugs_are_not_reserved(slug: str) -> None:
    assert not is_reserved_slug(slug)


_few_slugs = st.sampled_from(
    ["", "a", "a-2", "a-3", "part-2", "share", "share-2", "x" * LONGEST_SLUG]
)
_headings = st.one_of(st.just(""), st.sampled_from(["A", "Share", "Part 2"]), st.text(max_size=150))


@given(st.lists(st.tuples(_few_slugs, _headings), max_size=12))
@example([("x" * LONGEST_SLUG, "")] * 12)
def test_every_section_gets_a_slug_of_its_own_whatever_they_wish(
    pairs: list[tuple[str, str]],
) -> None:
    slugs = slugs_of(*pairs)
    assert len(slugs) == len(pairs)
    assert len(set(slugs)) == len(slugs)
    for slug in slugs:
        assert 0 < len(slug) <= LONGEST_SLUG
        assert "/" not in slug
        assert slug not in RESERVED_SLUGS


@given(st.lists(st.tuples(_few_slugs, _headings), max_size=12))
def test_slugs_that_were_given_stay_as_they_are(pairs: list[tuple[str, str]]) -> None:
    given_slugs = slugs_of(*pairs)
    again = slugs_of(
        *[(slug, heading) for slug, (_, heading) in zip(given_slugs, pairs, strict=True)]
    )
    assert again == given_slugs


# Shortening


@given(st.text(max_size=400), st.integers(min_value=1, max_value=300))
def test_a_shortened_text_fits_and_says_where_it_was_cut(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    if len(text) <= limit:
        assert short == text
    else:
        assert short.endswith("…")
        assert text.startswith(short[:-1])


def test_a_text_is_cut_between_words() -> None:
    assert shorten("One two, three four", 10) == "One two…"


@given(st.text(alphabet="ab &<>\"'\n", max_size=60))
def test_plain_text_gives_back_what_was_written(written: str) -> None:
    escaped = written.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert plain_text(f"<p>{escaped}</p>") == " ".join(written.split())


# The hash of what a reader reads


def test_position_slug_and_nested_ids_are_no_content() -> None:
    def reference(number: int) -> dict[str, Any]:
        value = {"citation": "A book", "url": "", "identifier": ""}
        return {"type": "item", "id": str(UUID(int=number)), "value": value}

    block = section(
        "Why",
        slug="why",
        body=[{"type": "text", "id": str(UUID(int=3)), "value": "<p>Words.</p>"}],
        references=[reference(1)],
    )
    again = section(
        "Why",
        slug="wherefore",
        body=[{"type": "text", "id": str(UUID(int=4)), "value": "<p>Words.</p>"}],
        references=[reference(2)],
    )
    assert outlined(block)[0].content_hash == outlined(section("First"), again)[1].content_hash


@pytest.mark.parametrize(
    "changed",
    [
        {"heading": "Why not"},
        {"text": "Other words."},
        {"summary": "A summary."},
        {"aspect": "CausesHealthAspect"},
        {"references": [{"citation": "Another", "url": "", "identifier": ""}]},
        {"body": []},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_everything_a_reader_reads_is_content(changed: dict[str, Any]) -> None:
    assert one(**({"heading": "Why"} | changed)).content_hash != one("Why").content_hash
