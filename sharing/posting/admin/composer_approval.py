"""Letting a post go out, taking that back, and telling publishers what waits for them."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST
from wagtail.admin import messages
from wagtail.admin.site_summary import SummaryItem
from wagtail.permissions import page_permission_policy

from sharing.posting import actions, drafting, scheduling
from sharing.posting.admin.composer_form import moment_seen
from sharing.posting.admin.composer_lines import post_page
from sharing.posting.models import SocialPost
from sharing.posting.permissions import may_approve, visible_posts
from sharing.posting.states import DeliveryState


@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a draft go out as it is planned.

    `seen` is the ISO moment of the post's last change that the publisher looked at; without it nothing is approved.
    """
    post = _post(request, pk)
    try:
        moved = drafting.approve(
            post=post, by=request.user, seen=moment_seen(request.POST.get("seen", ""))
        )
    except drafting.Unseen as reason:
        messages.error(request, f"Not approved. {reason}")
        return HttpResponseRedirect(post_page(post))
    except (actions.NotNow, scheduling.Unusable) as reason:
        messages.error(request, f"Not approved. {reason}")
        return HttpResponseRedirect(reverse("post_edit", args=[post.pk]))
    if moved:
        messages.success(request, "Approved: it goes out as planned.")
    else:
        messages.info(request, "There was nothing to approve: look at what became of it.")
    return HttpResponseRedirect(post_page(post))


@require_POST
def withdraw_approval(request: HttpRequest, pk: int) -> HttpResponse:
    """Make what has not begun a draft again."""
    post = _post(request, pk)
    if actions.withdraw_approval(post=post, by=request.user):
        messages.success(request, "Approval withdrawn: it is a draft again, and nothing is sent.")
    else:
        messages.warning(request, "Nothing was left to withdraw: it is on its way, or over.")
    return HttpResponseRedirect(post_page(post))


class WaitingPostsSummary(SummaryItem):
    """The number of posts that wait for approval, on the admin's first page."""

    order = 410
    template_name = "sharing/admin/posts_waiting_summary.html"

    def is_shown(self) -> bool:
        """Tell whether the user approves posts and any waits."""
        return bool(self._waiting())

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        """Return the number, and where they are."""
        waiting = self._waiting()
        url = f"{reverse('posts')}?state={DeliveryState.DRAFT.value}"
        return {"posts": len(waiting), "url": url}

    def _waiting(self) -> list[int]:
        if not hasattr(self, "_ids"):
            self._ids = list(waiting_posts(self.request.user).values_list("pk", flat=True))
        return self._ids


def waiting_posts(user: Any) -> QuerySet[SocialPost]:
    """Return the posts with a draft that a user may approve, the oldest first."""
    posts = visible_posts(user).filter(deliveries__state=DeliveryState.DRAFT)
    if not (user.is_active and user.is_superuser):
        pages = page_permission_policy.instances_user_has_permission_for(user, "publish")
        posts = posts.filter(target__page_id__in=pages.values("pk"))
    return posts.distinct().order_by("created_at", "pk")


def _post(request: HttpRequest, pk: int) -> SocialPost:
    posts = visible_posts(request.user).select_related("target")
    post: SocialPost = get_object_or_404(posts, pk=pk)
    if not may_approve(request.user, post.target):
        raise PermissionDenied
    return post
