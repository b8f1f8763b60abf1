"""A post's own page: what it says in each state, and what each button does, also when it is pressed too late."""

import re
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from wagtail.models import GroupPagePermission

from sharing.channels import POST_PREFIX
from sharing.links import post_address
from sharing.models import (
    Delivery,
    DeliveryAttempt,
    PostWatch,
    PostWish,
    ShareClass,
    ShareCount,
    ShareTarget,
    SocialAccount,
    SocialPost,
)
from sharing.networks.demo import DemoNetwork, Fault, Kind
from sharing.networks.http import Outbound
from sharing.posting import actions, fulfilling, installation, observing
from sharing.posting.actions import Timing
from sharing.posting.admin.ledger import MOST_LINES
from sharing.posting.admin.ledger_forms import ItIsThereForm, RescheduleForm
from sharing.posting.afterwards import Afterwards
from sharing.posting.claims import clock
from sharing.posting.engine import send_due
from sharing.posting.sending import Networks
from sharing.posting.states import DeliveryState
from tests.sharing.conftest import Shared
from tests.sharing.posting.conftest import AT_PUBLISH, add_account, connect
from tests.sharing.posting.published import publish, written
from tests.sharing.posting.test_post_list import post, published

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
S = DeliveryState

# Session and user, the admin's own, then the post, its deliveries with their attempts, wishes, numbers and arrivals,
# what it is about and what changed.
QUERIES = 18


@pytest.fixture
def target(shared: Shared) -> ShareTarget:
    """Return the article."""
    return ShareTarget.objects.get(code=shared.code)


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def page(client: Client, delivery: Delivery) -> str:
    answer = client.get(reverse("post", args=[delivery.post_id]))
    assert answer.status_code == 200
    return text_of(answer)


def press(client: Client, name: str, key: int, **fields: Any) -> str:
    """Press a button, and return what the admin says then."""
    answer = client.post(reverse(name, args=[key]), fields)
    assert answer.status_code == 302, text_of(answer)
    return [str(each) for each in get_messages(answer.wsgi_request)][-1]


def buttons(text: str) -> list[str]:
    found = re.findall(r'class="button button-small[^>]*>(.*?)<span', text)
    return [each.strip() for each in found]


def sent_with(text: str) -> dict[str, str]:
    """Return what a page sends with “Approve”."""
    found = re.search(r'name="seen" value="([^"]*)"', text)
    assert found
    return {"seen": found[1]}


def state(delivery: Delivery) -> str:
    delivery.refresh_from_db()
    return delivery.state


WORDS = {
    S.DRAFT: ("Draft", "once a publisher has approved it"),
    S.APPROVED: ("Due", "within seconds"),
    S.PREPARING: ("Being sent", "a few seconds"),
    S.ARMED: ("Being sent", "a few seconds"),
    S.PUBLISHED: ("Published", "Ledger"),
    S.UNKNOWN: ("Unknown", "Nobody knows whether Mastodon has this post"),
    S.FAILED: ("Failed", "Mastodon certainly does not have it"),
    S.CANCELLED: ("Cancelled", "It was never sent"),
    S.WITHDRAWN: ("Withdrawn", "It was deleted on Mastodon"),
}


def test_each_state_is_told_in_words_with_the_buttons_that_it_allows(
    publisher: Client, shared: Shared, account: SocialAccount
) -> None:
    allowed = {
        S.DRAFT: ["Approve", "Reschedule…", "Edit", "Cancel…"],
        S.APPROVED: ["Reschedule…", "Make it a draft again", "Edit", "Cancel…"],
        S.PUBLISHED: ["Correct there…", "Delete there…"],
        S.UNKNOWN: ["It is there…", "Send again…", "Give it up…"],
        S.FAILED: ["Try again", "Cancel…"],
    }
    until = clock() + timedelta(minutes=1)
    delivery = post(shared, account, lease_until=until, remote_id="1").deliveries.get()
    for each in S:
        at = clock() if each in {S.PUBLISHED, S.WITHDRAWN} else None
        Delivery.objects.update(state=each, published_at=at)
        text = page(publisher, delivery)
        label, sentence = WORDS[each]
        assert f"post-state--{_key(label)}" in text, each
        assert f">{label}</span>" in text, each
        assert sentence in text, each
        assert buttons(text) == allowed.get(each, []), each
        is_under_way = each in {S.APPROVED, S.PREPARING, S.ARMED, S.UNKNOWN}
        assert text.count('data-under-way="1"') == is_under_way, each


