"""All writes of outgoing mail: keep, claim, arm, finish, and what a person asks for."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMessage
from django.core.mail.message import sanitize_address
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from healthsite.mail import configured, smtp
from healthsite.mail.models import MailAttempt, MailState, Outcome, OutgoingMail
from healthsite.mail.smtp import Answer, Server

logger = logging.getLogger(__name__)

# Mail servers take at least 100 recipients at a time (RFC 5321, 4.5.3.1.8).
MOST_RECIPIENTS = 100
LARGEST_MESSAGE = 10_000_000
# Far longer than a conversation with a server that answers within its time-outs.
LEASE = timedelta(minutes=5)
BACK_OFF = [timedelta(seconds=s) for s in (30, 120, 600, 1800, 3600, 7200, 14400)]
GIVE_UP_AFTER = timedelta(days=2)
# After a failure to reach the server, nobody tries it for this long.
PAUSE = timedelta(seconds=30)
_BATCH = 20


class MailRefused(ValueError):
    """This mail can never be sent: it is too large, or for nobody, or for too many."""


class NotNow(Exception):
    """What a person asks for makes no sense in the mail's present state."""


@dataclass(frozen=True)
class Claimed:
    """A mail that this process alone may send, for as long as the lease lasts."""

    mail: OutgoingMail
    fence: int
    attempt_id: int


def keep(*, message: EmailMessage) -> OutgoingMail:
    """Write a mail to the outbox, in the caller's transaction.

    Raises MailRefused, and BadHeaderError where a header would have a line break or control character.
    """
    for text in (message.subject, message.from_email, *message.recipients()):
        if any(ord(sign) < 32 or ord(sign) == 127 for sign in str(text)):
            raise BadHeaderError("A subject or address has a line break or control character.")
    encoding = message.encoding or settings.DEFAULT_CHARSET
    recipients = list(dict.fromkeys(_address(one, encoding) for one in message.recipients()))
    if len(recipients) > MOST_RECIPIENTS:
        raise MailRefused(
            f"{len(recipients)} recipients are more than {MOST_RECIPIENTS}: send in parts."
        )
    content = message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # Django's own
    if len(content) > LARGEST_MESSAGE:
        raise MailRefused(f"The mail has {len(content)} bytes, more than {LARGEST_MESSAGE}.")
    now = clock()
    return OutgoingMail.objects.create(
        state=MailState.WAITING if configured.server() else MailState.KEPT,
        subject=str(message.subject),
        sender=_address(message.from_email, encoding),
        to_line=", ".join(map(str, [*message.to, *message.cc])),
        recipients=recipients,
        outstanding=recipients,
        message=content,
        created_at=now,
        changed_at=now,
        queued_at=now,
        not_before=now,
    )


def send_due() -> int:
    """Send what waits, and return how many were tried; one sweep takes a limited number."""
    release_abandoned()
    server = configured.server()
    if server is None or _is_paused():
        return 0
    for tried in range(_BATCH):
        claimed = claim()
        if claimed is None:
            return tried
        if deliver(server=server, claimed=claimed).outcome is Outcome.UNREACHABLE:
            return tried + 1
    return _BATCH


def claim(*, mail_id: int | None = None) -> Claimed | None:
    """Take one mail that is due (or this one), so that nobody else sends it; None where there is none."""
    for _ in range(_BATCH):
        now = clock()
        due = OutgoingMail.objects.due(now)
        mail = (due if mail_id is None else due.filter(pk=mail_id)).first()
        if mail is None:
            return None
        with transaction.atomic():
            # Two may have read the same row; the fence lets one of them through, on either database.
            taken = OutgoingMail.objects.filter(
                pk=mail.pk, state=MailState.WAITING, fence=mail.fence
            ).update(
                state=MailState.SENDING,
                fence=mail.fence + 1,
                lease_until=now + LEASE,
                armed_at=None,
                tries=F("tries") + 1,
                changed_at=now,
            )
            if taken:
                attempt = MailAttempt.objects.create(mail=mail, began_at=now)
                return Claimed(mail, mail.fence + 1, attempt.pk)
    return None


def deliver(*, server: Server, claimed: Claimed) -> Answer:
    """Hand a claimed mail to the server and write down what came of it."""
    mail = claimed.mail
    answer = smtp.hand_over(
        server,
        sender=mail.sender,
        recipients=mail.outstanding,
        message=bytes(mail.message),
        arm=lambda: _arm(claimed),
    )
    finish(claimed=claimed, answer=answer)
    # Never subject, addresses or body: a log is read by more people than the outbox.
    logger.info("mail %s: %s", mail.pk, answer.outcome.value)
    return answer


