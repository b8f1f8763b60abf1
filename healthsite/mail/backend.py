"""Django's way in: every mail of the site, of Wagtail and of Django goes to the outbox."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError, transaction

from healthsite.mail import actions


class OutboxBackend(BaseEmailBackend):
    """Write mails to the database, in the caller's transaction; a worker sends them.

    Nobody waits for a mail server, a crash loses no mail, and a change that is rolled back sends none.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep each mail and return how many; raises what `actions.keep` raises."""
        kept = 0
        for message in email_messages:
            if not message.recipients():
                continue
            try:
                # A savepoint: a silent failure must leave the caller's transaction usable.
                with transaction.atomic():
                    actions.keep(message=message)
            except (ValueError, DatabaseError):
                if not self.fail_silently:
                    raise
            else:
                kept += 1
        return kept