def _key(label: str) -> str:
    return {"Due": "sending", "Being sent": "sending"}.get(label, label.lower())


def test_the_ledger_tells_when_how_long_what_was_asked_and_what_came_back(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, state=S.UNKNOWN).deliveries.get()
    began = clock() - timedelta(hours=1)
    for kind, took, words, led_to in (
        ("publish", 9.25, "social.example answered <502>.", "unknown"),
        ("look_up", 0.5, "It is not there yet.", "unknown"),
        ("publish", 0.2, "200 OK", "published"),
        ("remove", None, "", ""),
    ):
        DeliveryAttempt.objects.create(
            delivery=delivery,
            kind=kind,
            began_at=began,
            ended_at=began + timedelta(seconds=took) if took else None,
            words=words,
            led_to=led_to,
        )
    text = page(superuser, delivery)
    for words in ("Sent to Mastodon", "9.2 s", "social.example answered &lt;502&gt;.",
                  "Looked for on Mastodon", "0.5 s", "Mastodon was asked to delete it",
                  "Mastodon took it (200 OK).", "Waiting for the answer.", "so far", "Ledger: 4 lines"):  # fmt: skip
        assert words in text, words


def test_what_a_network_said_is_never_markup(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(
        shared, account, state=S.FAILED, text="<script>alert(1)</script>", problem="<img src=x>"
    ).deliveries.get()
    text = page(superuser, delivery)
    assert "<script>alert" not in text
    assert "<img src=x>" not in text
    assert "&lt;img src=x&gt;" in text


def test_a_long_ledger_shows_its_end(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, state=S.UNKNOWN).deliveries.get()
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(
            delivery=delivery, kind="look_up", began_at=clock() + timedelta(seconds=number),
            words=f"Look {number}.",
        )
        for number in range(103)
    )  # fmt: skip
    text = page(superuser, delivery)
    assert "The first 3 lines are left out here." in text
    assert "Look 102." in text
    assert "Look 2." not in text


def test_a_ledger_without_end_is_never_read_whole(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, state=S.UNKNOWN).deliveries.get()
    line = {"kind": "look_up", "began_at": clock(), "words": "Look."}
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(delivery=delivery, **line) for _ in range(3 * MOST_LINES)
    )
    with mock.patch.object(DeliveryAttempt, "from_db", side_effect=DeliveryAttempt.from_db) as read:
        page(superuser, delivery)
    assert read.call_count == MOST_LINES


