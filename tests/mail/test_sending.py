"""Mails are kept first and sent once; what a server does is told in its words."""

import logging
import threading
from datetime import timedelta
from email import message_from_bytes
from typing import Any

import pytest
from django.core.mail import BadHeaderError, EmailMessage, EmailMultiAlternatives, send_mail
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from healthsite.mail import actions
from healthsite.mail.models import MailAttempt, MailState, Outcome, OutgoingMail
from healthsite.mail.smtp import Answer
from tests.mail.server import MailServer

pytestmark = pytest.mark.django_db


def write(*to: str, subject: str = "Hello", body: str = "Words") -> OutgoingMail:
    EmailMessage(subject, body, "Site <site@example.org>", list(to or ["a@example.org"])).send()
    return OutgoingMail.objects.latest("pk")


def state(mail: OutgoingMail) -> tuple[str, list[str]]:
    """Return a mail's state, and what came of each attempt."""
    mail.refresh_from_db()
    return mail.state, [row.outcome for row in mail.attempts.order_by("pk")]


def make_due() -> None:
    MailAttempt.objects.update(ended_at=actions.clock() - timedelta(hours=1))
    OutgoingMail.objects.update(not_before=actions.clock() - timedelta(seconds=1))


def test_a_mail_arrives_as_it_was_written(server: MailServer) -> None:
    message = EmailMultiAlternatives(
        "Grüße 🌊", "Hello\n.\n..two dots\n" + "x" * 3000, "Site <site@example.org>",
        ["Ärztin <a@example.org>"], cc=["c@example.org"], bcc=["hidden@example.org"],
    )  # fmt: skip
    message.attach_alternative("<p>Hello</p>", "text/html")
    message.send()
    assert server.connections == 0
    assert actions.send_due() == 1
    mail = OutgoingMail.objects.get()
    assert state(mail) == (MailState.SENT, [Outcome.SENT])
    (got,) = server.received
    assert got.sender == "site@example.org"
    assert got.recipients == ["a@example.org", "c@example.org", "hidden@example.org"]
    assert got.content == bytes(mail.message)
    assert b"hidden@" not in got.content
    text = message_from_bytes(got.content).get_payload()[0].get_payload(decode=True).decode()  # type: ignore[union-attr, index]
    assert "\n.\r\n..two dots" in text or "\n.\n..two dots" in text
    assert "42" in mail.attempts.get().words
    assert actions.send_due() == 0
    assert len(server.received) == 1


def test_a_change_that_is_rolled_back_sends_nothing(server: MailServer) -> None:
    def fail() -> None:
        with transaction.atomic():
            write()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not OutgoingMail.objects.exists()
    assert actions.send_due() == 0


def test_without_a_server_mails_are_kept_and_not_sent_later_by_themselves(
    settings: Any,
) -> None:
    mail = write()
    assert actions.send_due() == 0
    assert state(mail) == (MailState.KEPT, [])
    with pytest.raises(actions.NotNow, match="No mail server"):
        actions.send_again(mail_id=mail.pk, by="ada")


def test_later_is_tried_again_with_growing_pauses_and_then_given_up(server: MailServer) -> None:
    server.behaviour.replies["RCPT"] = "451 greylisted, try later"
    mail = write()
    pauses = []
    for _ in range(4):
        assert actions.send_due() == 1
        assert actions.send_due() == 0, "not at once"
        mail.refresh_from_db()
        assert mail.state == MailState.WAITING
        pauses.append(mail.not_before - mail.changed_at)
        make_due()
    assert pauses == sorted(set(pauses))
    assert mail.problem == "a@example.org: 451 greylisted, try later"
    OutgoingMail.objects.update(queued_at=actions.clock() - timedelta(days=3))
    actions.send_due()
    assert state(mail) == (MailState.FAILED, [Outcome.LATER] * 5)
    assert "Given up" in mail.problem


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "content"])
def test_a_refusal_fails_at_once_with_the_servers_words(verb: str, server: MailServer) -> None:
    server.behaviour.replies[verb] = "550 no such user here"
    mail = write()
    actions.send_due()
    assert state(mail) == (MailState.FAILED, [Outcome.REFUSED])
    assert "550 no such user here" in mail.problem
    make_due()
    assert actions.send_due() == 0


@pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_connection_lost_before_the_content_is_tried_again(step: str, server: MailServer) -> None:
    server.behaviour.drops_at = step
    mail = write()
    actions.send_due()
    assert state(mail) == (MailState.WAITING, [Outcome.UNREACHABLE])
    server.behaviour.drops_at = ""
    assert actions.send_due() == 0, "nobody hammers a server that is down"
    make_due()
    actions.send_due()
    assert state(mail) == (MailState.SENT, [Outcome.UNREACHABLE, Outcome.SENT])


@pytest.mark.parametrize("how", ["drops_at", "hangs_at"])
def test_a_connection_lost_after_the_content_is_unknown_and_never_repeated(
    how: str, server: MailServer, settings: Any
) -> None:
    settings.EMAIL_TIMEOUT = 0.3
    setattr(server.behaviour, how, "content")
    mail = write()
    actions.send_due()
    assert state(mail) == (MailState.UNKNOWN, [Outcome.UNKNOWN])
    setattr(server.behaviour, how, "")
    make_due()
    assert actions.send_due() == 0
    assert server.contents == 1


def test_a_server_that_is_down_stops_the_sweep_after_one_try(settings: Any) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    mails = [write(), write()]
    assert actions.send_due() == 1
    assert {state(mail)[0] for mail in mails} == {MailState.WAITING}


def test_some_recipients_get_it_and_only_the_others_are_tried_again(server: MailServer) -> None:
    server.behaviour.replies |= {"RCPT:b@example.org": "451 later", "RCPT:c@example.org": "550 no"}
    mail = write("a@example.org", "b@example.org", "c@example.org")
    actions.send_due()
    assert state(mail)[0] == MailState.WAITING
    assert (mail.outstanding, mail.refused) == (["b@example.org"], ["c@example.org"])
    del server.behaviour.replies["RCPT:b@example.org"]
    make_due()
    actions.send_due()
    assert state(mail)[0] == MailState.SENT
    assert [got.recipients for got in server.received] == [["a@example.org"], ["b@example.org"]]
    assert mail.refused == ["c@example.org"]


def test_a_person_may_send_again_and_the_ledger_keeps_everything(server: MailServer) -> None:
    server.behaviour.replies["RCPT"] = "550 mailbox full"
    mail = write()
    actions.send_due()
    server.behaviour.replies.clear()
    actions.send_again(mail_id=mail.pk, by="ada")
    with pytest.raises(actions.NotNow, match="on its way"):
        actions.send_again(mail_id=mail.pk, by="ada")
    actions.send_due()
    assert state(mail) == (MailState.SENT, [Outcome.REFUSED, Outcome.AGAIN, Outcome.SENT])
    assert mail.attempts.get(outcome=Outcome.AGAIN).words == "ada"


# --- Killed workers and leases ---


def expire(mail: OutgoingMail) -> None:
    OutgoingMail.objects.filter(pk=mail.pk).update(
        lease_until=actions.clock() - timedelta(seconds=1)
    )


def test_a_worker_killed_before_the_content_leaves_a_mail_that_is_sent(server: MailServer) -> None:
    mail = write()
    stalled = actions.claim()
    assert stalled is not None
    assert actions.send_due() == 0, "claimed"
    expire(mail)
    assert actions.send_due() == 1
    assert state(mail) == (MailState.SENT, [Outcome.INTERRUPTED, Outcome.SENT])
    # It was only stalled, and wakes up: too late to send.
    from healthsite.mail import configured  # noqa: PLC0415

    found = configured.server()
    assert found is not None
    actions.deliver(server=found, claimed=stalled)
    assert len(server.received) == 1
    assert state(mail)[0] == MailState.SENT


def test_a_worker_killed_while_handing_over_leaves_an_unknown_mail(server: MailServer) -> None:
    mail = write()
    claimed = actions.claim()
    assert claimed is not None
    assert actions._arm(claimed)
    expire(mail)
    assert actions.send_due() == 0
    assert state(mail) == (MailState.UNKNOWN, [Outcome.UNKNOWN])
    assert server.received == []
    # A late answer still tells the truth.
    actions.finish(claimed=claimed, answer=Answer(Outcome.SENT, "250 after all"))
    assert state(mail)[0] == MailState.SENT


