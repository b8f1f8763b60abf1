"""Who sees what in the admin's outbox, and that Wagtail's own mails go through it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from articles.models import HomePage
from healthsite.mail import actions
from healthsite.mail.models import MailState, OutgoingMail
from tests.articles.editing import form, post_edit, section_block
from tests.factories import add_draft
from tests.mail.server import MailServer

pytestmark = pytest.mark.django_db


def write(subject: str = "Hello", *to: str) -> OutgoingMail:
    message = EmailMultiAlternatives(
        subject, "The secret link", "site@example.org", to or ["a@example.org"]
    )
    message.attach_alternative("<script>alert(1)</script><b>bold</b>", "text/html")
    message.send()
    return OutgoingMail.objects.latest("pk")


def page(client: Client, name: str, *args: int, **query: str) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_a_password_reset_goes_out_by_the_real_form_and_its_link_works(
    server: MailServer, home: HomePage, reader: Client
) -> None:
    User.objects.create_superuser("ada", "ada@example.org", "forgotten")
    answer = reader.post(reverse("wagtailadmin_password_reset"), {"email": "ada@example.org"})
    assert answer.status_code == 302
    assert server.connections == 0, "nobody waits for a mail server"
    actions.send_due()
    (got,) = server.received
    assert got.recipients == ["ada@example.org"]
    found = re.search(r"http://127\.0\.0\.1:8000(/admin/password_reset/\S+)", got.content.decode())
    assert found
    form_page = reader.get(found[1], follow=True)
    assert "new_password1" in form_page.content.decode()


def test_a_workflow_notice_of_wagtail_goes_to_the_outbox(
    home: HomePage, editor: Client, publisher: Client
) -> None:
    draft = add_draft(home)
    post_edit(editor, draft, form(section_block("Why"), title="Sleep") | {"action-submit": "1"})
    mails = OutgoingMail.objects.all()
    assert [mail.recipients for mail in mails] == [["paul@example.org"]]
    assert mails[0].state == MailState.KEPT


@pytest.mark.parametrize(
    ("fixture", "lists", "reads"),
    [
        ("editor", False, False),
        ("publisher", False, False),
        ("administrator", True, False),
        ("superuser", True, True),
    ],
)
def test_administrators_see_mails_and_only_superusers_read_them(
    fixture: str, lists: bool, reads: bool, home: HomePage, request: pytest.FixtureRequest
) -> None:
    client = request.getfixturevalue(fixture)
    mail = write("Reset")
    for name, args in (("mail_outbox", []), ("mail_outbox_results", []), ("mail_outbox_mail", [mail.pk])):  # fmt: skip
        answer = client.get(reverse(name, args=args))
        assert answer.status_code == (200 if lists else 302), name
        text = answer.content.decode()
        assert ("Reset" in text) is lists
        assert ("The secret link" in text) is (reads and name == "mail_outbox_mail")
    menu = client.get(reverse("wagtailadmin_home")).content.decode()
    assert ("Mail outbox" in menu) is lists
    again = client.post(reverse("mail_outbox_again", args=[mail.pk]))
    assert again.headers["Location"] == (
        reverse("mail_outbox_mail", args=[mail.pk]) if lists else reverse("wagtailadmin_home")
    )


def test_a_reader_is_sent_to_the_log_in_page(home: HomePage, reader: Client) -> None:
    mail = write()
    for name, args in (("mail_outbox", []), ("mail_outbox_mail", [mail.pk]), ("mail_outbox_again", [mail.pk])):  # fmt: skip
        location = reader.get(reverse(name, args=args)).headers["Location"]
        assert location.startswith(reverse("wagtailadmin_login"))


def test_html_is_shown_as_source_and_runs_nowhere(home: HomePage, superuser: Client) -> None:
    text = page(superuser, "mail_outbox_mail", write().pk)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert(1)" not in text


def test_a_subject_is_escaped_wherever_it_stands(
    home: HomePage, superuser: Client, server: MailServer
) -> None:
    mail = write('<b>"x"</b>')
    server.behaviour.replies["RCPT"] = "550 <i>no</i>"
    actions.send_due()
    for text in (
        page(superuser, "mail_outbox"),
        page(superuser, "mail_outbox_mail", mail.pk),
        page(superuser, "mail_outbox_again", mail.pk),
    ):
        assert "<b>" not in text
        assert "<i>no" not in text


def test_the_outbox_is_filtered_searched_and_empty_in_words(
    home: HomePage, superuser: Client, server: MailServer
) -> None:
    assert "No mail yet" in page(superuser, "mail_outbox")
    write("Alpha", "anna@example.org")
    actions.send_due()
    write("Beta", "bert@example.org")
    assert "Beta" not in page(superuser, "mail_outbox_results", state="sent")
    assert "Alpha" not in page(superuser, "mail_outbox_results", state="waiting")
    assert "Beta" in page(superuser, "mail_outbox_results", q="bert@")
    assert "Alpha" not in page(superuser, "mail_outbox_results", q="bert@")
    assert "No mails match" in page(superuser, "mail_outbox_results", q='"')


def test_the_settings_are_told_without_the_password(
    home: HomePage, superuser: Client, settings: Any
) -> None:
    assert "No mail server is set" in page(superuser, "mail_outbox")
    settings.EMAIL_HOST, settings.EMAIL_PORT = "mail.example.org", 25
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "ada", "very secret"
    text = page(superuser, "mail_outbox")
    assert "mail.example.org port 25 (unencrypted)" in text
    assert "goes to the server unencrypted" in text
    assert "very secret" not in text


def test_sending_again_asks_first_and_warns_of_a_second_copy(
    home: HomePage, administrator: Client, server: MailServer
) -> None:
    server.behaviour.drops_at = "content"
    mail = write()
    actions.send_due()
    assert "Nobody knows whether this mail arrived" in page(
        administrator, "mail_outbox_mail", mail.pk
    )
    assert "may get it twice" in page(administrator, "mail_outbox_again", mail.pk)
    mail.refresh_from_db()
    assert mail.state == MailState.UNKNOWN, "looking changes nothing"
    administrator.post(reverse("mail_outbox_again", args=[mail.pk]))
    mail.refresh_from_db()
    assert mail.state == MailState.WAITING
    text = page(administrator, "mail_outbox_mail", mail.pk)
    assert "Sent again by a person" in text
    assert "Handed over, without an answer" in text
    assert "Send again…" not in text


def test_the_listing_costs_the_same_with_many_mails_and_reads_no_content(
    home: HomePage, superuser: Client
) -> None:
    counts = []
    for number in (1, 12):
        for each in range(number):
            write(f"Mail {number}-{each}")
        page(superuser, "mail_outbox")
        with CaptureQueriesContext(connection) as queries:
            page(superuser, "mail_outbox")
        counts.append(len(queries))
        assert not [q for q in queries if 'mail"."message"' in q["sql"]]
    assert counts[0] == counts[1]


def test_many_recipients_and_attachments_are_shown_in_short(
    home: HomePage, superuser: Client, readers: Callable[[], Client]
) -> None:
    message = EmailMessage("Many", "x", to=[f"r{n}@example.org" for n in range(50)])
    message.attach("report.pdf", b"%PDF" * 1000, "application/pdf")
    message.send()
    assert "(50 recipients)" in page(superuser, "mail_outbox")
    text = page(superuser, "mail_outbox_mail", OutgoingMail.objects.get().pk)
    assert "report.pdf, 3.9" in text