def test_an_overdue_post_says_what_keeps_it(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    then = clock() - timedelta(hours=3)
    delivery = post(shared, account, due_at=then, not_before=then).deliveries.get()
    assert "as soon as a worker of this site is free" in page(superuser, delivery)
    SocialAccount.objects.update(state=SocialAccount.State.PAUSED)
    assert "It waits: the account sleep@social.example is paused." in page(superuser, delivery)
    SocialAccount.objects.update(state=SocialAccount.State.EXPIRED)
    assert "must be connected again first" in page(superuser, delivery)
    SocialAccount.objects.update(
        state=SocialAccount.State.ACTIVE,
        silent_until=clock() + timedelta(minutes=4),
        problem="social.example asks to wait.",
    )
    assert "It waits: Mastodon is left alone until" in page(superuser, delivery)


def test_an_editor_decides_less_than_a_publisher(
    editor: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, state=S.UNKNOWN).deliveries.get()
    assert buttons(page(editor, delivery)) == ["It is there…", "Give it up…"]
    denied = (
        ("delivery_send_again", S.UNKNOWN),
        ("delivery_try_again", S.FAILED),
        ("delivery_delete", S.PUBLISHED),
        ("delivery_correct", S.PUBLISHED),
        ("delivery_leave", S.PUBLISHED),
    )
    Delivery.objects.update(remote_id="1")
    for name, before in denied:
        Delivery.objects.update(state=before)
        sorry = press(editor, name, delivery.pk)
        assert "permission" in sorry
        assert state(delivery) == before
    assert not PostWish.objects.exists()
    for name in ("post_approve", "post_withdraw_approval", "post_reschedule"):
        Delivery.objects.update(state=S.APPROVED)
        sorry = press(editor, name, delivery.post_id)
        assert "permission" in sorry


def test_posts_of_pages_that_somebody_may_not_edit_do_not_exist_for_them(
    editor: Client, reader: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, state=S.UNKNOWN).deliveries.get()
    GroupPagePermission.objects.filter(group__name="Editors").delete()
    for name, key in (("post", delivery.post_id), ("post_standing", delivery.post_id),
                      ("delivery_cancel", delivery.pk), ("delivery_it_is_there", delivery.pk)):  # fmt: skip
        assert editor.get(reverse(name, args=[key])).status_code in {302, 404}
        assert reader.get(reverse(name, args=[key])).status_code == 302
    press_answer = editor.post(reverse("delivery_cancel", args=[delivery.pk]))
    assert press_answer.status_code in {302, 404}
    assert state(delivery) == S.UNKNOWN


def test_a_button_of_an_old_page_says_what_the_post_is_by_now_and_does_nothing(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, **published()).deliveries.get()
    names = {
        "delivery_cancel": "published by now",
        "delivery_it_is_there": "published by now",
        "delivery_send_again": "published by now",
        "delivery_try_again": "Only what failed",
        "delivery_leave": "Nothing is asked",
    }
    for name, words in names.items():
        said = press(superuser, name, delivery.pk, address="https://social.example/@sleep/1")
        assert words in said, name
        assert state(delivery) == S.PUBLISHED
    Delivery.objects.update(state=S.CANCELLED)
    for name in ("delivery_delete", "delivery_correct", "delivery_still_right"):
        said = press(superuser, name, delivery.pk, text="Other.")
        assert "cancelled by now" in said, name
    for name in ("post_approve", "post_withdraw_approval", "post_reschedule"):
        assert press(superuser, name, delivery.post_id), name
    assert state(delivery) == S.CANCELLED


def test_what_changes_between_the_question_and_the_answer_is_told_and_not_an_error(
    superuser: Client, shared: Shared, account: SocialAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = post(shared, account, state=S.UNKNOWN).deliveries.get()
    really = actions.send_again

    def found_meanwhile(**asked: Any) -> None:
        Delivery.objects.update(**published())
        really(**asked)

    monkeypatch.setattr(actions, "send_again", found_meanwhile)
    said = press(superuser, "delivery_send_again", delivery.pk)
    assert "published by now" in said
    assert state(delivery) == S.PUBLISHED


def test_cancelling_asks_first_and_leaves_a_line_with_a_name(
    editor: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, timing=AT_PUBLISH).deliveries.get()
    question = text_of(editor.get(reverse("delivery_cancel", args=[delivery.pk])))
    assert "Cancel the post of sleep@social.example on Mastodon?" in question
    assert state(delivery) == S.APPROVED
    press(editor, "delivery_cancel", delivery.pk)
    assert state(delivery) == S.CANCELLED
    assert "Cancelled by edith." in page(editor, delivery)


def test_a_post_is_rescheduled_by_a_local_time_and_its_zone(
    publisher: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, timing=AT_PUBLISH).deliveries.get()
    asked = {"when": "time", "local_time": "2030-03-31T02:30", "time_zone": "Europe/Berlin"}
    said = press(publisher, "post_reschedule", delivery.post_id, **asked)
    assert "skip 02:30 on that day" in said
    assert "goes out at 03:30" in said
    delivery.refresh_from_db()
    assert delivery.due_at is not None
    assert delivery.due_at.isoformat() == "2030-03-31T01:30:00+00:00"
    assert "31 March 2030, 02:30 (Europe/Berlin)" in page(publisher, delivery)


def test_a_time_that_is_none_is_an_error_in_the_form_and_nothing_is_moved(
    publisher: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, timing=AT_PUBLISH).deliveries.get()
    at_a_time = {"when": "time", "local_time": "2030-03-01T10:00", "time_zone": "UTC"}
    for asked, words in (
        (at_a_time | {"local_time": ""}, "Choose a day and a time."),
        (at_a_time | {"local_time": "2030-02-30T10:00"}, "There is no 30 February 2030."),
        (at_a_time | {"local_time": "2027-02-29T10:00"}, "There is no 29 February 2027."),
        (at_a_time | {"local_time": "2030-13-01T10:00"}, "Choose a day and a time."),
        (at_a_time | {"local_time": "2030-02-00T10:00"}, "Choose a day and a time."),
        (at_a_time | {"local_time": "0000-02-30T10:00"}, "Choose a day and a time."),
        (at_a_time | {"local_time": "2030-02-28T25:00"}, "Choose a day and a time."),
        (at_a_time | {"local_time": "x" * 5000}, "at most 16 characters"),
        (at_a_time | {"time_zone": "Mars/Base"}, "Mars/Base"),
        ({"when": "never"}, "never"),
        ({}, "required"),
    ):
        assert words in str(RescheduleForm(asked).errors), asked
    wrong = {"when": "time", "local_time": "soon"}
    answer = publisher.post(reverse("post_reschedule", args=[delivery.post_id]), wrong)
    assert answer.status_code == 200
    assert "Choose a day and a time." in text_of(answer)
    delivery.refresh_from_db()
    assert delivery.due_at is None


def test_a_draft_is_approved_and_held_back_again_by_a_publisher(
    publisher: Client, shared: Shared, account: SocialAccount
) -> None:
    later = Timing(SocialPost.When.AT_TIME, "2099-03-01T10:00", "UTC")
    delivery = post(shared, account, timing=later, approved=False).deliveries.get()
    press(publisher, "post_approve", delivery.post_id, **sent_with(page(publisher, delivery)))
    assert state(delivery) == S.APPROVED
    press(publisher, "post_withdraw_approval", delivery.post_id)
    assert state(delivery) == S.DRAFT
    assert publisher.get(reverse("post_approve", args=[delivery.post_id])).status_code == 405


def test_an_unknown_post_is_there_by_its_address(
    demo: DemoNetwork, outbound: Outbound, target: ShareTarget, editor: Client
) -> None:
    account = connect("mastodon", demo, outbound)
    delivery = written(target, account)
    demo.faults.due.append(Fault(Kind.SWALLOW_REPLY))
    send_due(Networks(outbound), seconds=5)
    assert state(delivery) == S.UNKNOWN
    [there] = demo.truth.holding(delivery.link_code)
    url = reverse("delivery_it_is_there", args=[delivery.pk])
    assert post_address(delivery.link_code) in text_of(editor.get(url))
    for address in ("", "javascript:alert(1)", "https://other.example/@demo/1", "x" * 2000,
                    f"http://{demo.netloc}/@demo", "https://[", "http://a b/@demo/1"):  # fmt: skip
        assert not ItIsThereForm(
            {"address": address}, delivery=delivery, approves=True
        ).is_valid(), address
    answer = editor.post(url, {"address": "https://other.example/@demo/1"})
    assert "This is no address of a post of" in text_of(answer)
    assert state(delivery) == S.UNKNOWN
    address = f"http://{demo.netloc}/@demo/{there.id}"
    press(editor, "delivery_it_is_there", delivery.pk, address=address)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.remote_id) == (S.PUBLISHED, there.id)
    assert delivery.permalink == address
    assert "edith says it is there." in page(editor, delivery)


def test_an_address_that_tells_no_post_of_the_account_is_a_publishers_to_give_with_an_id(
    editor: Client, publisher: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, state=S.UNKNOWN).deliveries.get()
    url = reverse("delivery_it_is_there", args=[delivery.pk])
    asked = {"address": "https://social.example/objects/5", "remote_id": "115"}
    assert "Its id" not in text_of(editor.get(url))
    assert "or ask a publisher" in text_of(editor.post(url, asked))
    assert state(delivery) == S.UNKNOWN
    assert "Its id" in text_of(publisher.get(url))
    press(publisher, "delivery_it_is_there", delivery.pk, **asked)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.remote_id) == (S.PUBLISHED, "115")


