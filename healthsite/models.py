"""The tables of the site as a whole."""

from healthsite.mail.models import MailAttempt, OutgoingMail

__all__ = ["MailAttempt", "OutgoingMail"]
