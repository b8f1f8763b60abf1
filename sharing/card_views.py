"""Cards in the admin: the pictures and lists that its pages ask for."""

import hashlib
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from sharing import card_previews, shareables
from sharing.card_models import ShareCardSettings, validate_accent


@require_safe
def previews(request: HttpRequest, page_id: int) -> HttpResponse:
    """Answer the list of a draft's cards, for a page that is already open."""
    draft = _draft(request, page_id)
    context = {"page_id": page_id, "rows": card_previews.previews(draft)}
    response = render(request, "sharing/admin/cards_list.html", context)
    patch_cache_control(response, private=True, no_store=True)
    return response


@require_safe
def preview(request: HttpRequest, page_id: int, key: str) -> HttpResponse:
    """Answer the card of an article or a section as the latest draft gives it; nothing is stored."""
    found = card_previews.draw(_draft(request, page_id), key)
    if found is None:
        raise Http404("The draft has no such part.")
    digest, picture = found
    return _picture(request, picture, digest)


@require_safe
def sample(request: HttpRequest) -> HttpResponse:
    """Answer a made-up card in the colour that is asked for, to whoever may change the look."""
    if not ShareCardSettings.get_permission_policy().user_has_permission(request.user, "change"):
        raise PermissionDenied
    accent = request.GET.get("accent", "")
    try:
        validate_accent(accent)
    except ValidationError as error:
        return HttpResponseBadRequest(error.messages[0], content_type="text/plain; charset=utf-8")
    picture = card_previews.sample(accent)
    return _picture(request, picture, hashlib.sha256(picture).hexdigest())


def _draft(request: HttpRequest, page_id: int) -> Any:
    draft = shareables.draft_of(page_id)
    if draft is None:
        raise Http404("There is no such article.")
    if not draft.permissions_for_user(request.user).can_edit():
        raise PermissionDenied
    return draft


def _picture(request: HttpRequest, picture: bytes, digest: str) -> HttpResponse:
    response = HttpResponse(picture, content_type="image/png")
    response.headers["ETag"] = f'"{digest}"'
    # Django's conditional middleware answers 304; a draft is for its editors' browsers alone.
    patch_cache_control(response, private=True, no_cache=True)
    return response
