"""Where editors write a post about an article or section, and change one that has not begun."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from sharing import actions as sharing_actions
from sharing import shareables
from sharing.models import ShareTarget
from sharing.networks.posting.lengths import TextRule
from sharing.posting import actions, drafting, queries, scheduling
from sharing.posting.actions import NotNow
from sharing.posting.admin.composer_desk import Desk, Seat, lay, tightest
from sharing.posting.admin.composer_form import (
    LANGUAGES,
    MOST_ACCOUNTS,
    VISIBILITIES,
    Typed,
    notes_on_time,
    refusals,
    time_zones,
)
from sharing.posting.admin.composer_lines import post_page
from sharing.posting.card_check import card_problems
from sharing.posting.claims import clock
from sharing.posting.drafting import ChangedMeanwhile, PostedAlready
from sharing.posting.models import Delivery, SocialPost
from sharing.posting.permissions import may_approve, may_compose, may_manage_accounts, sees_posts
from sharing.posting.states import DeliveryState
from sharing.posting.subjects import Standing, Subject, subject_of
from sharing.posting.templates import STANDARD, UnknownVariable, editable, fill

_When = SocialPost.When
_SAMPLE = "https://link.example/"


@method_decorator(never_cache, name="dispatch")
class Composer(WagtailAdminTemplateMixin, TemplateView):
    """One post: new for a target, or one that has not begun.

    A form that is sent and refused comes back as it was sent, with sentences at its fields; `action` says what is
    wanted: `save`, `draft`, `preview`, `live` (the previews alone), `template` or `now`.
    """

    template_name = "sharing/admin/composer.html"
    header_icon = "edit"
    post_row: SocialPost | None = None

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find what it is about, and refuse whoever may not plan posts about it."""
        super().setup(request, *args, **kwargs)
        if "pk" in kwargs:
            self.post_row = get_object_or_404(
                SocialPost.objects.select_related("target", "created_by", "approved_by"),
                pk=kwargs["pk"],
            )
            self.target = self.post_row.target
        else:
            self.target = get_object_or_404(ShareTarget, pk=kwargs["target_id"])
        self.subject: Subject = subject_of(self.target, request)
        self.is_lost = not may_compose(request.user, self.target)
        if self.is_lost:
            self._give_back()
        self.may_approve = may_approve(request.user, self.target)
        self.now: datetime = clock()
        self.mine: Sequence[Delivery] = (
            list(self.post_row.deliveries.select_related("account")) if self.post_row else ()
        )

    def _give_back(self) -> None:
        """Let in whoever was writing when the page was deleted, to their own words alone; raises PermissionDenied.

        Nobody can tell any more who might edit it: what it was called and what was posted about it is not shown.
        """
        is_gone = self.subject.standing is Standing.GONE
        if not (self.request.method == "POST" and is_gone and sees_posts(self.request.user)):
            raise PermissionDenied
        self.post_row = None
        self.subject = replace(self.subject, title="", article_title="")

    def get_page_title(self) -> str:
        """Return what is done here."""
        return "Edit post" if self.post_row else "Write a post"

    def get_page_subtitle(self) -> str:
        """Return what it is about."""
        return self.subject.title

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here: the list of posts, where there is one, and the article."""
        items = [*self.breadcrumbs_items]
        if posts_url := reverse("posts"):
            items.append({"url": posts_url, "label": "Posts"})
        if self.subject.standing is not Standing.GONE:
            items.append(
                {"url": shareables.edit_url(self.target), "label": self.subject.article_title}
            )
        return [*items, {"url": "", "label": self.get_page_title()}]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the composer."""
        if over := self._over():
            messages.warning(request, over)
            return HttpResponseRedirect(self._post_url())
        return self._page(self._first_typed())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do what the button says."""
        typed = Typed.sent(request.POST)
        action = request.POST.get("action", "save")
        if action == "live":
            return TemplateResponse(
                request, "sharing/admin/composer_previews.html", self._fragment(typed)
            )
        if action == "template":
            seats = self._desk(typed).seats
            filled = typed.with_text(self._filled(self._template(typed.template), seats))
            return self._page(filled, replaced=typed.text)
        if action == "now":
            return self._page(typed.now())
        if action == "preview":
            return self._page(typed, refusals(typed, self.subject, self.now), is_preview=True)
        return self._save(typed, approved=self.may_approve and action == "save")

    def _save(self, typed: Typed, *, approved: bool) -> HttpResponse:
        if self.post_row is None:
            before = SocialPost.objects.filter(form_key=typed.form_key, target=self.target).first()
            if before is not None:
                messages.info(self.request, "This form was sent before: its post is here, once.")
                return HttpResponseRedirect(post_page(before))
        desk = self._desk(typed)
        errors = refusals(typed, self.subject, self.now) | self._refusals_of(desk)
        theirs: Sequence[Delivery] = ()
        if not errors:
            try:
                post = self._write(typed, desk, approved=approved)
            except PostedAlready as error:
                errors["again"] = str(error)
                desk = self._desk(typed)
            except ChangedMeanwhile as error:
                errors["form"] = str(error)
                saved = SocialPost.objects.get(pk=self._edited.pk)
                theirs = list(saved.deliveries.select_related("account").order_by("pk"))
                # The next one says what was seen by then.
                typed = replace(typed, was=saved.changed_at.isoformat(), form_key=uuid4())
            except scheduling.Unusable as error:
                errors["local_time"] = str(error)
            except NotNow as error:
                errors["form"] = str(error)
            else:
                for note in notes_on_time(typed):
                    messages.warning(self.request, note)
                return HttpResponseRedirect(post_page(post))
        return self._page(typed, errors, desk=desk, theirs=theirs)

    def _write(self, typed: Typed, desk: Desk, *, approved: bool) -> SocialPost:
        given: dict[str, Any] = {
            "wordings": desk.wordings(),
            "timing": typed.timing,
            "by": self.request.user,
            "approved": approved,
            "form_key": typed.form_key,
            "again": typed.again,
        }
        if self.post_row is not None:
            drafting.revise(post=self.post_row, seen=typed.seen, **given)
            self.post_row.refresh_from_db()
            messages.success(self.request, _told(self.post_row, len(desk.chosen), approved))
            return self.post_row
        written = drafting.write(target=self.target, **given)
        if written.is_new:
            messages.success(self.request, _told(written.post, len(desk.chosen), approved))
        else:
            messages.info(self.request, "This form was sent before: its post is here, once.")
        return written.post

    def _refusals_of(self, desk: Desk) -> dict[str, str]:
        errors = {}
        if self.subject.standing is Standing.GONE:
            errors["form"] = (
                "The page, or the section, was deleted meanwhile: there is nothing to link to. Your text is kept "
                "below, to be copied."
            )
        if desk.missing and len(desk.typed.accounts) <= MOST_ACCOUNTS:
            errors["accounts"] = f"{desk.why_missing} Look at the accounts and save again."
        if desk.text_problem:
            errors["text"] = desk.text_problem
        for seat in desk.chosen:
            blocking = " ".join(seat.worded.blocking) if seat.worded is not None else ""
            if blocking and blocking != desk.text_problem:
                errors[f"account-{seat.account.pk}"] = blocking
            if seat.unasked:
                errors["again"] = seat.unasked
        return errors

    def _desk(self, typed: Typed, *, ask: bool = True) -> Desk:
        mine = [each for each in self.mine if each.state in drafting.OPEN]
        return lay(
            typed,
            self.subject,
            mine=mine,
            now=self.now,
            ask=ask,
            shows_earlier=not self.is_lost,
        )

    def _first_typed(self) -> Typed:
        if self.post_row is not None:
            return Typed.of_post(self.post_row, self.mine)
        waits = self.subject.is_awaited
        seats = self._desk(Typed(uuid4())).seats
        able = [each.account.pk for each in seats if each.can_be_chosen]
        return Typed(
            form_key=uuid4(),
            # A site with one account need not choose.
            accounts=frozenset(able if len(able) == 1 else ()),
            text=self._filled(queries.default_template(), seats),
            language=settings.LANGUAGE_CODE.partition("-")[0],
            when=str(_When.AT_PUBLISH if waits else _When.NOW),
            time_zone=settings.TIME_ZONE,
        )

    def _template(self, pk: str) -> str:
        found = {str(each.pk): each.text for each in queries.templates()}
        return found.get(pk, STANDARD)

    def _filled(self, template: str, seats: Sequence[Seat]) -> str:
        """Return a template's text for this target, short enough for all accounts, its link still a variable."""
        seat = tightest(seats)
        rule = seat.limits.text if seat else TextRule(500, link=23)
        link = seat.link if seat else _SAMPLE
        try:
            return editable(fill(template, self.subject.words, link=link, rule=rule), link)
        except UnknownVariable:
            return template  # saved by an older release; the sentence comes with the preview

    def _fragment(self, typed: Typed) -> dict[str, Any]:
        desk = self._desk(typed, ask=False)
        return {"desk": desk, "notes_on_time": notes_on_time(typed)}

    def _page(
        self,
        typed: Typed,
        errors: dict[str, str] | None = None,
        *,
        desk: Desk | None = None,
        is_preview: bool = False,
        replaced: str = "",
        theirs: Sequence[Delivery] = (),
    ) -> HttpResponse:
        desk = desk if desk is not None and desk.typed is typed else self._desk(typed)
        if errors and not is_preview:
            messages.error(self.request, "Nothing was saved yet. Look at what is marked below.")
        context = self.get_context_data(
            desk=desk,
            typed=typed,
            subject=self.subject,
            errors=errors or {},
            seat_errors=[
                (each.account.pk, sentence)
                for each in desk.seats
                if (sentence := (errors or {}).get(f"account-{each.account.pk}"))
            ],
            # What is wrong with the texts stands beside them then, and not under the previews as well.
            texts_are_marked=any(
                name == "text" or name.startswith("account-") for name in errors or {}
            ),
            replaced=replaced,
            theirs=theirs,
            post=self.post_row,
            is_draft=any(each.state == DeliveryState.DRAFT for each in self.mine),
            is_scheduled=any(each.state == DeliveryState.APPROVED for each in self.mine),
            may_approve=self.may_approve,
            may_manage_accounts=may_manage_accounts(self.request.user),
            accounts_url=reverse("social_accounts"),
            templates=queries.templates(),
            templates_url=reverse("post_templates:index"),
            standard=STANDARD,
            languages=LANGUAGES,
            visibilities=VISIBILITIES,
            with_visibility=_names(desk, "has_visibility"),
            with_warning=_names(desk, "has_warning"),
            time_zones=time_zones(),
            notes_on_time=notes_on_time(typed),
            waits_for_publication=self.subject.changes or self.subject.standing is Standing.NOT_YET,
            card_problems=card_problems(self.target),
            edit_url=(
                "" if self.subject.standing is Standing.GONE else shareables.edit_url(self.target)
            ),
            When=_When,
        )
        return self.render_to_response(context, status=200)

    @property
    def _edited(self) -> SocialPost:
        if self.post_row is None:
            raise LookupError("no post is edited here")
        return self.post_row

    def _over(self) -> str:
        """Return why a post cannot be changed any more; empty where it can."""
        if self.post_row is None:
            return ""
        going = [
            each
            for each in self.mine
            if each.state != DeliveryState.CANCELLED
            and (each.state not in drafting.OPEN or each.armed_at is not None)
        ]
        if going:
            return "This post is on its way, or over: it cannot be changed any more."
        if all(each.state == DeliveryState.CANCELLED for each in self.mine):
            return "This post was cancelled. Write a new one."
        return ""

    def _post_url(self) -> str:
        return post_page(self._edited)


