"""Whoever may publish an article decides about its floods of shares; of a deleted one, any publisher does."""

from collections.abc import Iterable
from typing import Any

from wagtail.models import Page
from wagtail.permissions import page_permission_policy

# Who works on articles sees what is held back.
SEES_FLOODS = ("add", "change", "publish")


def sees_floods(user: Any) -> bool:
    """Tell whether a user of the admin sees what is held back."""
    sees: bool = page_permission_policy.user_has_any_permission(user, SEES_FLOODS)
    return sees


def decidable_pages(user: Any, page_ids: Iterable[int]) -> set[int]:
    """Return those of these pages whose floods the user may decide about, in a constant number of queries."""
    asked = set(page_ids)
    if not asked or not page_permission_policy.user_has_permission(user, "publish"):
        return set()
    may = page_permission_policy.instances_user_has_permission_for(user, "publish")
    there = set(Page.objects.filter(pk__in=asked).values_list("pk", flat=True))
    return set(may.filter(pk__in=there).values_list("pk", flat=True)) | (asked - there)