def test_an_id_that_is_not_the_addresss_own_is_told_and_not_believed(
    publisher: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, state=S.UNKNOWN).deliveries.get()
    Delivery.objects.update(state=S.UNKNOWN)
    SocialAccount.objects.update(handle="@sleep@social.example")
    asked = {"address": "https://social.example/@sleep/7", "remote_id": "8"}
    url = reverse("delivery_it_is_there", args=[delivery.pk])
    assert "The address is that of the post 7" in text_of(publisher.post(url, asked))
    assert state(delivery) == S.UNKNOWN


def test_sending_again_warns_that_there_may_be_two_and_sends(
    publisher: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, state=S.UNKNOWN).deliveries.get()
    question = text_of(publisher.get(reverse("delivery_send_again", args=[delivery.pk])))
    assert "readers see this post twice" in question
    press(publisher, "delivery_send_again", delivery.pk)
    assert state(delivery) == S.APPROVED
    assert "Sent again by paul." in page(publisher, delivery)


def test_a_failed_post_is_tried_again(
    publisher: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, state=S.FAILED, problem="Too long.").deliveries.get()
    assert "Too long." in page(publisher, delivery)
    assert publisher.get(reverse("delivery_try_again", args=[delivery.pk])).status_code == 405
    press(publisher, "delivery_try_again", delivery.pk)
    assert state(delivery) == S.APPROVED