@transaction.atomic
def finish(*, claimed: Claimed, answer: Answer) -> None:
    """Write down what came of an attempt, unless somebody else has taken the mail since.

    An answer that comes after the lease ended still tells the truth about a mail called unknown.
    """
    now = clock()
    MailAttempt.objects.filter(pk=claimed.attempt_id).update(
        ended_at=now, outcome=answer.outcome, words=answer.words
    )
    mails = OutgoingMail.objects.select_for_update().defer("message")
    mail = mails.filter(
        pk=claimed.mail.pk,
        fence=claimed.fence,
        state__in=[MailState.SENDING, MailState.UNKNOWN],
    ).first()
    if mail is None or answer.outcome is Outcome.INTERRUPTED:
        return
    mail.changed_at, mail.lease_until = now, None
    mail.problem = "" if answer.outcome is Outcome.SENT and not answer.refused else answer.words
    if answer.outcome is Outcome.UNKNOWN:
        mail.state = MailState.UNKNOWN
    elif answer.outcome is Outcome.UNREACHABLE:
        _try_later(mail, mail.outstanding, now)
    else:
        mail.refused = [*mail.refused, *answer.refused]
        if answer.later:
            _try_later(mail, answer.later, now)
        else:
            mail.outstanding = []
            somebody_has_it = len(mail.refused) < len(mail.recipients)
            mail.state = MailState.SENT if somebody_has_it else MailState.FAILED
    mail.save(
        update_fields=[
            *("state", "problem", "outstanding", "refused"),
            *("changed_at", "not_before", "lease_until"),
        ]
    )


@transaction.atomic
def release_abandoned() -> None:
    """Take back mails whose worker was killed: unsent ones wait again, handed-over ones are unknown."""
    now = clock()
    for mail in OutgoingMail.objects.abandoned(now).defer("message"):
        is_unknown = mail.armed_at is not None
        outcome = Outcome.UNKNOWN if is_unknown else Outcome.INTERRUPTED
        words = (
            "The process ended while it handed the mail over. The server may have it or not."
            if is_unknown
            else "The process ended before it handed the mail over."
        )
        taken = (
            OutgoingMail.objects.abandoned(now)
            .filter(pk=mail.pk, fence=mail.fence)
            .update(
                state=MailState.UNKNOWN if is_unknown else MailState.WAITING,
                problem=words,
                lease_until=None,
                not_before=now,
                changed_at=now,
            )
        )
        if taken:
            mail.attempts.filter(outcome=Outcome.UNDER_WAY).update(
                outcome=outcome, words=words, ended_at=now
            )


@transaction.atomic
def send_again(*, mail_id: int, by: str) -> None:
    """Queue a mail again because a person says so: for whom it did not reach, else for everybody.

    Raises NotNow where it is on its way already, or where there is no server to send it.
    """
    if configured.server() is None:
        raise NotNow("No mail server is set, so nothing can be sent.")
    now = clock()
    mail = OutgoingMail.objects.select_for_update().defer("message").get(pk=mail_id)
    left = [*mail.outstanding, *mail.refused] or mail.recipients
    taken = (
        OutgoingMail.objects.filter(pk=mail_id, fence=mail.fence)
        .exclude(state__in=[MailState.WAITING, MailState.SENDING])
        .update(
            state=MailState.WAITING,
            outstanding=left,
            refused=[],
            problem="",
            queued_at=now,
            not_before=now,
            changed_at=now,
            tries=0,
            fence=F("fence") + 1,
        )
    )
    if not taken:
        raise NotNow("This mail is on its way already.")
    MailAttempt.objects.create(
        mail_id=mail_id, began_at=now, ended_at=now, outcome=Outcome.AGAIN, words=by
    )


def prune() -> int:
    """Forget mails that have been finished for longer than the settings say; return how many."""
    mails = OutgoingMail.objects.finished_before(clock() - settings.MAIL_RETENTION)
    _, deleted = mails.delete()
    return deleted.get("healthsite.OutgoingMail", 0)


def clock() -> datetime:
    """Return the database's time: workers on several machines compare leases by it."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _arm(claimed: Claimed) -> bool:
    """Note that the content goes out now; False where the lease has ended."""
    now = clock()
    armed = OutgoingMail.objects.filter(
        pk=claimed.mail.pk, fence=claimed.fence, state=MailState.SENDING, lease_until__gt=now
    ).update(armed_at=now, lease_until=now + LEASE)
    return bool(armed)


def _try_later(mail: OutgoingMail, recipients: Sequence[str], now: datetime) -> None:
    mail.outstanding = list(recipients)
    if now - mail.queued_at > GIVE_UP_AFTER:
        mail.state = MailState.FAILED
        mail.problem = f"Given up after {GIVE_UP_AFTER.days} days. Last: {mail.problem}"
        return
    mail.state = MailState.WAITING
    mail.not_before = now + BACK_OFF[min(mail.tries, len(BACK_OFF)) - 1]


def _is_paused() -> bool:
    return MailAttempt.objects.filter(
        outcome=Outcome.UNREACHABLE, ended_at__gt=clock() - PAUSE
    ).exists()


def _address(written: str, encoding: str) -> str:
    """Return the bare address of “Name <address>”; raises MailRefused where it is none."""
    address = parseaddr(sanitize_address(written, encoding))[1]
    _, at, domain = address.rpartition("@")
    # A domain may be of any script and is encoded; few servers take such a name before the @.
    local = parseaddr(str(written))[1].rpartition("@")[0]
    if not (local and at and domain) or not local.isascii() or " " in address:
        raise MailRefused(f"{str(written)[:100]!r} is not a mail address.")
    return address
