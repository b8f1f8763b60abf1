"""Where editors make campaign links, follow their counts, and end them."""

from datetime import datetime
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from wagtail.admin import messages
from wagtail.admin.ui.tables import BaseColumn, Column, DateColumn, NumberColumn, TitleColumn
from wagtail.admin.views import generic
from wagtail.admin.views.generic.history import HistoryView
from wagtail.admin.viewsets.model import ModelViewSet
from wagtail.log_actions import log
from wagtail.permissions import policy_registry

from sharing import campaigns, qr
from sharing.campaign_forms import TAKEN, CampaignLinkChange, NewCampaignLink
from sharing.campaign_permissions import editable_targets
from sharing.campaign_target_chooser import is_key, kind_of, target_chooser
from sharing.links import campaign_address
from sharing.models import CampaignLink
from sharing.shareables import Shareable, State, edit_url, shareables

END, REOPEN = "sharing.campaign_link.end", "sharing.campaign_link.reopen"


def state_of(link: CampaignLink, now: datetime) -> str:
    """Return in words whether readers get through."""
    if link.ended_at is not None:
        return f"Ended by hand, {_moment(link.ended_at)}"
    if link.expires_at is None:
        return "Running"
    return f"{'Ended' if link.is_over(now) else 'Running, ends'} {_moment(link.expires_at)}"


