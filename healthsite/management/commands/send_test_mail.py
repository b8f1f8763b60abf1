"""`manage.py send_test_mail`"""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.management.base import BaseCommand, CommandError, CommandParser

from healthsite.mail import actions, configured
from healthsite.mail.models import Outcome


class Command(BaseCommand):
    help = "Send one mail through the configured server now, and say in the server's words what came of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")

    def handle(self, *args: Any, address: str, **options: Any) -> None:
        server = configured.server()
        if server is None:
            raise CommandError("No mail server is set. Set EMAIL_HOST; docs/mail.md says how.")
        message = EmailMessage(
            f"Test mail from {settings.SITE_NAME}",
            f"{settings.SITE_URL} can send mail.\n",
            to=[address],
        )
        try:
            mail = actions.keep(message=message)
        except ValueError as error:
            raise CommandError(str(error)) from error
        claimed = actions.claim(mail_id=mail.pk)
        if claimed is None:
            self.stdout.write("A worker is sending it already; the mail outbox shows the result.")
            return
        answer = actions.deliver(server=server, claimed=claimed)
        if answer.outcome is not Outcome.SENT:
            raise CommandError(f"{server}: {answer.outcome.label}. {answer.words}")
        self.stdout.write(f"{server} took the mail for {address}: {answer.words}")
