"""One small picture an article and each section, all on one scale, in the article's editor."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from articles.models import HomePage
from sharing import small_multiples
from sharing.models import ShareCount, ShareTarget
from tests.factories import add_article, add_draft, edit, section
from tests.sharing.conftest import Shared, codes_of

pytestmark = pytest.mark.django_db

TODAY = datetime.now(UTC).date()


def target(code: str) -> ShareTarget:
    return ShareTarget.objects.get(code=code)


def add(code: str, share_class: str, ago: int, count: int, channel: str = "x") -> None:
    ShareCount.objects.create(
        target=target(code), channel=channel, share_class=share_class, count=count,
        day=TODAY - timedelta(ago),
    )  # fmt: skip


def bars(markup: str) -> list[float]:
    return [
        float(each.get("height", "0"))
        for each in ET.fromstring(markup).iter()  # noqa: S314  # our own markup
        if each.get("class") == "share-chart__solid"
    ]


def editor_of(client: Client, shared: Shared, *, aside: bool = False) -> str:
    """Return what the tab of shares has, or what stands beside the text."""
    answer = client.get(f"/admin/pages/{shared.article.pk}/edit/")
    assert answer.status_code == 200
    page = re.sub(r"\s+", " ", answer.content.decode())
    tab, beside = (
        page.index('<div class="share-panel">'),
        page.index('<div class="share-panel share'),
    )
    first, last = sorted((tab, beside))
    return page[first:last] if (first == beside) == aside else page[last:]


def test_a_course_has_the_numbers_of_28_days_and_of_the_28_before(shared: Shared) -> None:
    add(shared.code, "intent", 0, 3)
    add(shared.code, "handed_over", 27, 4, "copy-link")
    add(shared.code, "arrival", 1, 9)
    add(shared.code, "intent", 28, 2)
    add(shared.code, "intent", 55, 1)
    add(shared.code, "intent", 56, 1000)
    [course] = small_multiples.courses([target(shared.code)], TODAY).values()
    assert (course.now.shared, course.now.arrival, course.before.shared) == (7, 9, 3)
    assert course.compared == "4 more than in the 28 days before (3)"
    assert "Shared: 7 in all, most on" in course.picture
    assert "Arrivals: 9 in all, most on" in course.picture


def test_all_pictures_have_one_scale(shared: Shared) -> None:
    add(shared.code, "intent", 3, 100)
    add(shared.sections["why"], "intent", 3, 50)
    targets = [target(shared.code), target(shared.sections["why"])]
    whole, why = small_multiples.courses(targets, TODAY).values()
    assert bars(whole.picture)[0] == pytest.approx(2 * bars(why.picture)[0], abs=0.2)


def test_a_day_far_above_all_others_is_cut_and_says_its_number(shared: Shared) -> None:
    for ago in range(25):
        add(shared.code, "intent", ago, 10)
    add(shared.code, "intent", 26, 54_321)
    [course] = small_multiples.courses([target(shared.code)], TODAY).values()
    assert "54,321</text>" in course.picture
    assert course.picture.count("share-chart__cut") == 2
    assert min(bars(course.picture)) > 15, "the other days are still to be seen"


def test_a_target_without_counts_has_a_course_of_nothing(shared: Shared) -> None:
    [course] = small_multiples.courses([target(shared.code)], TODAY).values()
    assert course.compared == "none in the 28 days before either"
    assert bars(course.picture) == []
    assert "Shared: none. Arrivals: none." in course.picture
    assert small_multiples.courses([], TODAY) == {}


def test_the_editor_shows_the_article_and_its_sections_in_their_order(
    shared: Shared, editor: Client
) -> None:
    add(shared.sections["how"], "intent", 0, 1_234_567)
    add(shared.sections["how"], "arrival", 0, 1)
    page = editor_of(editor, shared)
    names = re.findall(r"<h3> <span>([^<]+)</span> ([^<]+?) </h3>", page)
    assert names == [("Whole article:", "Sleep"), ("Section:", "Why"), ("Section:", "How")]
    assert (
        "shared <strong>1,234,567</strong> times, with at least <strong>1</strong> arrival." in page
    )
    assert "<strong>1,234,567</strong> shared, <strong>1</strong> arrival </p>" in page
    report = f"/admin/reports/shares/?period=28&amp;article={shared.article.pk}&amp;section="
    assert f"{report}{shared.sections['how']}" in page
    assert f"{report}whole" in page


def test_beside_the_text_each_section_has_its_picture_and_the_names_in_it_are_its_own(
    shared: Shared, editor: Client
) -> None:
    add(shared.sections["how"], "intent", 0, 1_234_567)
    beside, tab = (editor_of(editor, shared, aside=aside) for aside in (True, False))
    names = re.findall(r"<h3> <span>([^<]+)</span> ([^<]+?) </h3>", beside)
    assert names == [("Whole article:", "Sleep"), ("Section:", "Why"), ("Section:", "How")]
    assert "Shared <strong>1,234,567</strong> times in all, with no arrivals." in beside
    assert beside.count('role="img"') == len(names)
    ids = [set(re.findall(r' id="(aside-[^"]+|shares-[^"]+)"', each)) for each in (beside, tab)]
    assert len(ids[0]) == len(ids[1]) > len(names)
    assert not ids[0] & ids[1]


def test_before_it_is_published_the_place_beside_the_text_says_when_there_will_be_something(
    home: HomePage, editor: Client
) -> None:
    draft = add_draft(home, section("Why"))
    page = editor.get(f"/admin/pages/{draft.pk}/edit/").content.decode()
    assert page.count("Once this article is published, its shares and those of every section") == 2


def test_the_order_follows_the_article_and_a_removed_section_comes_last(
    shared: Shared, editor: Client
) -> None:
    blocks = {each["value"]["heading"]: each for each in shared.article.body.raw_data}
    edit(shared.article, section("New"), blocks["How"])
    page = editor_of(editor, shared)
    names = re.findall(r"<h3> <span>Section:</span> ([^<]+?) </h3>(.*?)</div>", page)
    assert [name for name, _ in names] == ["New", "How", "Why"]
    assert ["Removed from the article" in rest for _, rest in names] == [False, False, True]


def test_an_article_that_nobody_shared_says_so(shared: Shared, editor: Client) -> None:
    assert "Nobody shared this article or a section of it yet." in editor_of(editor, shared)


def test_titles_are_text_in_pictures_and_beside_them(home: HomePage, editor: Client) -> None:
    shared = codes_of(add_article(home, section("<b>&</b>"), title="<script>alert(1)</script>"))
    page = editor_of(editor, shared)
    panel = page[page.index("share-panel__total") : page.index("All numbers, from")]
    assert "<script>" not in panel
    assert "<b>" not in panel


def test_sixty_sections_cost_the_statements_of_two(
    home: HomePage, shared: Shared, editor: Client
) -> None:
    many = codes_of(add_article(home, *(section(f"Part {number}") for number in range(60))))
    used = []
    for each in (shared, many):
        codes = [each.code, *each.sections.values()]
        for code in codes:
            add(code, "intent", 1, 5)
        targets = list(ShareTarget.objects.filter(code__in=codes))
        with CaptureQueriesContext(connection) as captured:
            assert len(small_multiples.courses(targets, TODAY)) == len(codes)
        assert len(captured) == 1
        editor_of(editor, each)
        with CaptureQueriesContext(connection) as captured:
            editor_of(editor, each)
        used.append(len([one for one in captured if '"sharing_' in one["sql"]]))
    assert used[0] == used[1]
