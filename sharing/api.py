"""Share counts, and the beacon that says a share was handed over."""

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ParseError, PermissionDenied
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from articles import freshness
from sharing import filtered, queries, remembered, valkey, visitors
from sharing.beacons import BeaconParser, LengthRequired, ShareEventSerializer, refusal
from sharing.models import ShareClass, ShareTarget
from sharing.shareables import State, shareables

MOST_CODES = 100
# How long the counts of a page are kept, in seconds. A share waits for the next sweep for 2 s and is counted
# in some 0.2 s, and nginx in front keeps the answer for up to 2 s: 5 s together (docs/decisions/0017).
COUNTS_KEPT = 0.8


class ClassesSerializer(serializers.Serializer[Any]):
    """Numbers by class. Classes are never mixed; a total is intent and handed_over."""

    intent = serializers.IntegerField()
    handed_over = serializers.IntegerField()
    arrival = serializers.IntegerField()
    observed = serializers.IntegerField()
    mention = serializers.IntegerField()


class ShareCountSerializer(serializers.Serializer[Any]):
    """How often a target was shared."""

    code = serializers.CharField()
    total = serializers.IntegerField(allow_null=True, help_text="Null below the site's threshold.")
    classes = ClassesSerializer(allow_null=True)
    below = serializers.IntegerField(
        required=False, help_text="The threshold, where the numbers are under it."
    )
    as_of = serializers.DateTimeField(
        allow_null=True, help_text="Every event accepted before this moment is counted."
    )


class ShareCountsSerializer(serializers.Serializer[Any]):
    """Counts in the order of the codes asked for."""

    results = ShareCountSerializer(many=True)


class ShareCounts(APIView):
    """How often articles and sections were shared."""

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "code",
                str,
                required=True,
                many=True,
                description=f"A share code; repeat it for more, up to {MOST_CODES}.",
            )
        ],
        responses={
            200: ShareCountsSerializer,
            400: OpenApiResponse(description="No code, or too many."),
            404: OpenApiResponse(description="A code that is unknown or not published."),
        },
    )
    def get(self, request: Request) -> Response:
        """Return the counts of the codes asked for."""
        codes = list(dict.fromkeys(request.query_params.getlist("code")))
        if not codes:
            raise ParseError("Name at least one share code: ?code=…")
        if len(codes) > MOST_CODES:
            raise ParseError(f"Ask for at most {MOST_CODES} codes at once.")
        targets = queries.targets_by_code(codes)
        states = shareables(targets.values(), request._request)
        unknown = [
            code
            for code in codes
            if code not in targets or states[targets[code].pk].state is State.HIDDEN
        ]
        if unknown:
            raise NotFound(f"Unknown share codes: {', '.join(code[:40] for code in unknown)}")
        counts = queries.counts([target.pk for target in targets.values()])
        as_of = queries.counted_until()
        results = [_count(code, counts[targets[code].pk]) | {"as_of": as_of} for code in codes]
        response = Response(ShareCountsSerializer({"results": results}).data)
        response["Cache-Control"] = "no-cache"
        return response


class ShareCountsOfArticle(APIView):
    """How often an article and each of its sections were shared: what one page asks for."""

    @extend_schema(
        operation_id="share_counts_of_article",
        responses={
            200: ShareCountsSerializer,
            404: OpenApiResponse(description="No code of a published article."),
        },
    )
    def get(self, request: Request, code: str) -> Response:
        """Return the counts of an article and its published sections, the article first.

        The numbers are kept for a moment: an accepted share is in them after five seconds at most.
        """
        targets = queries.targets_of_article(code)
        states = shareables(targets, request._request)
        live = [target for target in targets if states[target.pk].state is State.LIVE]
        # A section is live only where its article is, and the article comes first.
        if not live:
            raise NotFound("Unknown share code.")
        freshness.keep(freshness.article(live[0].page_id), seconds=COUNTS_KEPT)
        counts = queries.counts([target.pk for target in live])
        as_of = queries.counted_until()
        results = [_count(target.code, counts[target.pk]) | {"as_of": as_of} for target in live]
        response = Response(ShareCountsSerializer({"results": results}).data)
        response["Cache-Control"] = "no-cache"
        return response


class ShareEvents(APIView):
    """Beacons from our own pages."""

    parser_classes: list[type[BaseParser]] = [BeaconParser]  # noqa: RUF012  # as DRF declares it

    @extend_schema(
        request=ShareEventSerializer,
        responses={
            202: OpenApiResponse(description="Taken; it is counted once."),
            400: OpenApiResponse(
                description="Malformed, a field that is not known, or an `occurred_at` outside the time in which"
                " late events are taken; the answer says when that is."
            ),
            403: OpenApiResponse(description="Sent by another site's page."),
            404: OpenApiResponse(description="A code that is unknown, deleted or not published."),
            411: OpenApiResponse(description="No Content-Length."),
            413: OpenApiResponse(description="Too large."),
        },
    )
    def post(self, request: Request) -> Response:
        """Take one event; the same id again is taken again and counted once."""
        _refuse_foreign_pages(request)
        if not request.META.get("CONTENT_LENGTH"):
            raise LengthRequired
        serializer = ShareEventSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        target = _live_target(data["code"])
        event_id: UUID = data["event_id"]
        visitors.record(
            request._request,
            target.pk,
            data["channel"],
            ShareClass(data["class"]),
            event_id=event_id,
            occurred_at=data.get("occurred_at"),
        )
        return Response({"event_id": str(event_id)}, status=status.HTTP_202_ACCEPTED)

    def handle_exception(self, exc: Exception) -> Response:
        """Count what is refused by its reason, and say why."""
        if reason := refusal(exc):
            filtered.note(self.request._request, reason, valkey.Patience())
        return super().handle_exception(exc)


def _count(code: str, counts: queries.Counts) -> dict[str, Any]:
    if below := queries.too_few_to_tell(counts):
        return {"code": code, "total": None, "classes": None, "below": below}
    return {"code": code, "total": counts.total, "classes": counts.classes}


def _live_target(code: str) -> ShareTarget:
    shared = remembered.by_code(code)
    if shared is None or shared.state is not State.LIVE:
        raise NotFound("Unknown share code.")
    return shared.target


def _refuse_foreign_pages(request: Request) -> None:
    origin = request.headers.get("Origin")
    own = {settings.SITE_URL, f"{request.scheme}://{request.get_host()}"}
    foreign = origin is not None and origin not in own
    if foreign or request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
        raise PermissionDenied("Share events are taken from this site's own pages only.")
