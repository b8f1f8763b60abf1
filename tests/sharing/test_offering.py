"""How an editor's choices meet the registry, which may have grown or shrunk since."""

import pytest

from sharing.networks import NETWORKS
from sharing.offering import (
    LONGEST_LABEL,
    MOST_CHOICES,
    Choice,
    InvalidChoices,
    InvalidLabel,
    arrange,
    clean_label,
    make_offer,
    read_choices,
    write_choices,
)

SLUGS = [each.slug for each in NETWORKS]
FIRST, SECOND, THIRD, LAST = SLUGS[0], SLUGS[1], SLUGS[2], SLUGS[-1]
NAMES = {each.slug: each.name for each in NETWORKS}


def slugs(*choices: Choice) -> list[str]:
    return [each.slug for each in arrange(choices)]


def names(*choices: Choice) -> dict[str, str]:
    return {each.slug: each.name for each in make_offer(choices).networks}


def stored(slug: str = FIRST, shown: object = True, label: object = "") -> dict[str, object]:
    return {"slug": slug, "shown": shown, "label": label}


def test_without_a_choice_all_are_offered_in_their_default_order() -> None:
    assert [each.slug for each in make_offer(()).networks] == SLUGS
    assert names() == NAMES


def test_the_chosen_order_is_kept() -> None:
    assert slugs(*(Choice(slug) for slug in reversed(SLUGS))) == SLUGS[::-1]


def test_a_network_that_no_choice_names_stands_after_its_neighbour_of_the_default_order() -> None:
    chosen = [Choice(slug) for slug in reversed(SLUGS) if slug != THIRD]
    expected = [slug for slug in reversed(SLUGS) if slug != THIRD]
    expected.insert(expected.index(SECOND) + 1, THIRD)
    assert slugs(*chosen) == expected
    assert THIRD in make_offer(chosen), "and it is shown"


def test_a_new_first_network_stands_first() -> None:
    chosen = [Choice(slug) for slug in reversed(SLUGS) if slug != FIRST]
    assert slugs(*chosen)[0] == FIRST


def test_a_network_that_is_not_there_any_more_is_left_out() -> None:
    assert slugs(Choice("myspace", label="MySpace"), Choice(LAST))[0] != "myspace"
    assert "myspace" not in make_offer([Choice("myspace")])


def test_a_switched_off_network_is_not_offered() -> None:
    offer = make_offer([Choice(SECOND, shown=False)])
    assert SECOND not in offer
    assert FIRST in offer
    assert len(offer.networks) == len(NETWORKS) - 1


def test_a_label_replaces_the_name_and_an_empty_one_does_not() -> None:
    offered = names(Choice(FIRST, label="Tell a friend"), Choice(SECOND, label=""))
    assert offered[FIRST] == "Tell a friend"
    assert offered[SECOND] == NAMES[SECOND]


def test_a_label_that_another_networks_name_has_taken_since_is_not_used() -> None:
    assert names(Choice(FIRST, label=NAMES[LAST].upper()))[FIRST] == NAMES[FIRST]


def test_of_two_equal_labels_the_first_shown_one_is_used() -> None:
    offered = names(Choice(FIRST, label="Post it"), Choice(SECOND, label="POST IT"))
    assert (offered[FIRST], offered[SECOND]) == ("Post it", NAMES[SECOND])
    offered = names(Choice(FIRST, shown=False, label="Post it"), Choice(SECOND, label="Post it"))
    assert offered[SECOND] == "Post it"


def test_what_is_written_is_read_back() -> None:
    choices = (Choice(SECOND, shown=False), Choice(FIRST, label="Erzähl’s 🦋 weiter"))
    assert read_choices(write_choices(choices)) == choices


def test_spaces_of_a_label_are_tidied() -> None:
    assert clean_label("  Tell\u00a0 a\tfriend ") == "Tell a friend"
    assert clean_label("   ") == ""


@pytest.mark.parametrize("label", ["a" * LONGEST_LABEL, "می‌فرستم", "<b>Bold</b>", "👩‍⚕️ Ask", "1"])
def test_plain_words_of_any_language_are_a_label(label: str) -> None:
    assert clean_label(label) == label


@pytest.mark.parametrize(
    "label",
    [
        "a" * (LONGEST_LABEL + 1),
        "a" * 500_000,
        "X\u202eelgooG",  # right-to-left override
        "X\u2066Y",
        "zero\u200bwidth",
        "nul\0",
        "bell\x07",
        "\ufeffbom",
        "half \ud800",
        "\ue000 private",
        "🦋",
        "—",
        "\u200d",
    ],
)
def test_a_label_that_could_mislead_is_refused(label: str) -> None:
    with pytest.raises(InvalidLabel):
        clean_label(label)


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        "[]",
        7,
        [FIRST],
        [[FIRST, True, ""]],
        [{}],
        [{"slug": FIRST}],
        [stored(shown=1)],
        [stored(shown="on")],
        [stored(label=None)],
        [stored(label="a" * (LONGEST_LABEL + 1))],
        [stored(label=" spaces ")],
        [stored(label="X\u202e")],
        [stored(slug="")],
        [stored(slug="a" * 41)],
        [stored() | {"colour": "red"}],
        [stored(), stored()],
        [stored(slug=str(number)) for number in range(MOST_CHOICES + 1)],
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_list_that_no_form_of_ours_made_is_refused(value: object) -> None:
    with pytest.raises(InvalidChoices):
        read_choices(value)
