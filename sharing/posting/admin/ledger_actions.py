"""The buttons of a post's page. Each is a POST; what cannot be taken back is asked about first.

A button of a page that is out of date does nothing: it says in a sentence what the post is by now.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from sharing.links import post_address
from sharing.networks.posting import network_name
from sharing.posting import actions, drafting, following, scheduling, wishes
from sharing.posting.admin.ledger_forms import CorrectionForm, ItIsThereForm, RescheduleForm
from sharing.posting.admin.mending import begin_at_first_error
from sharing.posting.models import Delivery, SocialPost
from sharing.posting.permissions import may_approve, visible_deliveries, visible_posts
from sharing.posting.states import DeliveryState


def _to_post(post_id: int) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("post", args=[post_id]))


def _do(request: HttpRequest, act: Callable[[], Any], done: str) -> bool:
    """Do it, and say what happened; a post that changed meanwhile says so itself."""
    try:
        act()
    except actions.NotNow as reason:
        messages.error(request, str(reason))
        return False
    messages.success(request, done)
    return True


class Asked(WagtailAdminTemplateMixin, TemplateView, ABC):
    """Ask about one thing that is to be done with a delivery, then do it."""

    header_icon = "openquote"
    template_name = "sharing/admin/post_ask.html"
    form_class: type[forms.Form] | None = None
    # Whether it needs who may publish the page.
    needs_approval: ClassVar[bool] = True
    yes: ClassVar[str] = "Yes"
    no: ClassVar[str] = "No, leave it"
    is_grave: ClassVar[bool] = False
    # The states that it is for; in others the page says what it is by now.
    states: ClassVar[frozenset[DeliveryState]] = frozenset()

    @cached_property
    def delivery(self) -> Delivery:
        """Return the delivery of the address, among those that the user may see."""
        deliveries = visible_deliveries(self.request.user).select_related(
            "account", "post", "target"
        )
        return get_object_or_404(deliveries, pk=self.kwargs["pk"])

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let in those who may do it, while it can be done."""
        if self.needs_approval and not may_approve(request.user, self.delivery.target):
            raise PermissionDenied
        if DeliveryState(self.delivery.state) not in self.states:
            label = DeliveryState(self.delivery.state).label.lower()
            messages.error(request, f"This post is {label} by now. Look at it again.")
            return _to_post(self.delivery.post_id)
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here, by the post."""
        post_url = reverse("post", args=[self.delivery.post_id])
        return [
            *self.breadcrumbs_items,
            {"url": reverse("posts"), "label": "Posts"},
            {"url": post_url, "label": self.delivery.target.label},
            {"url": "", "label": self.page_title},
        ]

    def get_form(self) -> forms.Form | None:
        """Return the form, with what was sent in it."""
        if self.form_class is None:
            return None
        data = self.request.POST if self.request.method == "POST" else None
        return self.form_class(data, **self.get_form_kwargs())

    def get_form_kwargs(self) -> dict[str, Any]:
        """Return what the form is made with."""
        return {}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the delivery and the form."""
        if "form" not in kwargs:
            kwargs["form"] = self.get_form()
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "delivery": self.delivery,
            "warning": self.warning(),
            "question": self.question(),
            "yes": self.yes,
            "no": self.no,
            "is_grave": self.is_grave,
            "post_url": reverse("post", args=[self.delivery.post_id]),
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do it and return to the post; a form that is wrong is shown again."""
        form = self.get_form()
        if form is not None and not form.is_valid():
            begin_at_first_error(form)
            return self.render_to_response(self.get_context_data(form=form))
        try:
            self.act(form.cleaned_data if form is not None else {})
        except actions.NotNow as reason:
            if form is None:
                messages.error(request, str(reason))
                return _to_post(self.delivery.post_id)
            form.add_error(None, str(reason))
            return self.render_to_response(self.get_context_data(form=form))
        messages.success(request, self.done())
        return _to_post(self.delivery.post_id)

    @abstractmethod
    def question(self) -> str:
        """Return what is asked."""

    def warning(self) -> str:
        """Return what may go wrong; empty where nothing does."""
        return ""

    @abstractmethod
    def done(self) -> str:
        """Return what was done."""

    @abstractmethod
    def act(self, said: dict[str, Any]) -> None:
        """Do it, with what the form says; raises actions.NotNow."""

    @property
    def who(self) -> str:
        """Return whose post it is where: “@sleep@social.example on Mastodon”."""
        account = self.delivery.account
        return f"{account.handle} on {network_name(account.network)}"


class Cancel(Asked):
    """Give a delivery up."""

    page_title = "Cancel this post"
    needs_approval = False
    is_grave = True
    yes, no = "Yes, cancel it", "No, keep it"
    states = frozenset(
        {DeliveryState.DRAFT, DeliveryState.APPROVED, DeliveryState.UNKNOWN, DeliveryState.FAILED}
    )

    def question(self) -> str:
        """Return what is asked."""
        return f"Cancel the post of {self.who}? It is not sent any more. Its ledger stays."

    def warning(self) -> str:
        """Return that an unknown post may be there all the same."""
        if self.delivery.state == DeliveryState.UNKNOWN:
            return "Nobody knows whether it is on the network. If it is, it stays there, and nobody looks for it any more."
        return ""

    def done(self) -> str:
        """Return what was done."""
        return f"The post of {self.who} is cancelled."

    def act(self, said: dict[str, Any]) -> None:
        """Cancel it."""
        actions.cancel(delivery=self.delivery, why=f"Cancelled by {self.request.user}.")


class ItIsThere(Asked):
    """Take a person's word that an unknown post is on its network."""

    page_title = "It is there"
    template_name = "sharing/admin/post_ask.html"
    form_class = ItIsThereForm
    needs_approval = False
    yes, no = "It is there", "Back"
    states = frozenset({DeliveryState.UNKNOWN})

    def get_form_kwargs(self) -> dict[str, Any]:
        """Give the form the delivery whose account it must be, and whether more than its address is believed."""
        return {
            "delivery": self.delivery,
            "approves": may_approve(self.request.user, self.delivery.target),
        }

    def question(self) -> str:
        """Return what is asked."""
        return (
            f"Did you find this post of {self.who}? Look for its link {post_address(self.delivery.link_code)}"
            " there, and give the post’s address here. It then counts as published."
        )

    def done(self) -> str:
        """Return what was done."""
        return "Thank you: the post counts as published."

    def act(self, said: dict[str, Any]) -> None:
        """Believe it."""
        actions.it_is_there(
            delivery=self.delivery,
            remote_id=said["remote_id"],
            permalink=said["address"],
            by=self.request.user,
        )