def test_a_published_post_is_deleted_there_and_the_page_shows_how_that_goes(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    publisher: Client,
) -> None:
    delivery = publish(target, connect("bluesky", demo, outbound), outbound)
    assert buttons(page(publisher, delivery)) == ["Delete there…"], "Bluesky edits no post"
    question = text_of(publisher.get(reverse("delivery_delete", args=[delivery.pk])))
    assert "This cannot be taken back" in question
    press(publisher, "delivery_delete", delivery.pk)
    text = page(publisher, delivery)
    assert ">Being deleted</span>" in text
    assert 'data-under-way="1"' in text
    assert buttons(text) == ["Leave it there"]
    fulfilling.fulfil(afterwards, seconds=30)
    text = page(publisher, delivery)
    assert ">Withdrawn</span>" in text
    assert "Bluesky was asked to delete it" in text
    assert buttons(text) == []


def test_a_published_post_is_corrected_there_and_a_refusal_is_told(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    publisher: Client,
) -> None:
    delivery = publish(target, connect("mastodon", demo, outbound), outbound)
    url = reverse("delivery_correct", args=[delivery.pk])
    assert delivery.text in text_of(publisher.get(url))
    answer = publisher.post(url, {"text": "Without its link."})
    assert "must stay in the text" in text_of(answer)
    assert "Without its link." in text_of(answer), "nothing that was typed is lost"
    press(publisher, "delivery_correct", delivery.pk,
          text=f"{'x' * 600} {post_address(delivery.link_code)}")  # fmt: skip
    fulfilling.fulfil(afterwards, seconds=30)
    assert "It was not corrected" in page(publisher, delivery)
    better = f"Sleep better. {post_address(delivery.link_code)}"
    press(publisher, "delivery_correct", delivery.pk, text=better)
    fulfilling.fulfil(afterwards, seconds=30)
    text = page(publisher, delivery)
    assert better in text
    assert "It was not corrected" not in text


def test_a_page_that_is_gone_asks_on_the_post_and_a_changed_one_can_be_answered(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, **published(clock() - timedelta(days=9))).deliveries.get()
    text = page(superuser, delivery)
    assert "Its page has changed since this post went out" in text
    assert "It is still right" in buttons(text)
    press(superuser, "delivery_still_right", delivery.pk)
    text = page(superuser, delivery)
    assert "Its page has changed" not in text
    assert "leaves it as it is" in text
    shared.article.unpublish()
    assert "Its page is gone: delete the post there?" in page(superuser, delivery)


def test_the_fragment_is_what_the_page_shows_and_nothing_keeps_it(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account).deliveries.get()
    answer = superuser.get(reverse("post_standing", args=[delivery.post_id]))
    assert "no-store" in answer["Cache-Control"]
    text = text_of(answer)
    assert "<html" not in text
    assert 'data-under-way="1"' in text
    version = re.findall(r'data-version="(\w{12})"', text)
    assert version
    assert version[0] in page(superuser, delivery)
    Delivery.objects.update(state=S.ARMED, lease_until=clock() + timedelta(minutes=1))
    again = text_of(superuser.get(reverse("post_standing", args=[delivery.post_id])))
    assert version[0] not in again


def test_the_page_has_no_inline_script_or_style(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account).deliveries.get()
    for name, key in (("post_standing", delivery.post_id), ("delivery_cancel", delivery.pk)):
        html = superuser.get(reverse(name, args=[key])).content.decode()
        main = html[html.find("<main") :] if "<main" in html else html
        assert " style=" not in main
        assert not re.search(r"\son\w+=", main)


def test_an_unknown_post_is_only_said_to_be_looked_for_where_it_can_be(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, state=S.UNKNOWN).deliveries.get()
    assert "the site looks for it" in page(superuser, delivery)
    SocialAccount.objects.update(network="telegram")
    text = page(superuser, delivery)
    assert "the site looks for it" not in text
    assert "Telegram shows no program what is there: look yourself, and decide." in text