def _moment(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j F Y, H:i")


class NewCampaignLinkInAdmin(NewCampaignLink):
    """The form with the dialogue in it."""

    class Meta(NewCampaignLink.Meta):
        widgets: ClassVar = NewCampaignLink.Meta.widgets | {"target": target_chooser.widget_class}


class AddressColumn(Column):
    """The address, to select or copy."""

    cell_template_name = "sharing/admin/campaign_address_cell.html"

    def get_cell_context_data(self, instance: Any, parent_context: Any) -> dict[str, Any]:
        """Add the address."""
        context: dict[str, Any] = super().get_cell_context_data(instance, parent_context)
        return context | {"address": campaign_address(instance.code), "link": instance}


def _links_of(user: Any) -> QuerySet[CampaignLink]:
    policy = policy_registry.get_by_type(CampaignLink)
    links: QuerySet[CampaignLink] = policy.instances_user_has_permission_for(user, "change")
    return links


class CampaignLinksIndex(generic.IndexView):
    """Every campaign link of the articles that the user may edit, the newest first."""

    any_permission_required: ClassVar[list[str]] = ["change"]
    results_template_name = "sharing/admin/campaign_links_results.html"
    default_ordering = "-created_at"
    search_fields: ClassVar[list[str]] = ["name", "target__label", "code"]

    @cached_property
    def columns(self) -> list[BaseColumn]:
        """Return the columns; the name opens the link's own page."""
        now = timezone.now()
        return [
            TitleColumn(
                "name", label="Name", get_url=self.get_edit_url, sort_key="name", width="20%"
            ),
            TitleColumn(
                "target",
                label="Article or section",
                accessor="target.label",
                get_url=_target_edit_url,
                sort_key="target__label",
            ),
            AddressColumn("address", label="Address"),
            NumberColumn("arrivals", label="Arrivals", sort_key="arrivals"),
            Column("state", label="State", accessor=lambda link: state_of(link, now)),
            DateColumn("created_at", label="Made", sort_key="created_at"),
        ]

    def get_base_queryset(self) -> QuerySet[CampaignLink]:
        """Return the links with their targets and arrivals."""
        links = _links_of(self.request.user).select_related("target")
        return links.with_arrivals()  # type: ignore[attr-defined,no-any-return]  # of our query set

    def order_queryset(self, queryset: QuerySet[CampaignLink]) -> QuerySet[CampaignLink]:
        """Order as asked for, then by age, so that pages of the list do not overlap."""
        ordered: QuerySet[CampaignLink] = super().order_queryset(queryset)
        return ordered.order_by(*ordered.query.order_by, "-pk")

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add what each target stands for now, in a constant number of queries."""
        context: dict[str, Any] = super().get_context_data(*args, **kwargs)
        links: list[CampaignLink] = list(context["object_list"])
        found = shareables({link.target for link in links}, self.request)
        for link in links:
            link.target.shareable = found[link.target_id]  # type: ignore[attr-defined]  # for the column
        context["object_list"] = links
        context["table"] = self.get_table(links)
        return context


def _target_edit_url(link: Any) -> str | None:
    shared: Shareable = link.target.shareable
    # A deleted article has no editor; that of a removed section's article is left to undo it.
    if shared.state is State.GONE and not shared.article_url:
        return None
    return edit_url(link.target)


class NameTakenIsAFormError:
    """Tell of a name that was taken in this very moment like of one taken before."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Save, or show the form again."""
        try:
            response: HttpResponse = super().form_valid(form)  # type: ignore[misc]  # a mixin
        except campaigns.NameTaken:
            form.add_error("name", TAKEN)
            self.produced_error_message = self.get_error_message()  # type: ignore[attr-defined]
            response = self.form_invalid(form)  # type: ignore[attr-defined]
        return response


class CreateCampaignLink(NameTakenIsAFormError, generic.CreateView):
    """Make a link; `?target=` (a share target's key) fills in what it leads to."""

    success_message = "The link “%(object)s” is ready. Copy its address, or download its QR code."

    def get_initial(self) -> dict[str, Any]:
        """Return the target that the address names, if the user may edit it."""
        key = self.request.GET.get("target", "")
        targets = editable_targets(self.request.user)
        target = targets.filter(pk=key).first() if is_key(key) else None
        return {"target": target.pk} if target else {}

    def save_instance(self) -> CampaignLink:
        """Make the link and write it into the log."""
        data = self.form.cleaned_data
        link = campaigns.create(
            target=data["target"],
            name=data["name"],
            expires_at=data["expires_at"],
            created_by=self.request.user,
        )
        log(link, "wagtail.create", user=self.request.user)
        return link

    def get_success_url(self) -> str:
        """Return the new link's own page, where its address is."""
        url: str = self.get_edit_url()
        return url

    def get_success_buttons(self) -> list[Any]:
        """Return none: the answer is the link's own page."""
        return []


class EditCampaignLink(NameTakenIsAFormError, generic.EditView):
    """A link's own page: its address and QR code, its counts, its name and end."""

    template_name = "sharing/admin/campaign_link.html"
    success_message = "The link “%(object)s” was saved."

    def get_queryset(self) -> QuerySet[CampaignLink]:
        """Return the links that the user may change."""
        links = _links_of(self.request.user).select_related("target", "created_by")
        return links.with_arrivals()  # type: ignore[attr-defined,no-any-return]  # of our query set

    def save_instance(self) -> CampaignLink:
        """Save the name and the end, and write it into the log."""
        link: CampaignLink = self.object
        data = self.form.cleaned_data
        campaigns.change(link=link, name=data["name"], expires_at=data["expires_at"])
        log(link, "wagtail.edit", user=self.request.user)
        return link

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the page tells above the form."""
        link: CampaignLink = self.object
        shared = shareables([link.target], self.request)[link.target_id]
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "address": campaign_address(link.code),
            "shared": shared,
            "kind": kind_of(shared),
            "state": state_of(link, timezone.now()),
            "target_edit_url": None if shared.state is State.GONE else edit_url(link.target),
        }

    def get_success_url(self) -> str:
        """Stay on the link's own page."""
        url: str = self.get_edit_url()
        return url

    def get_success_buttons(self) -> list[Any]:
        """Return none: the page stays."""
        return []


class CampaignLinkHistory(HistoryView):
    """Who made, changed, ended and reopened a link."""

    def get_base_object_queryset(self) -> QuerySet[CampaignLink]:
        """Return the links that the user may change."""
        return _links_of(self.request.user)


def end_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then end a link now."""
    link = get_object_or_404(_links_of(request.user).select_related("target"), pk=pk)
    return_to = HttpResponseRedirect(reverse("campaign_links:edit", args=[pk]))
    if request.method != "POST":
        context = {"link": link, "page_title": "End this link", "header_icon": "link"}
        return TemplateResponse(request, "sharing/admin/campaign_end.html", context)
    if link.ended_at is None:
        campaigns.end(link=link)
        log(link, END, user=request.user)
    messages.success(request, f"The link “{link}” has ended. You can reopen it here.")
    return return_to


def reopen_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Reopen a link that was ended by hand; only a POST does."""
    link = get_object_or_404(_links_of(request.user), pk=pk)
    if request.method == "POST" and link.ended_at is not None:
        try:
            campaigns.reopen(link=link)
        except campaigns.NameTaken:
            messages.error(
                request,
                f"Another running link is called “{link}” by now. Rename this one, then reopen it.",
            )
        else:
            log(link, REOPEN, user=request.user)
            messages.success(request, f"The link “{link}” is open again.")
    return HttpResponseRedirect(reverse("campaign_links:edit", args=[pk]))


def link_qr(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Draw a link as a QR code; its name is the file's."""
    link = get_object_or_404(_links_of(request.user), pk=pk)
    # No separators or dots: a name is an editor's words, not a path.
    name = "-".join("".join(c if c.isalnum() else " " for c in link.name).split()).lower()
    return qr.picture(campaign_address(link.code), kind, name=name or link.code)


class CampaignLinks(ModelViewSet):
    """Campaign links in the admin, under Reports."""

    model = CampaignLink
    icon = "link"
    menu_hook = "register_reports_menu_item"
    menu_order = 110
    list_per_page = 50
    add_to_reference_index = False
    copy_view_enabled = False
    index_view_class = CampaignLinksIndex
    index_results_template_name = CampaignLinksIndex.results_template_name
    add_view_class = CreateCampaignLink
    edit_view_class = EditCampaignLink
    edit_template_name = EditCampaignLink.template_name
    history_view_class = CampaignLinkHistory

    def get_form_class(self, for_update: bool = False) -> type[CampaignLinkChange]:
        """Return the form of a new link, or of one whose address is out in the world."""
        return CampaignLinkChange if for_update else NewCampaignLinkInAdmin

    def get_common_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        """Leave out deletion and usage: links are ended, and nothing refers to them."""
        view_kwargs: dict[str, Any] = super().get_common_view_kwargs(**kwargs)
        return view_kwargs | {"delete_url_name": None, "usage_url_name": None}

    def get_permissions_to_register(self) -> Any:
        """Offer none in the settings of groups: who edits an article has its links."""
        return super().get_permissions_to_register().none()

    def get_urlpatterns(self) -> list[Any]:
        """Return the views that there are, and those that end, reopen and draw a link."""
        patterns = super().get_urlpatterns()
        return [
            *(pattern for pattern in patterns if pattern.name not in {"delete", "usage"}),
            path("end/<int:pk>/", end_link, name="end"),
            path("reopen/<int:pk>/", reopen_link, name="reopen"),
            path("qr/<int:pk>.svg", link_qr, {"kind": "svg"}, name="qr-svg"),
            path("qr/<int:pk>.png", link_qr, {"kind": "png"}, name="qr-png"),
        ]


campaign_links = CampaignLinks("campaign_links", url_prefix="campaign-links")