class SendAgain(Asked):
    """Send an unknown post once more, because a person did not find it."""

    page_title = "Send again"
    is_grave = True
    yes, no = "Yes, send it again", "No, leave it"
    states = frozenset({DeliveryState.UNKNOWN})

    def question(self) -> str:
        """Return what is asked."""
        return f"Send the post of {self.who} again?"

    def warning(self) -> str:
        """Return that there may be two of them."""
        return (
            f"If {network_name(self.delivery.account.network)} took the first one after all, readers see this post"
            " twice. Look there first, also among replies and hidden posts."
        )

    def done(self) -> str:
        """Return what was done."""
        return "The post goes out again within seconds."

    def act(self, said: dict[str, Any]) -> None:
        """Send it."""
        actions.send_again(delivery=self.delivery, by=self.request.user)


class DeleteThere(Asked):
    """Have a published post deleted on its network."""

    page_title = "Delete there"
    is_grave = True
    yes, no = "Yes, delete it there", "No, leave it there"
    states = frozenset({DeliveryState.PUBLISHED})

    def question(self) -> str:
        """Return what is asked."""
        return f"Delete the post of {self.who}? Its likes, reposts and replies go with it; this ledger stays."

    def warning(self) -> str:
        """Return that it cannot be taken back."""
        return "This cannot be taken back. Copies that other servers and people made may stay."

    def done(self) -> str:
        """Return what was done."""
        return "The network is asked to delete it. You see below how that goes."

    def act(self, said: dict[str, Any]) -> None:
        """Ask for it."""
        wishes.ask_to_delete(delivery=self.delivery, by=self.request.user)


