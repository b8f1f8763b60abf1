"""The composer, as editors and publishers use it, without a script."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from articles.models import ArticlePage, HomePage
from sharing.links import post_address
from sharing.models import (
    Delivery,
    PostNumber,
    PostTemplate,
    PostWish,
    ShareTarget,
    SocialAccount,
    SocialPost,
)
from sharing.posting import drafting
from sharing.posting.admin.composer_form import Typed, refusals
from sharing.posting.states import DeliveryState
from sharing.posting.subjects import Standing, Subject
from tests.factories import add_draft, edit, section
from tests.sharing.conftest import Shared
from tests.sharing.posting.conftest import add_account

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.any_database,
    pytest.mark.usefixtures("servers_are_not_asked"),
]
S = DeliveryState
FAR = "2099-06-01T09:30"


@pytest.fixture
def mastodon(db: None) -> SocialAccount:
    return add_account("@sleep@social.example", name="Sleep well")


@pytest.fixture
def bluesky(db: None) -> SocialAccount:
    return SocialAccount.objects.create(
        network="bluesky", host="pds.example", remote_id="did:plc:x", handle="@sleep.example"
    )


@pytest.fixture
def whole(shared: Shared) -> ShareTarget:
    return ShareTarget.objects.get(code=shared.code)


@pytest.fixture
def part(shared: Shared) -> ShareTarget:
    return ShareTarget.objects.get(code=shared.sections["why"])


def compose_url(target: ShareTarget) -> str:
    return f"/admin/posts/new/{target.pk}/"


def typed(*accounts: SocialAccount, **fields: Any) -> dict[str, Any]:
    """Return what the composer's form sends."""
    return {
        "form_key": str(uuid4()),
        "accounts": [str(each.pk) for each in accounts],
        "text": "Sleep well.",
        "language": "en",
        "visibility": "public",
        "warning": "",
        "when": "now",
        "local_time": "",
        "time_zone": "Europe/Berlin",
        "action": "save",
    } | fields


def again(*accounts: SocialAccount, about: ShareTarget) -> dict[str, str]:
    """Return the ticks “Post again” as the composer shows them now, where there are any."""
    newest = {
        each.account_id: each.pk for each in Delivery.objects.filter(target=about).order_by("pk")
    }
    return {f"again-{each.pk}-{newest[each.pk]}": "yes" for each in accounts if each.pk in newest}


def refused(answer: Any, words: str) -> str:
    """Check that nothing was saved and the page says why; return the page."""
    assert answer.status_code == 200
    html: str = answer.content.decode()
    assert words in re.sub(r"\s+", " ", html)
    return html


def text_area(html: str, name: str = "text") -> str:
    """Return what stands in a field for text, as a browser reads it."""
    found = re.search(rf'<textarea[^>]*name="{name}"[^>]*>\n?(.*?)</textarea>', html, re.DOTALL)
    assert found is not None
    return found[1]


# Writing


