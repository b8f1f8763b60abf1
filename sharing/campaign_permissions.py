"""Whoever may edit an article may make and end campaign links to it and its sections."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from wagtail.permission_policies import BasePermissionPolicy
from wagtail.permissions import page_permission_policy

from sharing.models import CampaignLink, ShareTarget

# Nothing is deleted: a link may be printed.
_ACTIONS = frozenset({"add", "change"})


def editable_targets(user: Any) -> QuerySet[ShareTarget]:
    """Return the articles and sections that a user may edit; deleted ones are a superuser's to see."""
    if user.is_active and user.is_superuser:
        return ShareTarget.objects.all()
    pages = page_permission_policy.instances_user_has_permission_for(user, "change")
    return ShareTarget.objects.filter(page_id__in=pages.values("pk"))


class CampaignLinkPolicy(BasePermissionPolicy):
    """Derive what a user may do with campaign links from what they may do with articles."""

    def user_has_permission(self, user: Any, action: str) -> bool:
        """Tell whether there can be a link that the user may do this with."""
        allowed: bool = action in _ACTIONS and page_permission_policy.user_has_permission(
            user, "change"
        )
        return allowed

    def user_has_permission_for_instance(self, user: Any, action: str, instance: Any) -> bool:
        """Tell whether the user may do this with one link."""
        return self.instances_user_has_any_permission_for(user, {action}).contains(instance)

    def instances_user_has_any_permission_for(
        self, user: Any, actions: Iterable[str]
    ) -> QuerySet[CampaignLink]:
        """Return the links that the user may do any of this with."""
        if not _ACTIONS & set(actions):
            return CampaignLink.objects.none()
        return CampaignLink.objects.filter(target__in=editable_targets(user))

    def users_with_any_permission(self, actions: Iterable[str]) -> Any:
        """Return those who may do any of this with some link."""
        wanted = {"change"} if _ACTIONS & set(actions) else set()
        return page_permission_policy.users_with_any_permission(wanted, include_superusers=True)
