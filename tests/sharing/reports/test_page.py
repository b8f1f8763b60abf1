"""The report's numbers against counts made by hand, its refusals, its files and what it costs."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from xml.etree import ElementTree as ET

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from articles.models import HomePage
from sharing import filtered, stream, valkey
from sharing.models import CampaignLink, ShareCount, ShareTarget, UncountedShare
from sharing.recounting import recount
from tests.factories import add_article, section
from tests.sharing.conftest import Shared, shared_article

pytestmark = pytest.mark.django_db

TODAY = datetime.now(UTC).date()


def add(code: str, channel: str, share_class: str, ago: int, count: int) -> None:
    ShareCount.objects.create(
        target=ShareTarget.objects.get(code=code),
        channel=channel,
        share_class=share_class,
        day=TODAY - timedelta(ago),
        count=count,
    )


@pytest.fixture
def counted(shared: Shared) -> Shared:
    """Return an article with counts: 111 shares and 60 arrivals in 28 days, 50 shares before."""
    stream.note_sweep(valkey.events(), timezone.now())
    add(shared.code, "bluesky", "intent", 0, 1)
    add(shared.code, "bluesky", "arrival", 1, 60)
    add(shared.sections["why"], "x", "intent", 6, 10)
    add(shared.sections["why"], "copy-link", "handed_over", 27, 100)
    add(shared.sections["how"], "carrier-pigeon", "intent", 28, 50)
    return shared


def add_up() -> None:
    """Bring the sums along that a drain writes beside the counts."""
    for _ in recount(repair=True):
        pass


def page(client: Client, status: int = 200, **query: str | int) -> str:
    add_up()
    answer = client.get(reverse("shares_report"), query)
    assert answer.status_code == status
    return re.sub(r"\s+", " ", answer.content.decode())


def rows(client: Client, table: str, **query: str | int) -> list[list[str]]:
    add_up()
    answer = client.get(reverse("shares_report"), {"export": "csv", "table": table, **query})
    assert answer.status_code == 200
    raw = b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # a streamed file
    return list(csv.reader(StringIO(raw.decode("utf-8-sig"), newline="")))


def test_the_headline_counts_the_period_and_compares_it_in_words(
    counted: Shared, editor: Client
) -> None:
    text = page(editor)
    assert (
        "<strong>111</strong> <span>61 more (122%) than in the 28 days before (50)</span>" in text
    )
    assert "<strong>60</strong> <span>none in the 28 days before</span>" in text
    assert "<strong>0.54</strong>" in text
    assert "Coordinated Universal Time (UTC)" in text
    assert "Counted until" in text
    assert "worker is silent" not in text


def test_a_period_takes_its_first_day_and_leaves_the_day_before_it(
    counted: Shared, editor: Client
) -> None:
    assert "<strong>11</strong>" in page(editor, period="7")
    assert "<strong>161</strong>" in page(editor, period="90")
    first = (TODAY - timedelta(28)).isoformat()
    assert "<strong>50</strong>" in page(editor, period="custom", since=first, until=first)
    assert "<strong>50</strong>" in page(editor, since=first, until=first), "dates alone will do"


def test_each_grouping_has_the_numbers_made_by_hand(counted: Shared, editor: Client) -> None:
    why = counted.sections["why"]
    assert rows(editor, "channels") == [
        ["Channel", "Name in addresses", "Shared", "Intents", "Handed over", "Arrivals", "Arrivals per share"],
        ["Copied link", "copy-link", "100", "0", "100", "0", ""],
        ["X", "x", "10", "10", "0", "0", ""],
        ["Bluesky", "bluesky", "1", "1", "0", "60", ""],
    ]  # fmt: skip
    assert rows(editor, "targets")[1:] == [
        ["Why", "Section", "published", "Sleep", why, "110", "10", "100", "0", ""],
        ["Sleep", "Article", "published", "", counted.code, "1", "1", "0", "60", ""],
    ]
    assert [row[3] for row in rows(editor, "classes")[1:]] == ["11", "100", "60"]
    days = {row[0]: row[1:] for row in rows(editor, "days")[1:]}
    assert len(days) == 28
    assert days[TODAY.isoformat()] == ["1", "1", "0", "0", ""]
    assert days[(TODAY - timedelta(1)).isoformat()] == ["0", "0", "0", "60", ""]
    assert days[(TODAY - timedelta(27)).isoformat()] == ["100", "0", "100", "0", ""]


def test_what_rose_and_what_fell_is_named_with_numbers_and_words(
    counted: Shared, editor: Client
) -> None:
    text = page(editor)
    assert "What changed since the 28 days before" in text
    part = text[text.index("report-risers") : text.index("report-over-time")]
    rose, fell = part.split('id="report-fallers"')
    assert re.search(r">Why</a>.*?>0</td>.*?>110</td>.*?110 more, none before", rose)
    assert "How" not in rose
    assert re.search(r">How</a>.*?>50</td>.*?>0</td>.*?50 fewer, none now", fell)
    assert "Section · Sleep" in fell
    assert "What changed since the week before" in page(editor, period="7")


def test_without_a_period_before_it_says_what_will_come(counted: Shared, editor: Client) -> None:
    text = page(editor, period="90")
    assert "There is nothing to compare with yet" in text
    assert "report-risers" not in text


def test_a_period_without_shares_still_names_what_fell(counted: Shared, editor: Client) -> None:
    day = (TODAY - timedelta(8)).isoformat()
    text = page(editor, since=day, until=(TODAY - timedelta(7)).isoformat())
    assert "Nothing was shared" in text
    assert "What changed since" not in text
    ShareCount.objects.filter(day=TODAY).delete()
    ShareCount.objects.filter(share_class="arrival").delete()
    text = page(editor, since=TODAY.isoformat(), until=TODAY.isoformat())
    assert "What changed since" not in text, "yesterday had none either"
    add(counted.code, "x", "intent", 1, 4)
    text = page(editor, since=TODAY.isoformat(), until=TODAY.isoformat())
    assert "Nothing was shared" in text
    assert "4 fewer, none now" in text


def test_shares_and_arrivals_are_told_side_by_side_and_never_as_steps(
    counted: Shared, editor: Client
) -> None:
    text = page(editor)
    assert (
        "111 shares (11 intents, 100 handed over), and at least 60 arrivals: 0.54 for each share."
        in text
    )
    assert "Arrivals are a lower bound" in text
    assert "They are no part of the shares either." in text
    single = page(editor, since=TODAY.isoformat(), until=TODAY.isoformat())
    assert "1 share, and no arrival that we could see." in single
    ShareCount.objects.filter(channel="copy-link").delete()
    ShareCount.objects.filter(channel="x").update(count=8)
    assert "9 shares, and at least 60 arrivals.</p>" in page(editor), "no ratio below ten"
    assert "at least" not in page(editor, share_class="arrival")


def test_sections_that_come_first_have_their_own_picture_and_table(
    counted: Shared, editor: Client
) -> None:
    text = page(editor)
    part = text[text.index("Sections that come first") : text.index('id="report-by-title"')]
    assert "Why · Sleep</text>" in part
    assert re.search(r"<th scope=\"row\"> Why <small>Sleep</small> </th> <td[^>]*>110</td>", part)
    assert ">Sleep</text>" not in part
    assert "Sections that come first" not in page(
        editor, article=counted.article.pk, section="whole"
    )


def test_filters_take_what_they_name_alone(counted: Shared, editor: Client) -> None:
    other = shared_article(HomePage.objects.get(), title="Rest")
    add(other.code, "x", "intent", 0, 7)
    article = counted.article.pk
    assert "<strong>118</strong>" in page(editor)
    assert "<strong>111</strong>" in page(editor, article=article)
    assert "<strong>1</strong>" in page(editor, article=article, section="whole")
    assert "<strong>110</strong>" in page(editor, article=article, section=counted.sections["why"])
    assert "<strong>17</strong>" in page(editor, channel="x")
    assert "<strong>7</strong>" in page(editor, title="rest")
    intents = page(editor, share_class="intent")
    assert "<strong>18</strong>" in intents
    assert "Handed over</th>" not in intents
    arrivals = page(editor, share_class="arrival")
    assert "<strong>60</strong>" in arrivals
    assert "<dt>Shared</dt>" not in arrivals


def test_a_channel_that_nothing_knows_is_named_by_its_slug(counted: Shared, editor: Client) -> None:
    text = page(editor, period="90")
    assert '<option value="carrier-pigeon">carrier-pigeon</option>' in text
    assert rows(editor, "channels", period="90", channel="carrier-pigeon")[1][:3] == [
        "carrier-pigeon", "carrier-pigeon", "50",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"period": "1 OR 1=1"}, "Choose a period from the list"),
        ({"period": "custom"}, "Give the day"),
        ({"period": "custom", "since": "2026-01-02", "until": "2026-01-01"}, "after the last day"),
        ({"period": "custom", "since": "0001-01-01", "until": "2026-01-01"}, "before 1 January 2000"),
        ({"period": "custom", "since": "2026-01-01", "until": "9999-12-31"}, "in the future"),
        ({"period": "custom", "since": "9" * 500, "until": "x"}, "This is no day"),
        ({"article": "9" * 500}, "no published one has this number"),
        ({"article": "999999"}, "no published one has this number"),
        ({"article": "1; DROP TABLE"}, "no published one has this number"),
        ({"section": "nonesuch"}, "Choose the article of this section first"),
        ({"channel": "x' OR '1'='1"}, "Choose a channel from the list"),
        ({"channel": "x" * 500}, "Choose a channel from the list"),
        ({"share_class": "everything"}, "Choose a class from the list"),
        ({"title": "x" * 500}, "at most 100 characters"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_said_beside_its_field_and_shows_no_numbers(
    query: dict[str, str | int], words: str, counted: Shared, editor: Client
) -> None:
    text = page(editor, 400, **query)
    assert words in text
    assert 'role="alert"' in text
    assert "<strong>" not in text
    assert page(editor, 400, export="csv", table="days", **query)


@pytest.mark.parametrize("query", [{"p": "9" * 500}, {"p": "x"}, {"ordering": "pk; --"}])
def test_a_page_or_an_order_that_does_not_exist_shows_one_that_does(
    query: dict[str, str | int], counted: Shared, editor: Client
) -> None:
    assert "<strong>111</strong>" in page(editor, 200, **query)


def test_a_file_that_does_not_exist_is_refused(counted: Shared, editor: Client) -> None:
    page(editor, 400, export="csv", table="users")
    page(editor, 400, export="xlsx", table="days")


def test_titles_that_begin_like_formulas_are_guarded_in_files_and_plain_on_the_page(
    home: HomePage, editor: Client
) -> None:
    for sign in "=+-@":
        article = add_article(home, section("Part"), title=f"{sign}1+1")
        target = ShareTarget.objects.get(page_id=article.pk, block_id=None)
        add(target.code, "x", "intent", 0, 3)
    assert {row[0] for row in rows(editor, "targets")[1:]} == {"'=1+1", "'+1+1", "'-1+1", "'@1+1"}
    assert ">=1+1</a>" in page(editor)


def test_a_files_name_tells_its_period(counted: Shared, editor: Client) -> None:
    answer = editor.get(reverse("shares_report"), {"export": "csv", "table": "days", "period": "7"})
    first = TODAY - timedelta(6)
    assert f'"shares-by-day-{first}-to-{TODAY}.csv"' in answer.headers["Content-Disposition"]


def test_pictures_are_escaped_and_have_a_title_and_a_description(
    home: HomePage, editor: Client
) -> None:
    hostile = shared_article(home, title="</svg><script>alert(1)</script>")
    add(hostile.code, "x", "intent", 0, 3)
    text = page(editor)
    assert "<script>alert" not in text
    pictures = re.findall(r"<svg xmlns.*?</svg>", text)
    assert len(pictures) == 6, "three, each in two sizes"
    for picture in pictures:
        root = ET.fromstring(picture)  # noqa: S314  # our own markup
        assert root.get("role") == "img"
        assert root[0].tag.endswith("title")
        assert root[1].tag.endswith("desc")
        assert root[1].text


def test_what_was_unpublished_or_deleted_keeps_its_numbers_and_says_so(
    counted: Shared, editor: Client
) -> None:
    counted.article.unpublish()
    assert "Section, not published · Sleep" in page(editor)
    counted.article.delete()
    text = page(editor)
    assert "Section, deleted · Sleep" in text
    assert f"/admin/pages/{counted.article.pk}/edit/" not in text
    assert "<strong>111</strong>" in text


def test_a_section_opens_the_editor_at_its_block(counted: Shared, editor: Client) -> None:
    block = ShareTarget.objects.get(code=counted.sections["why"]).block_id
    assert f"/admin/pages/{counted.article.pk}/edit/#block-{block}-section" in page(editor)


def test_the_table_is_sorted_as_asked(counted: Shared, editor: Client) -> None:
    assert [row[0] for row in rows(editor, "targets", ordering="title")[1:]] == ["Sleep", "Why"]
    assert [row[0] for row in rows(editor, "targets", ordering="shared")[1:]] == ["Sleep", "Why"]
    assert 'aria-sort="descending"' in page(editor)


def test_an_empty_period_offers_a_longer_one_and_an_empty_choice_offers_all(
    shared: Shared, editor: Client
) -> None:
    text = page(editor, period="7")
    assert "Nothing was shared" in text
    assert 'href="?period=28"' in text
    add(shared.code, "x", "intent", 0, 3)
    text = page(editor, channel="bluesky")
    assert "Nothing matches" in text
    assert "Show all articles, channels and classes" in text


def test_a_silent_worker_is_said_and_days_after_it_are_not_zero(
    counted: Shared, editor: Client
) -> None:
    stream.note_sweep(valkey.events(), timezone.now() - timedelta(days=3))
    text = page(editor, period="90")
    assert "Counting stopped about 3 days ago: the worker is silent." in text
    days = {row[0]: row[1] for row in rows(editor, "days", period="90")[1:]}
    stopped: date = (datetime.now(UTC) - timedelta(days=3)).date()
    assert days[(stopped + timedelta(1)).isoformat()] == ""
    assert days[stopped.isoformat()] == "0"


def test_the_report_costs_the_same_whatever_there_is(home: HomePage, editor: Client) -> None:
    used = []
    for number in (1, 30):
        for each in range(number):
            shared = shared_article(home, title=f"Sleep {number} {each}")
            for ago in range(number):
                add(shared.code, f"channel-{each}", "intent", ago, 3)
                add(shared.sections["why"], f"channel-{each}", "intent", ago, 4)
        page(editor)
        with CaptureQueriesContext(connection) as queries:
            editor.get(reverse("shares_report"))
        used.append(len(queries))
        # Wagtail's own menu asks for the home page.
        own = [
            each
            for each in queries
            if ('"sharing_' in each["sql"] or "articles_" in each["sql"])
            and "articles_homepage" not in each["sql"]
        ]
        assert len(own) < 10, [each["sql"][:150] for each in own]
    assert used[0] == used[1]


def test_an_operators_report_with_campaigns_stays_below_ten_statements(
    counted: Shared, superuser: Client
) -> None:
    target = ShareTarget.objects.get(code=counted.code)
    link = CampaignLink.objects.create(target=target, name="Poster")
    add(counted.code, link.channel, "arrival", 1, 3)
    page(superuser)
    with CaptureQueriesContext(connection) as queries:
        answer = superuser.get(reverse("shares_report"))
    assert "Campaign: Poster" in answer.content.decode()
    # The home page is asked for by Wagtail's menu, on every page of the admin.
    own = [
        each
        for each in queries
        if ('"sharing_' in each["sql"] or "articles_" in each["sql"])
        and "articles_homepage" not in each["sql"]
    ]
    assert len(own) < 10, [each["sql"][:150] for each in own]


def uncounted(reason: filtered.Reason, ago: int, count: int) -> None:
    UncountedShare.objects.create(
        day=TODAY - timedelta(ago), reason=reason.value, source="a" * 32, count=count
    )


def test_an_operator_sees_what_was_not_counted_by_reason_most_first(
    counted: Shared, superuser: Client
) -> None:
    uncounted(filtered.Reason.REPEAT, 0, 7)
    uncounted(filtered.Reason.ROBOT, 27, 1_200)
    uncounted(filtered.Reason.ROBOT, 28, 5_000)
    text = page(superuser)
    part = text[text.index("What was not counted") :]
    robot, repeat = (str(each.label) for each in (filtered.Reason.ROBOT, filtered.Reason.REPEAT))
    assert re.search(rf"{robot}</th> <td[^>]*>1,200</td>.*{repeat}</th> <td[^>]*>7</td>", part)
    assert str(filtered.Reason.TOO_LARGE.label) not in part
    assert "What was not counted" in page(superuser, title="nothing is called so")
    UncountedShare.objects.all().delete()
    assert "There were none." in page(superuser)


def test_editors_do_not_see_what_was_not_counted(counted: Shared, editor: Client) -> None:
    uncounted(filtered.Reason.ROBOT, 0, 1_200)
    assert "not counted</h2>" not in page(editor)
    assert "1,200" not in page(editor)


def test_nobody_sees_it_without_signing_in(counted: Shared, reader: Client) -> None:
    for query in ({}, {"export": "csv", "table": "targets"}):
        answer = reader.get(reverse("shares_report"), query)
        assert answer.status_code == 302
        assert "/admin/login/" in answer.headers["Location"]
