"""The tables of the site as a whole."""

from healthsite.chores.models import Chore
from healthsite.mail.models import MailAttempt, OutgoingMail

__all__ = ["Chore", "MailAttempt", "OutgoingMail"]