def test_a_publisher_posts_now_with_a_link_of_its_own_for_each_account(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    answer = publisher.post(compose_url(part), typed(mastodon, bluesky))
    assert answer.status_code == 302
    post = SocialPost.objects.get()
    assert (post.when, post.approved_by) == ("now", User.objects.get(username="paul"))
    first, second = post.deliveries.order_by("pk")
    for delivery in (first, second):
        assert delivery.state == S.APPROVED
        assert delivery.not_before is not None
        assert delivery.text == f"Sleep well. {post_address(delivery.link_code)}"
        assert delivery.language == "en"
    assert first.link_code != second.link_code


def test_an_editors_post_waits_for_a_publisher_who_is_told_and_lets_it_go(
    editor: Client, publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    answer = editor.post(compose_url(part), typed(mastodon, action="save"), follow=True)
    assert "once a publisher approves it" in answer.content.decode()
    post = SocialPost.objects.get()
    assert post.deliveries.get().state == S.DRAFT
    assert "waiting" not in editor.get("/admin/").content.decode()
    assert "Post waiting" in re.sub(r"\s+", " ", publisher.get("/admin/").content.decode())
    assert editor.post(f"/admin/posts/{post.pk}/approve/").status_code == 302
    assert post.deliveries.get().state == S.DRAFT, "an editor approves nothing"
    publisher.post(approve_url(post), seen_of(post))
    assert post.deliveries.get().state == S.APPROVED
    assert "waiting" not in publisher.get("/admin/").content.decode()
    publisher.post(f"/admin/posts/{post.pk}/withdraw-approval/")
    assert post.deliveries.get().state == S.DRAFT


def test_approving_by_address_alone_does_nothing(
    editor: Client, publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    editor.post(compose_url(part), typed(mastodon, action="draft"))
    post = SocialPost.objects.get()
    assert publisher.get(f"/admin/posts/{post.pk}/approve/").status_code == 405
    assert post.deliveries.get().state == S.DRAFT


def test_each_account_may_have_a_text_of_its_own(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    own = {f"text-{bluesky.pk}": "For the sky: {link} today"}
    publisher.post(compose_url(part), typed(mastodon, bluesky, **own))
    by_account = {each.account_id: each for each in Delivery.objects.all()}
    assert by_account[mastodon.pk].text.startswith("Sleep well. http")
    link = post_address(by_account[bluesky.pk].link_code)
    assert by_account[bluesky.pk].text == f"For the sky: {link} today"


def test_visibility_and_warning_go_to_the_networks_that_have_them(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    publisher.post(
        compose_url(part),
        typed(mastodon, bluesky, visibility="followers", warning="Sleep  and death"),
    )
    by_account = {each.account_id: each.options for each in Delivery.objects.all()}
    assert by_account[mastodon.pk] == {"visibility": "followers", "warning": "Sleep and death"}
    assert by_account[bluesky.pk] == {}


def test_variables_in_the_text_are_replaced_and_an_unknown_one_is_named(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    answer = publisher.post(compose_url(part), typed(mastodon, text="{title}: {sumary} {link}"))
    html = refused(answer, "{sumary} is no variable. Known are {title}")
    assert text_area(html) == "{title}: {sumary} {link}"
    publisher.post(compose_url(part), typed(mastodon, text="{title} of {article}: {link}"))
    assert Delivery.objects.get().text.startswith("Why of Sleep: http")


def test_what_is_wrong_with_the_text_is_said_once_however_many_accounts_send_it(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    accounts = (mastodon, bluesky, add_account("@third@social.example"))
    own = {f"text-{bluesky.pk}": "y" * 400}
    for fields in ({"text": "{sumary}"}, {"text": " "}, {"text": "x" * 30_000}):
        words = "no variable" if "{" in fields["text"] else ""
        words = words or ("Write something first" if fields["text"] == " " else "Too long: at most")
        for action in ("save", "draft", "preview", "live"):
            data = typed(*accounts, action=action, **fields)
            html = publisher.post(compose_url(part), data).content.decode()
            assert html.count(words) == 1, (action, words)
            html = publisher.post(compose_url(part), data | own).content.decode()
            assert html.count(words) == 1, (action, words)
            assert html.count("characters too long") == 1, action
    assert not SocialPost.objects.exists()


def test_the_composer_begins_with_the_default_template_in_words_and_its_link_as_a_variable(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    html = publisher.get(compose_url(part)).content.decode()
    assert text_area(html) == "Why\n\nWhy we do it.\n\n{link}"
    PostTemplate.objects.create(name="Short", text="{article} / {title} {link}", is_default=True)
    html = publisher.get(compose_url(part)).content.decode()
    assert text_area(html) == "Sleep / Why {link}"


def test_a_template_that_is_chosen_keeps_what_it_replaced_in_sight(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    chosen = PostTemplate.objects.create(name="Short", text="Read {title} {link}")
    answer = publisher.post(
        compose_url(part),
        typed(mastodon, text="My own words", action="template", template=str(chosen.pk)),
    )
    html = answer.content.decode()
    assert text_area(html) == "Read Why {link}"
    assert "My own words" in html
    assert not SocialPost.objects.exists()


# Refusals lose nothing


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"text": "x" * 600}, "characters too long"),
    ({"text": "x" * 100_000}, "at most 20,000 characters"),
    ({"text": "  \n "}, "Write something first"),
    ({"text": "\u200b\u200b"}, "Write something first"),
    ({"text": "Nothing\x00"}, "control characters"),
    ({"text": "مرحبا \u202eevil\u202c"}, "turns its direction around"),
    ({"accounts": ["x", "9" * 40, "-1"]}, "Choose at least one account"),
    ({"accounts": [str(n) for n in range(60)]}, "At most 50 accounts"),
    ({"accounts": ["99999"]}, "was disconnected meanwhile"),
    ({"when": "time", "local_time": FAR, "time_zone": "../etc/x"}, "There is no time zone"),
]


def test_what_cannot_be_saved_says_so_and_comes_back_as_it_was_typed(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    for fields, words in REFUSED:
        html = refused(publisher.post(compose_url(part), typed(mastodon, **fields)), words)
        assert not SocialPost.objects.exists()
        assert "Nothing was saved yet" in html
        if "text" not in fields:
            assert text_area(html) == "Sleep well.", fields
        elif fields["text"].strip():
            assert fields["text"] in html


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"when": "time", "local_time": ""}, "local_time", "Choose a day and a time"),
        ({"when": "time", "local_time": "2020-01-01T10:00"}, "local_time", "This time is over"),
        (
            {"when": "time", "local_time": FAR, "time_zone": "Mars/North"},
            "time_zone",
            "no time zone",
        ),
        ({"when": "time", "local_time": FAR, "time_zone": "a\0b"}, "time_zone", "no time zone"),
        (
            {"when": "time", "local_time": FAR, "time_zone": "a/" * 5000},
            "time_zone",
            "no time zone",
        ),
        (
            {"when": "time", "local_time": "9999-12-31T23:59", "time_zone": "America/Adak"},
            "local_time",
            "beyond what a calendar holds",
        ),
        ({"when": "publish"}, "when", "There is nothing to publish"),
        ({"when": "soon"}, "when", "Choose when the post goes out"),
        ({"language": "tlh"}, "language", "Choose a language of the list"),
        ({"visibility": "direct"}, "visibility", "Choose who sees it"),
        ({"warning": "w" * 300}, "warning", "At most 200 characters"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(
    fields: dict[str, Any], field: str, words: str
) -> None:
    query = QueryDict(mutable=True)
    for name, value in (typed() | {"accounts": ["1"]} | fields).items():
        query.setlist(name, value if isinstance(value, list) else [value])
    target = ShareTarget(pk=1, page_id=1)
    subject = Subject(target, Standing.LIVE, "Why", "Sleep", "", "https://x.example/", False)
    found = refusals(Typed.sent(query), subject, datetime.now(UTC))
    assert list(found) == [field]
    assert words in found[field]


def test_any_script_and_emoji_is_posted_and_shown_as_it_was_typed(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    for text in ("👩‍👩‍👧‍👦" * 20, "نوم جيد #نوم", "<script>alert(1)</script>", "a&b"):
        data = typed(mastodon, bluesky, text=text) | again(mastodon, bluesky, about=part)
        shown = publisher.post(compose_url(part), data | {"action": "preview"}).content.decode()
        assert "<script>alert" not in shown
        assert publisher.post(compose_url(part), data).status_code == 302
        sent = SocialPost.objects.latest("pk").deliveries.all()
        assert all(each.text.startswith(f"{text} http") for each in sent)


def test_an_account_that_was_disconnected_meanwhile_keeps_the_text(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    data = typed(mastodon, bluesky, text="Long thought about.")
    SocialAccount.objects.filter(pk=bluesky.pk).update(state="disconnected")
    html = refused(publisher.post(compose_url(part), data), "was disconnected meanwhile")
    assert text_area(html) == "Long thought about."
    publisher.post(compose_url(part), data | {"accounts": [str(mastodon.pk)]})
    assert Delivery.objects.get().account == mastodon


def test_a_page_that_was_deleted_meanwhile_keeps_the_text_for_an_editor_too(
    editor: Client, shared: Shared, part: ShareTarget, mastodon: SocialAccount
) -> None:
    ArticlePage.objects.get(pk=shared.article.pk).delete()
    answer = editor.post(compose_url(part), typed(mastodon, text="Long thought about."))
    html = refused(answer, "was deleted meanwhile")
    assert text_area(html) == "Long thought about."
    assert not SocialPost.objects.exists()


def test_a_page_that_is_gone_shows_its_name_and_posts_to_nobody_who_had_no_right_to_them(
    editor: Client,
    superuser: Client,
    shared: Shared,
    part: ShareTarget,
    mastodon: SocialAccount,
) -> None:
    superuser.post(compose_url(part), typed(mastodon, text="A post of theirs."))
    earlier = SocialPost.objects.get()
    ArticlePage.objects.get(pk=shared.article.pk).delete()
    for address in (compose_url(part), edit_url(earlier)):
        for action in ("save", "draft", "preview", "live", "template", "now"):
            answer = editor.post(address, typed(mastodon, text="My own words.", action=action))
            html = answer.content.decode()
            assert answer.status_code == 200
            assert "A post of theirs." not in html, (address, action)
            assert "Earlier posts" not in html, (address, action)
            assert "Why" not in html, (address, action)
            assert "Edit post" not in html, (address, action)
            assert editor.get(address).status_code == 302
    kept = superuser.post(compose_url(part), typed(mastodon, text="Mine."))
    assert "A post of theirs." in kept.content.decode()
    assert SocialPost.objects.count() == 1


def test_a_time_that_is_over_offers_now(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    data = typed(mastodon, when="time", local_time="2020-01-01T10:00")
    html = refused(publisher.post(compose_url(part), data), "Make it “Now”")
    html = publisher.post(compose_url(part), data | {"action": "now"}).content.decode()
    assert re.search(r'value="now" checked', html)
    assert not SocialPost.objects.exists()


# When


def test_a_post_at_a_time_keeps_the_wall_clock_and_its_zone(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    data = typed(mastodon, when="time", local_time=FAR)
    answer = publisher.post(compose_url(part), data, follow=True)
    assert "1 June 2099, 09:30 (Europe/Berlin)" in answer.content.decode()
    post = SocialPost.objects.get()
    assert (post.local_time, post.time_zone) == (FAR, "Europe/Berlin")
    assert post.deliveries.get().due_at == datetime(2099, 6, 1, 7, 30, tzinfo=UTC)


def test_an_hour_that_clocks_skip_or_show_twice_is_explained(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    for local, words in (
        ("2099-03-29T02:30", "skip 02:30 on that day"),
        ("2099-10-25T02:30", "show 02:30 twice"),
    ):
        data = typed(mastodon, when="time", local_time=local) | again(mastodon, about=part)
        answer = publisher.post(compose_url(part), data | {"action": "preview"})
        assert words in re.sub(r"\s+", " ", answer.content.decode())
        answer = publisher.post(compose_url(part), data, follow=True)
        assert words in answer.content.decode()
    assert SocialPost.objects.count() == 2


def test_a_published_page_without_changes_offers_no_publication(
    publisher: Client, shared: Shared, part: ShareTarget, mastodon: SocialAccount
) -> None:
    assert 'value="publish"' not in publisher.get(compose_url(part)).content.decode()
    edit(shared.article, title="Sleep longer", publish=False)
    assert 'value="publish"' in publisher.get(compose_url(part)).content.decode()
    publisher.post(compose_url(part), typed(mastodon, when="publish"))
    assert Delivery.objects.get().not_before is None
    ArticlePage.objects.get(pk=shared.article.pk).get_latest_revision().publish()
    assert Delivery.objects.get().not_before is not None


def test_a_section_of_a_draft_is_written_about_and_goes_out_with_its_publication(
    publisher: Client, home: HomePage, mastodon: SocialAccount
) -> None:
    article = add_draft(home, section("Naps", summary="Short ones."), title="Rest")
    block = article.body[0].id
    answer = publisher.get(f"/admin/posts/about/{article.pk}/{block}/", follow=True)
    html = answer.content.decode()
    assert text_area(html) == "Naps\n\nShort ones.\n\n{link}"
    assert 'name="when" value="now"' not in html
    target = ShareTarget.objects.get()
    html = refused(publisher.post(compose_url(target), typed(mastodon)), "is not published yet")
    publisher.post(compose_url(target), typed(mastodon, when="publish", text="{title} {link}"))
    assert Delivery.objects.get().text.startswith("Naps http")
    article.save_revision().publish()
    delivery = Delivery.objects.get()
    assert delivery.not_before is not None
    assert ShareTarget.objects.filter(block_id=block).count() == 1


def test_what_a_draft_does_not_have_cannot_be_begun(publisher: Client, home: HomePage) -> None:
    article = add_draft(home)
    for part in ("nothing", str(uuid4())):
        assert publisher.get(f"/admin/posts/about/{article.pk}/{part}/").status_code == 404
    assert publisher.get("/admin/posts/about/999999/article/").status_code == 404
    assert not ShareTarget.objects.exists()


# Once


def test_the_same_form_sent_twice_makes_one_post(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    data = typed(mastodon)
    first = publisher.post(compose_url(part), data)
    second = publisher.post(compose_url(part), data)
    assert SocialPost.objects.count() == Delivery.objects.count() == 1
    assert second["Location"] == first["Location"]


def test_another_post_is_made_only_where_it_is_asked_for(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    publisher.post(compose_url(part), typed(mastodon, text="The first one."))
    Delivery.objects.update(
        state=S.PUBLISHED,
        remote_id="1",
        permalink="https://social.example/@sleep/1",
        published_at=datetime.now(UTC) - timedelta(days=3),
    )
    html = publisher.get(compose_url(part)).content.decode()
    assert "The first one." in html
    assert "https://social.example/@sleep/1" in html
    html = refused(
        publisher.post(compose_url(part), typed(mastodon, bluesky, text="Once more.")),
        "tick “Post again”",
    )
    assert text_area(html) == "Once more."
    assert Delivery.objects.count() == 1
    data = typed(mastodon, bluesky, text="Once more.") | again(mastodon, about=part)
    publisher.post(compose_url(part), data)
    assert Delivery.objects.filter(account=mastodon).count() == 2
    assert Delivery.objects.filter(account=bluesky).count() == 1


def test_a_tick_is_for_the_posts_that_were_shown_beside_it(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    publisher.post(compose_url(part), typed(mastodon, text="The first one."))
    tick = again(mastodon, about=part)
    html = publisher.get(compose_url(part)).content.decode()
    assert f'name="{next(iter(tick))}"' in html
    publisher.post(compose_url(part), typed(mastodon, text="Once more.") | tick)
    assert Delivery.objects.count() == 2
    # The browser's way back shows the same words in a form with a new key.
    html = refused(
        publisher.post(compose_url(part), typed(mastodon, text="Once more.") | tick),
        "This was posted meanwhile (@sleep@social.example, ",
    )
    assert text_area(html) == "Once more."
    # A browser that restores its ticks finds none of the old name.
    fresh = again(mastodon, about=part)
    assert f'name="{next(iter(fresh))}" value="yes" >' in html
    assert next(iter(tick)) not in html
    publisher.post(compose_url(part), typed(mastodon, text="Once more.") | fresh)
    assert Delivery.objects.count() == 3


def test_a_post_between_the_look_and_the_save_is_asked_about_too(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    publisher.post(compose_url(part), typed(mastodon, text="The first one."))
    tick = again(mastodon, about=part)

    others = ["one"]

    def meanwhile(**given: Any) -> Any:
        if others:
            others.pop()
            publisher.post(compose_url(part), typed(mastodon, text="Another.") | tick)
        return write(**given)

    write = drafting.write
    with mock.patch("sharing.posting.drafting.write", side_effect=meanwhile):
        html = refused(
            publisher.post(compose_url(part), typed(mastodon, text="Mine.") | tick),
            "This was posted meanwhile.",
        )
    assert text_area(html) == "Mine."
    assert Delivery.objects.count() == 2


def test_earlier_posts_stand_with_their_numbers_their_source_and_their_age(
    publisher: Client, shared: Shared, part: ShareTarget, mastodon: SocialAccount
) -> None:
    publisher.post(compose_url(part), typed(mastodon, text="The first one."))
    delivery = Delivery.objects.get()
    html = publisher.get(compose_url(part)).content.decode()
    assert "post-lines__numbers" not in html, "nothing was told yet"
    Delivery.objects.update(state=S.PUBLISHED, remote_id="1", published_at=datetime.now(UTC))
    for name, value in (("likes", 1200), ("reposts", 1), ("replies", 0)):
        PostNumber.objects.create(
            delivery=delivery,
            name=name,
            value=value,
            as_of=datetime.now(UTC) - timedelta(hours=3),
            source="social.example",
        )
    for page in (compose_url(part), f"/admin/pages/{shared.article.pk}/edit/"):
        html = re.sub(r"\s+", " ", publisher.get(page).content.decode())
        assert "1 repost, 1,200 likes, 0 replies" in html, page
        assert "(from social.example, 3 hours ago)" in html, page


def test_an_earlier_post_is_in_the_state_that_its_own_page_tells(
    superuser: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    superuser.post(compose_url(part), typed(mastodon, text="The first one."))
    delivery = Delivery.objects.get()
    now = datetime.now(UTC)
    long_ago = {"due_at": now - timedelta(hours=2), "not_before": now - timedelta(hours=2)}
    held = {"lease_until": now + timedelta(minutes=1)}
    published = {"state": S.PUBLISHED, "remote_id": "1", "published_at": now}
    for values, label in (
        ({"state": S.DRAFT}, "Draft"),
        (long_ago, "Overdue"),
        ({"due_at": None, "not_before": None}, "When published"),
        ({"state": S.ARMED, **held}, "Being sent"),
        ({"state": S.UNKNOWN}, "Unknown"),
        (published, "Published"),
        (published | {"wish": True}, "Being deleted"),
    ):
        SocialPost.objects.update(when="publish" if label == "When published" else "now")
        if values.pop("wish", None):
            PostWish.objects.create(delivery=delivery, kind="delete", asked_at=now, not_before=now)
        Delivery.objects.update(**({"state": S.APPROVED} | values))
        said = superuser.get(f"/admin/posts/{delivery.post_id}/").content.decode()
        assert f">{label}</span>" in said, label
        html = superuser.get(compose_url(part)).content.decode()
        assert f'<strong class="post-lines__state">{label}</strong>' in html, label


def test_a_failed_or_cancelled_post_needs_no_second_word(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    publisher.post(compose_url(part), typed(mastodon))
    Delivery.objects.update(state=S.CANCELLED)
    publisher.post(compose_url(part), typed(mastodon))
    assert Delivery.objects.count() == 2


# Changing what has not begun


@pytest.fixture
def scheduled(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount, bluesky: SocialAccount
) -> SocialPost:
    own = {f"text-{bluesky.pk}": "For the {{sky}}: {link}"}
    publisher.post(compose_url(part), typed(mastodon, bluesky, when="time", local_time=FAR, **own))
    return SocialPost.objects.get()


def edit_url(post: SocialPost) -> str:
    return f"/admin/posts/{post.pk}/edit/"


def was(client: Client, post: SocialPost) -> dict[str, str]:
    """Return the hidden fields of the form as it is opened."""
    html = client.get(edit_url(post)).content.decode()
    found = {}
    for name in ("form_key", "was"):
        match = re.search(rf'name="{name}" value="([^"]*)"', html)
        assert match is not None
        found[name] = match[1]
    return found


def test_a_post_is_edited_as_it_was_written_and_keeps_its_links(
    publisher: Client, scheduled: SocialPost, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    html = publisher.get(edit_url(scheduled)).content.decode()
    texts = {text_area(html), text_area(html, f"text-{bluesky.pk}")}
    own = text_area(html, f"text-{mastodon.pk}")
    assert (texts | {own}) - {""} == {"Sleep well. {link}", "For the {{sky}}: {link}"}
    assert FAR in html
    codes = set(Delivery.objects.values_list("link_code", flat=True))
    data = typed(mastodon, bluesky, text="Sleep better.", when="time", local_time=FAR)
    publisher.post(edit_url(scheduled), data | was(publisher, scheduled))
    assert {each.text.partition(" http")[0] for each in Delivery.objects.all()} == {"Sleep better."}
    assert set(Delivery.objects.values_list("link_code", flat=True)) == codes


def test_an_account_is_taken_out_another_is_added_and_the_time_moves(
    publisher: Client, scheduled: SocialPost, bluesky: SocialAccount
) -> None:
    third = add_account("@third@social.example")
    data = typed(bluesky, third, when="time", local_time="2098-01-01T00:00", time_zone="UTC")
    publisher.post(edit_url(scheduled), data | was(publisher, scheduled))
    by_account = {each.account.handle: each for each in Delivery.objects.all()}
    assert by_account["@sleep@social.example"].state == S.CANCELLED
    assert "Taken out" in by_account["@sleep@social.example"].problem
    assert by_account["@third@social.example"].state == S.APPROVED
    assert by_account["@sleep.example"].due_at == datetime(2098, 1, 1, tzinfo=UTC)


def test_what_an_editor_changes_must_be_approved_again(
    editor: Client, scheduled: SocialPost, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    data = typed(mastodon, bluesky, text="Other words.", when="time", local_time=FAR)
    editor.post(edit_url(scheduled), data | was(editor, scheduled))
    assert set(scheduled.deliveries.values_list("state", flat=True)) == {S.DRAFT}
    scheduled.refresh_from_db()
    assert scheduled.approved_by is None


def test_two_who_edit_at_once_are_told_and_neither_text_is_lost(
    publisher: Client, editor: Client, scheduled: SocialPost, mastodon: SocialAccount
) -> None:
    mine, theirs = was(publisher, scheduled), was(editor, scheduled)
    data = typed(mastodon, when="time", local_time=FAR)
    editor.post(edit_url(scheduled), data | theirs | {"text": "Theirs."})
    answer = publisher.post(edit_url(scheduled), data | mine | {"text": "Mine."})
    html = refused(answer, "Somebody changed this post")
    assert text_area(html) == "Mine."
    assert "Theirs. http" in html
    assert Delivery.objects.get(account=mastodon).text.startswith("Theirs.")
    seen = re.search(r'name="was" value="([^"]*)"', html)
    assert seen is not None
    publisher.post(
        edit_url(scheduled),
        data | {"text": "Mine.", "was": seen[1], "form_key": str(uuid4())},
    )
    assert Delivery.objects.get(account=mastodon).text.startswith("Mine.")


def test_an_edit_that_is_sent_twice_is_made_once(
    publisher: Client, scheduled: SocialPost, mastodon: SocialAccount
) -> None:
    data = typed(mastodon, text="Once.", when="time", local_time=FAR) | was(publisher, scheduled)
    for _ in range(2):
        assert publisher.post(edit_url(scheduled), data).status_code == 302
    assert Delivery.objects.get(account=mastodon).text.startswith("Once.")


def test_what_has_begun_is_not_changed(
    publisher: Client, scheduled: SocialPost, mastodon: SocialAccount
) -> None:
    data = typed(mastodon, text="Too late.", when="time", local_time=FAR) | was(
        publisher, scheduled
    )
    for state in (S.PREPARING, S.ARMED, S.PUBLISHED, S.UNKNOWN, S.FAILED):
        Delivery.objects.filter(account=mastodon).update(
            state=state, remote_id="1", lease_until=datetime.now(UTC)
        )
        assert publisher.get(edit_url(scheduled)).status_code == 302
        html = refused(publisher.post(edit_url(scheduled), data), "on its way, or over")
        assert text_area(html) == "Too late."
        assert not Delivery.objects.filter(text__startswith="Too late").exists()


def test_a_worker_that_read_the_old_words_sends_nothing_any_more(
    publisher: Client, scheduled: SocialPost, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    fence = Delivery.objects.get(account=mastodon).fence
    data = typed(mastodon, bluesky, text="New.", when="time", local_time=FAR)
    publisher.post(edit_url(scheduled), data | was(publisher, scheduled))
    assert Delivery.objects.get(account=mastodon).fence > fence


# Approval


def approve_url(post: SocialPost) -> str:
    return f"/admin/posts/{post.pk}/approve/"


def seen_of(post: SocialPost) -> dict[str, str]:
    """Return what a page that shows the post as it is sends with its button."""
    return {"seen": SocialPost.objects.get(pk=post.pk).changed_at.isoformat()}


def test_a_post_whose_time_is_over_is_not_approved_in_silence(
    editor: Client, publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    editor.post(compose_url(part), typed(mastodon, when="time", local_time=FAR))
    post = SocialPost.objects.get()
    SocialPost.objects.update(local_time="2020-01-01T10:00")
    answer = publisher.post(approve_url(post), seen_of(post), follow=True)
    assert "This time is over" in answer.content.decode()
    assert post.deliveries.get().state == S.DRAFT


def test_a_post_that_waited_for_a_publication_that_is_over_is_not_approved_in_silence(
    editor: Client, publisher: Client, shared: Shared, part: ShareTarget, mastodon: SocialAccount
) -> None:
    edit(shared.article, title="Sleep longer", publish=False)
    editor.post(compose_url(part), typed(mastodon, when="publish"))
    post = SocialPost.objects.get()
    ArticlePage.objects.get(pk=shared.article.pk).get_latest_revision().publish()
    answer = publisher.post(approve_url(post), seen_of(post), follow=True)
    assert "There is nothing to publish" in answer.content.decode()
    assert post.deliveries.get().state == S.DRAFT


def test_a_publisher_approves_only_what_they_saw(
    editor: Client, publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    editor.post(compose_url(part), typed(mastodon, when="time", local_time=FAR))
    post = SocialPost.objects.get()
    seen = was(publisher, post)["was"]
    editor.post(
        edit_url(post),
        typed(mastodon, text="Other.", when="time", local_time=FAR) | was(editor, post),
    )
    publisher.post(f"/admin/posts/{post.pk}/approve/", {"seen": seen})
    assert post.deliveries.get().state == S.DRAFT
    publisher.post(f"/admin/posts/{post.pk}/approve/", {"seen": was(publisher, post)["was"]})
    assert post.deliveries.get().state == S.APPROVED


# Who may


def test_who_may_not_edit_the_article_sees_no_composer(
    part: ShareTarget, mastodon: SocialAccount, scheduled: SocialPost
) -> None:
    stranger = Client(headers={"host": "127.0.0.1:8000"})
    user = User.objects.create_user("sam", "sam@example.org", "secret")
    user.user_permissions.add(Permission.objects.get(codename="access_admin"))
    stranger.force_login(user)
    for address in (compose_url(part), edit_url(scheduled)):
        assert stranger.get(address).status_code == 302
        assert stranger.post(address, typed(mastodon)).status_code == 302
    assert stranger.post(f"/admin/posts/{scheduled.pk}/approve/").status_code in {302, 404}
    assert SocialPost.objects.count() == 1


def test_without_accounts_it_says_whom_to_ask(
    editor: Client, superuser: Client, part: ShareTarget
) -> None:
    html = editor.get(compose_url(part)).content.decode()
    assert "Ask an administrator" in html
    assert "No account is connected yet" in superuser.get(compose_url(part)).content.decode()


def test_accounts_that_cannot_send_are_shown_as_such_and_not_taken(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    SocialAccount.objects.filter(pk=mastodon.pk).update(state="paused")
    SocialAccount.objects.filter(pk=bluesky.pk).update(state="expired")
    html = publisher.get(compose_url(part)).content.decode()
    assert "Paused: nothing is sent" in html
    assert "connected again" in html
    answer = publisher.post(compose_url(part), typed(mastodon, bluesky))
    refused(answer, "must be connected again before")


# How it looks


def test_the_preview_shows_each_network_its_text_and_our_card(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount, bluesky: SocialAccount
) -> None:
    answer = publisher.post(
        compose_url(part),
        typed(mastodon, bluesky, text="See #sleep {link}", warning="Dreams", action="preview"),
    )
    html = re.sub(r"\s+", " ", answer.content.decode())
    first, second = re.findall(r'<article class="post-preview.*?</article>', html)
    (sky, fediverse) = (first, second) if "bluesky" in first else (second, first)
    assert "Dreams" in fediverse
    assert "Dreams" not in sky.partition("composer__warning")[0]
    for box in (sky, fediverse):
        assert '<span class="post-preview__mark">#sleep</span>' in box
        assert re.search(r'post-preview__title"[^>]*>Why<', box)
        assert "Why we do it." in box
        assert "127.0.0.1" in box
    assert not SocialPost.objects.exists()


def test_the_script_gets_the_previews_alone(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    answer = publisher.post(compose_url(part), typed(mastodon, text="{summary}", action="live"))
    html = answer.content.decode()
    assert "<html" not in html
    assert "Why we do it." in html
    assert re.search(r'data-units="\d+"', html)


def test_no_page_of_the_composer_has_inline_code(
    publisher: Client, part: ShareTarget, mastodon: SocialAccount
) -> None:
    html = publisher.get(compose_url(part)).content.decode()
    ours = html[html.index('<div class="composer">') :]
    ours = ours[: ours.index("</form>")]
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=", ours)


def queries_of(client: Client, *addresses: str) -> list[int]:
    """Return how many queries each page takes once everything is warm."""
    numbers = []
    for address in addresses:
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        numbers.append(len(captured))
    return numbers


def test_more_accounts_and_posts_take_no_more_queries(
    publisher: Client, shared: Shared, part: ShareTarget, mastodon: SocialAccount
) -> None:
    def write(*accounts: SocialAccount) -> None:
        data = typed(*accounts, when="time", local_time=FAR) | again(*accounts, about=part)
        publisher.post(compose_url(part), data)

    write(mastodon, add_account("@second@social.example"))
    pages = (compose_url(part), f"/admin/pages/{shared.article.pk}/edit/")
    few = queries_of(publisher, *pages)
    more = [add_account(f"@more{number}@social.example") for number in range(5)]
    for _ in range(2):
        write(mastodon, *more)
    assert queries_of(publisher, *pages) == few


# In the editor


def test_the_editor_lists_what_was_posted_and_offers_to_write_about_each_part(
    publisher: Client, shared: Shared, part: ShareTarget, mastodon: SocialAccount
) -> None:
    publisher.post(
        compose_url(part), typed(mastodon, text="Seen in the panel.", when="time", local_time=FAR)
    )
    html = publisher.get(f"/admin/pages/{shared.article.pk}/edit/").content.decode()
    panel = html[html.index('<ol class="posts-panel">') :].partition("</ol>")[0]
    assert panel.count("Write a post") == 3
    assert "Seen in the panel." in panel
    assert "Scheduled" in panel
    assert "1 June 2099" in panel
    for target in ShareTarget.objects.all():
        assert compose_url(target) in panel


def test_a_new_article_says_that_it_must_be_saved_first(publisher: Client, home: HomePage) -> None:
    html = publisher.get(f"/admin/pages/add/articles/articlepage/{home.pk}/").content.decode()
    assert "Once this article is saved, you can write posts" in html


def test_a_draft_offers_to_write_about_parts_that_were_never_published(
    publisher: Client, home: HomePage
) -> None:
    article = add_draft(home, section("Naps"), title="Rest")
    html = publisher.get(f"/admin/pages/{article.pk}/edit/").content.decode()
    assert f"/admin/posts/about/{article.pk}/article/" in html
    assert f"/admin/posts/about/{article.pk}/{article.body[0].id}/" in html


# Templates in the admin


def test_a_template_with_an_unknown_variable_is_refused_when_it_is_saved(
    publisher: Client,
) -> None:
    answer = publisher.post("/admin/post-templates/new/", {"name": "Bad", "text": "{titel} {link}"})
    assert "{titel} is no variable. Known are {title}" in answer.content.decode()
    assert not PostTemplate.objects.exists()


def test_a_new_default_takes_the_place_of_the_old_one(publisher: Client) -> None:
    for name in ("One", "Two"):
        answer = publisher.post(
            "/admin/post-templates/new/",
            {"name": name, "text": "{title} {link}", "is_default": "on"},
        )
        assert answer.status_code == 302
    assert PostTemplate.objects.get(is_default=True).name == "Two"


def test_editors_use_templates_and_publishers_keep_them(
    editor: Client, administrator: Client
) -> None:
    assert editor.get("/admin/post-templates/").status_code == 302
    assert administrator.get("/admin/post-templates/").status_code == 200
    assert (
        administrator.get("/admin/settings/sharing/autopostrule/", follow=True).status_code == 200
    )