def test_a_problem_is_called_what_it_is(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account).deliveries.get()
    for state_, problem, label in (
        (S.DRAFT, "{author} is no variable.", "Mend it first:"),
        (S.DRAFT, installation.HELD_BACK, "Held back:"),
        (S.CANCELLED, "Cancelled by Ann.", "Why:"),
        (S.FAILED, "social.example says no.", "What came back last:"),
    ):
        Delivery.objects.update(state=state_, problem=problem)
        assert f"<strong>{label}</strong> {problem}" in page(superuser, delivery)


def test_what_networks_would_miss_is_told_before_a_post_goes_out_and_not_after_it(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, timing=AT_PUBLISH).deliveries.get()
    said = "The share card is not drawn yet: until it is, networks show the site’s own picture."
    for waits in (S.APPROVED, S.DRAFT):
        Delivery.objects.update(state=waits)
        assert said in page(superuser, delivery)
    Delivery.objects.update(**published())
    assert said not in page(superuser, delivery)
    Delivery.objects.update(state=S.APPROVED)
    fragment = superuser.get(reverse("post_standing", args=[delivery.post_id]))
    assert said not in text_of(fragment), "the page is not drawn anew at every look"


def test_the_page_takes_as_many_queries_for_many_deliveries_as_for_one(
    superuser: Client,
    shared: Shared,
    account: SocialAccount,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    one = post(shared, account, **published()).deliveries.get()
    page(superuser, one)
    with django_assert_num_queries(QUERIES):
        page(superuser, one)
    others = [add_account(f"{number}@social.example") for number in range(4)]
    many = post(shared, *others, **published())
    for delivery in many.deliveries.all():
        for _ in range(3):
            DeliveryAttempt.objects.create(delivery=delivery, kind="publish", began_at=clock())
    first = many.deliveries.all()[0]
    with django_assert_num_queries(QUERIES):
        page(superuser, first)


def test_what_asks_for_a_person_comes_first(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    others = [add_account(f"{number}@social.example") for number in range(4)]
    many = post(shared, account, *others, **published())
    fine, paused, gone, unknown, failed = many.deliveries.order_by("pk")
    then = clock() - timedelta(hours=1)
    Delivery.objects.filter(pk=unknown.pk).update(state=S.UNKNOWN, published_at=None)
    Delivery.objects.filter(pk=failed.pk).update(state=S.FAILED, published_at=None)
    Delivery.objects.filter(pk=paused.pk).update(
        state=S.APPROVED, due_at=then, not_before=then, published_at=None
    )
    SocialAccount.objects.filter(pk=paused.account_id).update(state="paused")
    PostWatch.objects.create(delivery=gone, problem=observing.GONE)
    found = re.findall(r'id="delivery-(\d+)"', page(superuser, fine))
    assert [int(each) for each in found] == [
        paused.pk,
        unknown.pk,
        failed.pk,
        gone.pk,
        fine.pk,
    ]


def test_what_came_back_is_not_said_twice(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    words = "Telegram does not show bots what is in a channel."
    unknown = post(shared, account, state=S.UNKNOWN, problem=words).deliveries.get()
    SocialAccount.objects.update(network="telegram")
    for kind, line in (("publish", "bots.example answered 500."), ("look_up", words)):
        DeliveryAttempt.objects.create(
            delivery=unknown, kind=kind, began_at=clock(), ended_at=clock(), words=line
        )
    shown = page(superuser, unknown).partition("Ledger of")[0]
    assert "<strong>What came back last:</strong> bots.example answered 500." in shown
    assert words not in shown
    # An account that waits as its network asked has the same words as what waits for it.
    SocialAccount.objects.update(
        network="mastodon", silent_until=clock() + timedelta(hours=1), problem="Asked to wait."
    )
    then = clock() - timedelta(minutes=9)
    Delivery.objects.update(
        state=S.APPROVED, due_at=then, not_before=then, problem="Asked to wait."
    )
    assert page(superuser, unknown).partition("Ledger of")[0].count("Asked to wait.") == 1


def test_a_post_tells_how_many_readers_its_own_link_brought(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account, **published()).deliveries.get()
    assert f"{post_address(delivery.link_code)} · no arrivals yet" in page(superuser, delivery)
    for code, count in ((delivery.link_code, 1234), ("another", 5)):
        ShareCount.objects.create(
            target_id=delivery.target_id,
            day=clock().date(),
            channel=f"{POST_PREFIX}{code}",
            share_class=ShareClass.ARRIVAL,
            count=count,
        )
    assert f"{post_address(delivery.link_code)} · 1,234 arrivals" in page(superuser, delivery)
