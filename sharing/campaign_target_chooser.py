"""The dialogue in which an editor chooses the article or section that a campaign link leads to."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from wagtail.admin.forms.choosers import BaseFilterForm
from wagtail.admin.ui.tables import BaseColumn, Column
from wagtail.admin.views.generic.chooser import ChooseResultsView, ChooseView, ChosenView
from wagtail.admin.viewsets.chooser import ChooserViewSet
from wagtail.admin.widgets import BaseChooser

from sharing.campaign_permissions import editable_targets
from sharing.models import ShareTarget
from sharing.shareables import Shareable, State, shareables

_UNREADABLE = {State.HIDDEN: "not published", State.GONE: "deleted"}


def is_key(text: str) -> bool:
    """Tell whether text can be a row's key: digits, and no more than the database has."""
    return text.isascii() and text.isdecimal() and len(text) < 19


def kind_of(shared: Shareable) -> str:
    """Return in words what a link leads to."""
    kind = f"Section of {shared.article_title}" if shared.article_title else "Section"
    kind = kind if shared.is_section else "Article"
    return kind if shared.state is State.LIVE else f"{kind}, {_UNREADABLE[shared.state]}"


class TargetFilter(BaseFilterForm):
    """Search by title."""

    q = forms.CharField(
        label="Search term", widget=forms.TextInput(attrs={"placeholder": "Title"}), required=False
    )

    def filter(self, objects: QuerySet[ShareTarget]) -> QuerySet[ShareTarget]:
        """Return the targets whose title has the words in it."""
        if query := self.cleaned_data.get("q"):
            self.is_searching, self.search_query = True, query
            objects = objects.filter(label__icontains=query)
        return objects


class EditableTargets:
    """Offer the articles and sections that the user may edit."""

    filter_form_class = TargetFilter
    request: HttpRequest

    def get_object_list(self) -> QuerySet[ShareTarget]:
        """Return them, the newest article first, each before its sections."""
        # An article gets its code before its sections do.
        return editable_targets(self.request.user).order_by("-page_id", "pk")

    def get_results_page(self, request: HttpRequest) -> Any:
        """Return one page of them, with what each stands for."""
        page = super().get_results_page(request)  # type: ignore[misc]  # a mixin
        found = shareables(page.object_list, request)
        for target in page.object_list:
            target.shareable = found[target.pk]
        return page

    @property
    def columns(self) -> list[BaseColumn]:
        """Return the title to choose, and what it is."""
        kind = Column("kind", label="What", accessor=lambda target: kind_of(target.shareable))
        return [*super().columns, kind]  # type: ignore[misc]  # a mixin


class ChooseTarget(EditableTargets, ChooseView):
    """The dialogue."""


class ChooseTargetResults(EditableTargets, ChooseResultsView):
    """Its list, as one types."""


class ChosenTarget(ChosenView):
    """What was chosen."""

    def get_object(self, pk: str) -> ShareTarget:
        """Return a target that the user may edit; raises DoesNotExist."""
        return editable_targets(self.request.user).get(pk=pk if is_key(pk) else 0)


class TargetWidget(BaseChooser):
    """The field; it shows nothing for a key that is none."""

    def get_instance(self, value: Any) -> ShareTarget | None:
        """Return the target of a key that was sent, or None."""
        if isinstance(value, str) and not is_key(value):
            return None
        found: ShareTarget | None = super().get_instance(value)
        return found


class TargetChooser(ChooserViewSet):
    """Choose an article or section."""

    model = ShareTarget
    icon = "link"
    choose_one_text = "Choose an article or section"
    choose_another_text = "Choose another"
    register_widget = False
    base_widget_class = TargetWidget
    choose_view_class = ChooseTarget
    choose_results_view_class = ChooseTargetResults
    chosen_view_class = ChosenTarget

    def get_urlpatterns(self) -> list[Any]:
        """Leave out what nobody needs: making a target, choosing several."""
        return [
            pattern
            for pattern in super().get_urlpatterns()
            if pattern.name in {"choose", "choose_results", "chosen"}
        ]


target_chooser = TargetChooser("choose_share_target", url_prefix="choose-share-target")