class CorrectThere(Asked):
    """Have a published post say something else, where its network edits."""

    page_title = "Correct there"
    form_class = CorrectionForm
    yes, no = "Correct it there", "Back"
    states = frozenset({DeliveryState.PUBLISHED})

    def get_form_kwargs(self) -> dict[str, Any]:
        """Begin with what it says now."""
        return {"initial": {"text": self.delivery.text}}

    def question(self) -> str:
        """Return what is asked."""
        return (
            f"What is the post of {self.who} to say instead? Readers there see that it was edited."
            f" The link {post_address(self.delivery.link_code)} must stay in it."
        )

    def done(self) -> str:
        """Return what was done."""
        return "The network is told the new text. You see below how that goes."

    def act(self, said: dict[str, Any]) -> None:
        """Ask for it."""
        wishes.ask_to_correct(delivery=self.delivery, text=said["text"], by=self.request.user)


class Reschedule(WagtailAdminTemplateMixin, TemplateView):
    """Give a post another time."""

    page_title = "Reschedule"
    header_icon = "calendar-alt"
    template_name = "sharing/admin/post_reschedule.html"

    @cached_property
    def planned(self) -> SocialPost:
        """Return the post of the address, among those that the user may see."""
        posts = visible_posts(self.request.user).select_related("target")
        return get_object_or_404(posts, pk=self.kwargs["pk"])

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let in those who may: what is approved is a publisher's to move."""
        states = set(self.planned.deliveries.values_list("state", flat=True))
        if DeliveryState.APPROVED in states and not may_approve(request.user, self.planned.target):
            raise PermissionDenied
        if not states & {DeliveryState.DRAFT, DeliveryState.APPROVED}:
            messages.error(
                request, "This post is on its way, or over: nothing is left to reschedule."
            )
            return _to_post(self.planned.pk)
        return super().dispatch(request, *args, **kwargs)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here, by the post."""
        return [
            *self.breadcrumbs_items,
            {"url": reverse("posts"), "label": "Posts"},
            {"url": reverse("post", args=[self.planned.pk]), "label": self.planned.target.label},
            {"url": "", "label": self.page_title},
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the form with what is planned now."""
        planned = self.planned
        initial = {
            "when": planned.when,
            "local_time": planned.local_time,
            "time_zone": planned.time_zone or settings.TIME_ZONE,
        }
        context: dict[str, Any] = {"form": RescheduleForm(initial=initial)}
        context |= super().get_context_data(**kwargs)
        return context | {"planned": planned, "post_url": reverse("post", args=[planned.pk])}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Move it, or show the form again with what is wrong."""
        form = RescheduleForm(request.POST)
        if form.is_valid():
            try:
                drafting.reschedule(
                    post=self.planned,
                    timing=form.timing(),
                    may_approve=may_approve(request.user, self.planned.target),
                )
            except drafting.NotThen as reason:
                form.add_error(reason.field or None, str(reason))
            except (actions.NotNow, scheduling.Unusable) as reason:
                form.add_error(None, str(reason))
            else:
                messages.success(request, "The post has another time now.")
                timing = form.timing()
                if note := scheduling.note(timing.local_time, timing.time_zone):
                    messages.warning(request, note)
                return _to_post(self.planned.pk)
        begin_at_first_error(form)
        return self.render_to_response(self.get_context_data(form=form))


@require_POST
def try_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send what failed once more."""
    delivery = _decidable(request, pk)
    _do(
        request,
        lambda: actions.try_again(delivery=delivery, by=request.user),
        "The post goes out again within seconds.",
    )
    return _to_post(delivery.post_id)


@require_POST
def leave_there(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask nothing more of the network: the post stays as it is."""
    delivery = _decidable(request, pk)
    _do(request, lambda: wishes.drop(delivery=delivery), "The post stays as it is.")
    return _to_post(delivery.post_id)


@require_POST
def still_right(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that somebody compared the post with its changed page."""
    delivery = get_object_or_404(visible_deliveries(request.user), pk=pk)
    _do(
        request,
        lambda: following.still_right(delivery=delivery, by=request.user),
        "Noted: the post still says what the page says.",
    )
    return _to_post(delivery.post_id)


def _decidable(request: HttpRequest, pk: int) -> Delivery:
    deliveries = visible_deliveries(request.user).select_related("target")
    delivery = get_object_or_404(deliveries, pk=pk)
    if not may_approve(request.user, delivery.target):
        raise PermissionDenied
    return delivery
