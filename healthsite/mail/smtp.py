"""One SMTP conversation about one mail (RFC 5321), cut where it can no longer be taken back."""

import re
import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from healthsite.mail.models import Outcome

_LONGEST_WORDS = 500


@dataclass(frozen=True)
class Server:
    """Where mails are handed over; the time-out, in seconds, is for each step."""

    host: str
    port: int
    security: Literal["none", "tls", "ssl"]
    user: str
    timeout: float
    # What we call ourselves.
    name: str
    password: str = field(repr=False, default="")

    def __str__(self) -> str:
        how = {"none": "unencrypted", "tls": "STARTTLS", "ssl": "TLS"}[self.security]
        return f"{self.host} port {self.port} ({how})"


@dataclass(frozen=True)
class Answer:
    """What came of it: the server's words, and those of the recipients it put off or refused."""

    outcome: Outcome
    words: str
    later: Sequence[str] = ()
    refused: Sequence[str] = ()


def hand_over(
    server: Server,
    *,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    arm: Callable[[], bool],
) -> Answer:
    """Hand a mail over, and return what came of it; never raises for what a server does.

    `arm` is called after everything was agreed and before the content is sent. Where it returns False
    nothing is sent. A connection lost before it leaves nothing behind; one lost after it is UNKNOWN.
    """
    try:
        connection = _connected(server)
    except (OSError, smtplib.SMTPException) as error:
        return Answer(Outcome.UNREACHABLE, _said(error))
    try:
        return _converse(connection, sender, recipients, message, arm)
    finally:
        with suppress(OSError, smtplib.SMTPException):
            connection.quit()
        connection.close()


def _connected(server: Server) -> smtplib.SMTP:
    context = ssl.create_default_context()
    connection: smtplib.SMTP
    if server.security == "ssl":
        connection = smtplib.SMTP_SSL(
            server.host,
            server.port,
            local_hostname=server.name,
            timeout=server.timeout,
            context=context,
        )
    else:
        connection = smtplib.SMTP(
            server.host, server.port, local_hostname=server.name, timeout=server.timeout
        )
    try:
        connection.ehlo_or_helo_if_needed()
        if server.security == "tls":
            connection.starttls(context=context)
            connection.ehlo_or_helo_if_needed()
        if server.user:
            connection.login(server.user, server.password)
    except BaseException:
        connection.close()
        raise
    return connection


def _converse(
    connection: smtplib.SMTP,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    arm: Callable[[], bool],
) -> Answer:
    try:
        options = ["BODY=8BITMIME"] if connection.has_extn("8bitmime") else []
        code, words = connection.mail(sender, options)
        if code >= 300:
            return _all(code, words, recipients)
        answers = {address: connection.rcpt(address) for address in recipients}
        later = [address for address, (code, _) in answers.items() if 300 <= code < 500]
        refused = [address for address, (code, _) in answers.items() if code >= 500]
        problems = _problems(answers)
        if len(later) + len(refused) == len(recipients):
            outcome = Outcome.LATER if later else Outcome.REFUSED
            return Answer(outcome, problems, later, refused)
        code, words = connection.docmd("DATA")
        if code != 354:
            return _all(code, words, recipients)
    except (OSError, smtplib.SMTPException) as error:
        return Answer(Outcome.UNREACHABLE, _said(error))
    if not arm():
        # Hung up without a word: the server waits for content, and would take any word for it.
        connection.close()
        return Answer(Outcome.INTERRUPTED, "The lease had ended; nothing was sent.")
    try:
        connection.send(_as_data(message))
        code, words = connection.getreply()
    except (OSError, smtplib.SMTPException) as error:
        connection.close()
        return Answer(Outcome.UNKNOWN, f"No answer after the content: {_said(error)}")
    if code != 250:
        return _all(code, words, recipients)
    return Answer(
        Outcome.SENT, " / ".join(filter(None, [_spoken(code, words), problems])), later, refused
    )


def _all(code: int, words: bytes, recipients: Sequence[str]) -> Answer:
    if code < 0 or code == 421:
        return Answer(Outcome.UNREACHABLE, _spoken(code, words))
    if code < 500:
        return Answer(Outcome.LATER, _spoken(code, words), later=recipients)
    return Answer(Outcome.REFUSED, _spoken(code, words), refused=recipients)


def _problems(answers: Mapping[str, tuple[int, bytes]]) -> str:
    said = [
        f"{who}: {_spoken(code, words)}" for who, (code, words) in answers.items() if code >= 300
    ]
    return "; ".join(said)[:_LONGEST_WORDS]


def _as_data(message: bytes) -> bytes:
    """Return the content with doubled leading dots and its end (RFC 5321, 4.5.2)."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    dotted = re.sub(rb"(?m)^\.", b"..", lines)
    return dotted.removesuffix(b"\r\n") + b"\r\n.\r\n"


def _spoken(code: int, words: bytes) -> str:
    return _clean(f"{code} {words.decode('utf-8', 'replace')}")


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "The server refuses our user name and password: " + _spoken(
            error.smtp_code, _bytes(error.smtp_error)
        )
    if isinstance(error, smtplib.SMTPResponseException):
        return _spoken(error.smtp_code, _bytes(error.smtp_error))
    return _clean(f"{type(error).__name__}: {error}")


def _bytes(words: bytes | str) -> bytes:
    return words if isinstance(words, bytes) else words.encode()


def _clean(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[
        :_LONGEST_WORDS
    ]
