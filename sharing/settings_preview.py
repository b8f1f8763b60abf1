"""What readers would see if the settings of sharing were saved as they stand in the form."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from wagtail.admin.panels import get_edit_handler

from sharing.models import ShareSettings
from sharing.offers import use_offer

# With letters that no share code has, so that it never is one.
_CODE = "preview0"


@dataclass(frozen=True)
class _Article:
    """As much of an article as a share bar looks at."""

    title: str = "The title of an article"


@never_cache
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Answer {"page": a document with both bars} or {"errors": sentences}; nothing is saved."""
    if not ShareSettings.get_permission_policy().user_has_permission(request.user, "change"):
        raise PermissionDenied
    instance = ShareSettings.objects.order_by("pk").first() or ShareSettings()
    form = get_edit_handler(ShareSettings).get_form_class()(
        request.POST, instance=instance, for_user=request.user
    )
    if not form.is_valid():
        return JsonResponse({"errors": _sentences(form)})
    use_offer(request, form.instance.offer)
    context = {"codes": {None: _CODE}, "page": _Article()}
    return JsonResponse({"page": render_to_string("sharing/bars_preview.html", context, request)})


def _sentences(form: object) -> list[str]:
    return [
        error if field in {"networks", "__all__"} else f"{form.fields[field].label}: {error}"
        for field, errors in form.errors.items()
        for error in errors
    ]
