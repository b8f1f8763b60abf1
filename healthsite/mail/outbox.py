"""The admin's view of outgoing mail. Only superusers see what a mail says."""

from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.generic import TemplateView
from wagtail.admin.menu import MenuItem
from wagtail.admin.ui.tables import BaseColumn, Column, DateColumn, StatusTagColumn, TitleColumn
from wagtail.admin.views.generic import IndexView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.permission_policies import ModelPermissionPolicy

from healthsite.mail import actions, configured
from healthsite.mail.models import MailState, OutgoingMail

policy_of_mails = ModelPermissionPolicy(OutgoingMail)

_SHOWN_RECIPIENTS = 60


class OutboxMenuItem(MenuItem):
    """Show the outbox to those who may see it."""

    def is_shown(self, request: HttpRequest) -> bool:
        """Return whether the user may see mails."""
        return bool(policy_of_mails.user_has_permission(request.user, "view"))


class Outbox(IndexView):
    """All mails of the last weeks, newest first."""

    model = OutgoingMail
    page_title = "Mail outbox"
    header_icon = "mail"
    template_name = "healthsite/admin/mail_outbox.html"
    results_template_name = "healthsite/admin/mail_outbox_results.html"
    permission_policy = policy_of_mails
    any_permission_required: ClassVar[list[str]] = ["view"]
    index_url_name = "mail_outbox"
    index_results_url_name = "mail_outbox_results"
    default_ordering = "-created_at"
    paginate_by = 50
    search_fields: ClassVar[list[str]] = ["subject", "to_line"]
    list_filter: ClassVar[list[str]] = ["state"]
    verbose_name_plural = "mails"

    @cached_property
    def columns(self) -> list[BaseColumn]:
        """Return the columns; the subject opens the mail."""
        return [
            TitleColumn("subject", label="Subject", get_url=_url, accessor=_subject),
            Column("to_line", label="To", accessor=_to, classname="mail-to"),
            StatusTagColumn("state", label="State", accessor="get_state_display", primary=_is_sent),
            DateColumn("created_at", label="Written", sort_key="created_at", classname="mail-wide"),
            Column("problem", label="What the server said", classname="mail-wide"),
        ]

    def get_base_queryset(self) -> QuerySet[OutgoingMail]:
        """Return mails without their content."""
        return OutgoingMail.objects.defer("message")

    def order_queryset(self, queryset: QuerySet[OutgoingMail]) -> QuerySet[OutgoingMail]:
        """Order as asked for, then by age, so that pages do not overlap."""
        ordered: QuerySet[OutgoingMail] = super().order_queryset(queryset)
        return ordered.order_by(*ordered.query.order_by, "-pk")

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add what the mail settings are."""
        context: dict[str, Any] = super().get_context_data(*args, **kwargs)
        return context | _settings_context() | {"retention_days": settings.MAIL_RETENTION.days}


class MailPage(WagtailAdminTemplateMixin, TemplateView):
    """One mail: its state, its attempts and, for superusers, its content."""

    template_name = "healthsite/admin/mail.html"
    header_icon = "mail"
    page_title = "Mail"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let in those who may see mails."""
        if not policy_of_mails.user_has_permission(request.user, "view"):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def mail(self) -> OutgoingMail:
        """Return the mail; its content only for superusers."""
        mails = OutgoingMail.objects.all()
        if not self.request.user.is_superuser:
            mails = mails.defer("message")
        return get_object_or_404(mails, pk=self.kwargs["pk"])

    def get_page_subtitle(self) -> str:
        """Return the subject."""
        return _subject(self.mail)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here."""
        return [
            *self.breadcrumbs_items,
            {"url": reverse("mail_outbox"), "label": "Mail outbox"},
            {"url": "", "label": self.get_page_subtitle()},
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the mail, its ledger and what may be done."""
        user = self.request.user
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return (
            context
            | _settings_context()
            | {
                "mail": self.mail,
                "recipients": self.mail.recipients,
                "attempts": self.mail.attempts.order_by("began_at", "pk"),
                "content": content_of(bytes(self.mail.message)) if user.is_superuser else None,
                "may_send_again": policy_of_mails.user_has_permission(user, "change")
                and self.mail.state not in {MailState.WAITING, MailState.SENDING},
            }
        )


class SendAgain(MailPage):
    """Ask first, then queue a mail again."""

    template_name = "healthsite/admin/mail_again.html"
    page_title = "Send again"

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here, by the mail."""
        *way, mail = super().get_breadcrumbs_items()
        mail = mail | {"url": reverse("mail_outbox_mail", args=[self.mail.pk])}
        return [*way, mail, {"url": "", "label": self.page_title}]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let in those who may change mails."""
        if not policy_of_mails.user_has_permission(request.user, "change"):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Queue it, and say so."""
        mail = self.mail
        try:
            actions.send_again(mail_id=mail.pk, by=request.user.get_username())
        except actions.NotNow as reason:
            messages.error(request, str(reason))
        else:
            messages.success(request, "The mail is queued and goes out in a few seconds.")
        return redirect("mail_outbox_mail", pk=mail.pk)


@dataclass(frozen=True)
class Content:
    """What a mail says: headers, text, the HTML's source, and names and sizes of attachments."""

    headers: list[tuple[str, str]]
    text: str
    html: str
    attachments: list[tuple[str, int]]


def content_of(raw: bytes) -> Content:
    """Read a message; what cannot be decoded is replaced, never an error."""
    message = BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(raw)
    return Content(
        headers=[(name, str(value)) for name, value in message.items()],
        text=_part(message, "plain"),
        html=_part(message, "html"),
        attachments=[
            (
                part.get_filename() or part.get_content_type(),
                len(part.get_payload(decode=True) or b""),
            )
            for part in message.iter_attachments()
        ],
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _settings_context() -> dict[str, Any]:
    return {"mail_server": configured.server(), "sender": settings.DEFAULT_FROM_EMAIL}


def _url(mail: OutgoingMail) -> str:
    return reverse("mail_outbox_mail", args=[mail.pk])


def _subject(mail: OutgoingMail) -> str:
    return mail.subject.strip() or "(no subject)"


def _to(mail: OutgoingMail) -> str:
    shown = mail.to_line
    if len(shown) <= _SHOWN_RECIPIENTS:
        return shown or f"{len(mail.recipients)} hidden recipients"
    return f"{shown[:_SHOWN_RECIPIENTS]}… ({len(mail.recipients)} recipients)"


def _is_sent(mail: OutgoingMail) -> bool:
    return mail.state == MailState.SENT