@require_safe
def begin(request: HttpRequest, page_id: int, part: str) -> HttpResponse:
    """Open the composer for an article or a section of its draft that was never published.

    `part` is “article” or a block's id. The identity that is made for it stays: publication uses the same.
    """
    draft = shareables.draft_of(page_id)
    if draft is None:
        raise Http404("No such article")
    if not draft.permissions_for_user(request.user).can_edit():
        raise PermissionDenied
    wanted = None if part == "article" else _uuid(part)
    labels = [each for each in shareables.labels_of(draft) if each.block_id == wanted]
    if not labels:
        raise Http404("No such section")
    target = ShareTarget.objects.filter(page_id=page_id, block_id=wanted).first()
    if target is None:
        sharing_actions.ensure_targets(labels=labels)
        target = ShareTarget.objects.get(page_id=page_id, block_id=wanted)
    return HttpResponseRedirect(reverse("post_compose", args=[target.pk]))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404("No such section") from error


def _told(post: SocialPost, accounts: int, approved: bool) -> str:
    number = f"{accounts} account{'s' * (accounts != 1)}"
    if not approved:
        return f"Saved for {number}. It goes out once a publisher approves it."
    match _When(post.when):
        case _When.NOW:
            return f"On its way, to {number}."
        case _When.AT_PUBLISH:
            return f"Saved for {number}. It goes out when the page is published."
        case _When.AT_TIME:
            due = actions.Timing(_When.AT_TIME, post.local_time, post.time_zone).moment(clock())
            there = scheduling.zone(post.time_zone)
            local = date_format(due.astimezone(there), "j F Y, H:i") if due else ""
            return f"Scheduled for {number}: {local} ({post.time_zone})."


def _names(desk: Desk, ability: str) -> str:
    return ", ".join(dict.fromkeys(each.network for each in desk.seats if getattr(each, ability)))
