"""Where a reader's share begins and where its link arrives."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache, wraps
from urllib.parse import urlencode

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import http_date
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sharing import ages, meanings, offers, qr, queries, remembered, valkey, visitors
from sharing.channels import POST_PREFIX, QR, public_name
from sharing.links import is_campaign_code, is_post_code, parse_link, short_link, ways_to_share
from sharing.models import ShareClass
from sharing.networks import (
    NETWORKS,
    FederatedNetwork,
    InvalidInstance,
    Network,
    UnknownNetwork,
    parse_instance,
)
from sharing.networks import network as network_by_slug
from sharing.offering import Offer
from sharing.posting import queries as posts
from sharing.shareables import Shareable, State

logger = logging.getLogger(__name__)

# The longest host name, with room for a scheme or a user's name before it.
LONGEST_INSTANCE = 400
_NEVER_STORED = "max-age=0, no-cache, no-store, must-revalidate, private"


# Of this second and the one before.
_date = lru_cache(maxsize=2)(http_date)


def never_stored(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Return a view whose answers nobody keeps: Django's never_cache, with its header ready."""

    @wraps(view)
    def storing_nothing(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.headers["Expires"] = _date(int(time.time()))
        response.headers["Cache-Control"] = _NEVER_STORED
        return response

    return storing_nothing


class RedirectToComposer(HttpResponseRedirect):
    """303 to a network's composer. Addresses come from the registry alone; Django's refuses mailto."""

    status_code = 303
    allowed_schemes = sorted({scheme for each in NETWORKS for scheme in each.schemes})


@require_safe
@never_stored
def intent(request: HttpRequest, code: str, network: str) -> HttpResponse:
    """Record that a reader is about to share, and send them to the network's composer."""
    patience = valkey.Patience()
    try:
        chosen = network_by_slug(network)
    except UnknownNetwork as error:
        raise Http404(f"No network {network!r}") from error
    shared = _shareable(code)
    if shared.state is State.GONE:
        return _gone(request, shared)
    if chosen.slug not in offers.offer_for(request):
        return _switched_off(shared, chosen)
    if isinstance(chosen, FederatedNetwork):
        return _ask_for_instance(request, shared, chosen, patience)
    _record(request, shared, chosen.slug, ShareClass.INTENT, patience)
    return RedirectToComposer(remembered.composer_url(shared, chosen))


@require_safe
@never_stored
def arrival(request: HttpRequest, link: str) -> HttpResponse:
    """Record that a shared link brought a reader, and send them to the page."""
    patience = valkey.Patience()
    if is_campaign_code(link):
        return _campaign_arrival(request, link, patience)
    if is_post_code(link):
        return _post_arrival(request, link, patience)
    parsed = parse_link(link)
    if parsed is None:
        raise Http404(f"No link {link!r}")
    code, channel = parsed
    shared = _shareable(code)
    if shared.state is State.GONE:
        return _gone(request, shared)
    _record(request, shared, channel.slug, ShareClass.ARRIVAL, patience)
    return HttpResponseRedirect(shared.url)


def _campaign_arrival(request: HttpRequest, code: str, patience: valkey.Patience) -> HttpResponse:
    campaign = queries.campaign_by_code(code)
    if campaign is None:
        raise Http404(f"No link {code!r}")
    shared = _published(remembered.of_target(campaign.target))
    if shared.state is State.GONE:
        return _gone(request, shared)
    if campaign.is_over(timezone.now()):
        return render(request, "sharing/link_ended.html", {"shared": shared}, status=410)
    _record(request, shared, campaign.channel, ShareClass.ARRIVAL, patience)
    return HttpResponseRedirect(shared.url)


def _post_arrival(request: HttpRequest, code: str, patience: valkey.Patience) -> HttpResponse:
    delivery = posts.delivery_by_link(code)
    if delivery is None:
        raise Http404(f"No link {code!r}")
    shared = _published(remembered.of_target(delivery.target))
    if shared.state is State.GONE:
        return _gone(request, shared)
    _record(request, shared, f"{POST_PREFIX}{code}", ShareClass.ARRIVAL, patience)
    return HttpResponseRedirect(shared.url)


@require_safe
@never_cache
def counts(request: HttpRequest, code: str) -> HttpResponse:
    """Show how often something was shared, what each number means, and every way to share it."""
    shared = _shareable(code)
    if shared.state is State.GONE:
        return _gone(request, shared)
    target = shared.target
    offer = offers.offer_for(request)
    numbers = queries.counts([target.pk])[target.pk]
    below = queries.too_few_to_tell(numbers)
    rows = [] if below else queries.channel_counts(target.pk)
    names = _channel_names(request, {channel for channel, _, _ in rows})
    # By name, because readers see all campaigns as one.
    channels: dict[str, Counter[str]] = {}
    for channel, share_class, number in rows:
        channels.setdefault(names[channel], Counter())[share_class] += number
    as_of = queries.counted_until()
    context = {
        "shared": shared,
        "article_code": queries.article_code(target.page_id) if target.block_id else target.code,
        "counts": None if below else numbers,
        "below": below,
        "classes": []
        if below
        else meanings.meanings(numbers.classes, asked=_asked(target.pk, numbers)),
        "as_of": as_of,
        "age": ages.ago(as_of, timezone.now()) if as_of else "",
        "channels": [
            {
                "name": name,
                "intent": by_class[ShareClass.INTENT],
                "handed_over": by_class[ShareClass.HANDED_OVER],
                "arrival": by_class[ShareClass.ARRIVAL],
            }
            for name, by_class in channels.items()
        ],
        "switched_off": _name_of_switched_off(request.GET.get("without", ""), offer),
        **ways_to_share(target.code, offer),
    }
    return render(request, "sharing/counts.html", context)


def _asked(target_id: int, numbers: queries.Counts) -> str:
    """Return how long ago networks were asked for what they observed; empty where there is none of it."""
    if not numbers.classes[ShareClass.OBSERVED]:
        return ""
    asked = posts.observed_between(target_ids=[target_id])
    return ages.between(*asked, timezone.now()) if asked else ""


def _channel_names(request: HttpRequest, channels: set[str]) -> dict[str, str]:
    """Return what to call channels: whoever may open the admin reads the names of campaigns."""
    # Readers have no cookie, so only an editor's request ever asks for a session.
    if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.has_perm(
        "wagtailadmin.access_admin"
    ):
        return queries.channel_names(channels)
    return {channel: public_name(channel) for channel in channels}


def _switched_off(shared: Shareable, chosen: Network) -> HttpResponse:
    """Send a reader whose page is older than the settings to the ways that are left."""
    ways = reverse("sharing:counts", args=[shared.target.code])
    return HttpResponseRedirect(f"{ways}?{urlencode({'without': chosen.slug})}", status=303)


def _name_of_switched_off(slug: str, offer: Offer) -> str:
    """Return the name of a network that is not offered; empty for any other word."""
    try:
        return "" if slug in offer else network_by_slug(slug).name
    except UnknownNetwork:
        return ""


@require_safe
def qr_code(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """Draw the short link of an article or section as a QR code, "svg" or "png"."""
    shared = _shareable(code)
    if shared.state is State.GONE:
        return _gone(request, shared)
    return qr.picture(short_link(shared.target.code, QR), kind, name=shared.file_name)


def _ask_for_instance(
    request: HttpRequest, shared: Shareable, chosen: FederatedNetwork, patience: valkey.Patience
) -> HttpResponse:
    """Ask for the reader's own server, then name it and offer one plain link to it.

    Never a redirect: after a form `form-action 'self'` would block it, and a redirect to whatever host a
    parameter names is an open one.
    """
    typed = request.GET.get("instance", "")[:LONGEST_INSTANCE]
    context = {"shared": shared, "network": chosen, "typed": typed}
    if "instance" not in request.GET:
        return render(request, "sharing/instance.html", context)
    try:
        host = parse_instance(typed)
    except InvalidInstance as error:
        return render(
            request, "sharing/instance.html", context | {"error": error.reason}, status=400
        )
    _record(request, shared, chosen.slug, ShareClass.INTENT, patience)
    composer_url = chosen.composer_url(remembered.composition(shared, chosen), instance=host)
    return render(
        request, "sharing/instance.html", context | {"host": host, "composer_url": composer_url}
    )


def _shareable(code: str) -> Shareable:
    shared = remembered.by_code(code)
    if shared is None:
        raise Http404(f"No share code {code!r}")
    return _published(shared)


def _published(shared: Shareable) -> Shareable:
    if shared.state is State.HIDDEN:
        raise Http404(f"{shared.title!r} is not published")
    return shared


def _gone(request: HttpRequest, shared: Shareable) -> HttpResponse:
    return render(request, "sharing/gone.html", {"shared": shared}, status=410)


def _record(
    request: HttpRequest,
    shared: Shareable,
    channel: str,
    share_class: ShareClass,
    patience: valkey.Patience,
) -> None:
    """Record an event; where nothing can take it, the reader goes on and an operator reads of it."""
    try:
        visitors.record(request, shared.target.pk, channel, share_class, patience=patience)
    except DatabaseError:
        logger.exception("a share of %s was not recorded", shared.target.code)