@pytest.mark.django_db(transaction=True)
def test_eight_workers_send_each_mail_once(server: MailServer) -> None:
    for number in range(24):
        write(f"r{number}@example.org")

    def work() -> None:
        try:
            while actions.send_due():
                pass
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    got = sorted(one.recipients[0] for one in server.received)
    assert got == sorted(f"r{number}@example.org" for number in range(24))


# --- What is refused ---


@pytest.mark.parametrize(
    ("subject", "to", "sender"),
    [
        ("Hello\r\nBcc: everybody@example.org", "a@example.org", None),
        ("Hello\nX: y", "a@example.org", None),
        ("Hello\0", "a@example.org", None),
        ("Hello", "a@example.org\r\nRCPT TO:<b@example.org>", None),
        ("Hello", "a@example.org", "site@example.org\r\nX: y"),
    ],
)
def test_a_line_break_in_a_header_is_refused(subject: str, to: str, sender: str | None) -> None:
    with pytest.raises(BadHeaderError):
        send_mail(subject, "body", sender, [to])
    assert not OutgoingMail.objects.exists()


@pytest.mark.parametrize("to", ["nobody", "@example.org", "ä@example.org", ""])
def test_what_is_no_address_is_refused(to: str) -> None:
    if to:
        with pytest.raises(ValueError, match="address"):
            send_mail("Hello", "body", None, [to])
    else:
        assert send_mail("Hello", "body", None, []) == 0
    assert not OutgoingMail.objects.exists()


def test_a_mail_that_is_too_large_or_for_too_many_is_refused() -> None:
    large = EmailMessage("Hello", "x", to=["a@example.org"])
    large.attach("large.bin", b"x" * actions.LARGEST_MESSAGE, "application/octet-stream")
    with pytest.raises(actions.MailRefused, match="bytes"):
        large.send()
    many = [f"r{number}@example.org" for number in range(101)]
    with pytest.raises(actions.MailRefused, match="101 recipients"):
        send_mail("Hello", "x", None, many)
    assert send_mail("Hello", "x", None, many, fail_silently=True) == 0
    assert send_mail("Hello", "x", None, many[:100]) == 1


def test_no_log_line_has_anything_of_a_mail(
    server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    write("private@example.org", subject="Private matters", body="https://reset.example.org/token")
    actions.send_due()
    assert server.received
    for word in ("private", "Private", "token"):
        assert word not in caplog.text


def test_prune_forgets_what_is_finished_and_old(server: MailServer) -> None:
    old, fresh, waiting = write(), write(), write()
    OutgoingMail.objects.filter(pk=waiting.pk).update(
        not_before=actions.clock() + timedelta(days=1)
    )
    actions.send_due()
    long_ago = actions.clock() - timedelta(days=31)
    OutgoingMail.objects.filter(pk__in=[old.pk, waiting.pk]).update(changed_at=long_ago)
    assert actions.prune() == 1
    left = set(OutgoingMail.objects.values_list("pk", flat=True))
    assert left == {fresh.pk, waiting.pk}


# --- The command ---


def test_the_test_mail_says_in_the_servers_words_what_came_of_it(
    server: MailServer, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("send_test_mail", "ada@example.org")
    said = capsys.readouterr().out
    assert f"127.0.0.1 port {server.port} (unencrypted)" in said
    assert "250 taken as 42" in said
    server.behaviour.replies["RCPT"] = "550 no such user"
    with pytest.raises(CommandError, match="550 no such user"):
        call_command("send_test_mail", "ada@example.org")


def test_the_test_mail_without_a_server_or_with_a_bad_address_says_what_to_do(
    settings: Any,
) -> None:
    with pytest.raises(CommandError, match="EMAIL_HOST"):
        call_command("send_test_mail", "ada@example.org")
    settings.EMAIL_HOST = "127.0.0.1"
    with pytest.raises(CommandError, match="not a mail address"):
        call_command("send_test_mail", "ada")
