"""Whoever may edit an article plans posts about it; whoever may publish it lets them go out.

Accounts are the whole site's: a role is given the right to them by itself.
"""

from typing import Any

from django.db.models import QuerySet
from wagtail.permissions import page_permission_policy

from sharing.campaign_permissions import editable_targets
from sharing.models import ShareTarget
from sharing.posting.models import Delivery, SocialPost

MANAGE_ACCOUNTS = "sharing.change_socialaccount"


def may_compose(user: Any, target: ShareTarget) -> bool:
    """Tell whether a user may plan posts about an article or section."""
    return editable_targets(user).filter(pk=target.pk).exists()


def may_approve(user: Any, target: ShareTarget) -> bool:
    """Tell whether posts of this user about an article or section need nobody else's word."""
    if user.is_active and user.is_superuser:
        return True
    pages = page_permission_policy.instances_user_has_permission_for(user, "publish")
    allowed: bool = pages.filter(pk=target.page_id).exists()
    return allowed


def may_manage_accounts(user: Any) -> bool:
    """Tell whether a user may connect, pause and disconnect accounts."""
    allowed: bool = user.has_perm(MANAGE_ACCOUNTS)
    return allowed


def sees_posts(user: Any) -> bool:
    """Tell whether a user of the admin sees posts at all."""
    sees: bool = page_permission_policy.user_has_any_permission(user, ["add", "change", "publish"])
    return sees


def visible_posts(user: Any) -> QuerySet[SocialPost]:
    """Return the posts about what a user may edit."""
    return SocialPost.objects.filter(target__in=editable_targets(user))


def visible_deliveries(user: Any) -> QuerySet[Delivery]:
    """Return the deliveries of posts about what a user may edit."""
    return Delivery.objects.filter(target__in=editable_targets(user))
