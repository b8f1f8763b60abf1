"""Numbers for Prometheus, read when it asks: they are the database's and the servers', not a process's.

So any web process answers the same, and nothing is shared between processes in files.
"""

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from django.conf import settings
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from healthsite.chores import queries as chore_queries
from healthsite.chores.models import Chore
from healthsite.mail.models import MailState, OutgoingMail
from sharing import pipeline, valkey
from sharing.posting import installation

T = TypeVar("T")

ADMINISTRATORS = "Administrators"


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer who may read them; for everybody else there is nothing here."""
    if not (_has_token(request) or _is_administrator(request)):
        raise Http404("metrics")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Site())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _has_token(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN
    scheme, _, sent = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    # WSGI hands bytes over as Latin-1.
    return hmac.compare_digest(sent.strip().encode("latin-1", "replace"), token.encode())


def _is_administrator(request: HttpRequest) -> bool:
    # Who has no cookie touches no session.
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    try:
        user = request.user
        if not user.is_authenticated or not user.is_active:
            return False
        return user.is_superuser or user.groups.filter(name=ADMINISTRATORS).exists()
    except Error:
        # Without the database nobody is known.
        return False


class Site(Collector):
    """Everything that is measured; a part that is silent leaves its numbers out and is not up."""

    def describe(self) -> Iterable[Metric]:
        """Return nothing: a registry must not ask the database to learn names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield one family after the other."""
        up = GaugeMetricFamily("healthsite_up", "Whether a part answers: 1, or 0.", labels=["part"])
        stream = _answer(lambda: pipeline.stream_state(valkey.events()))
        cache = _answer(lambda: valkey.volatile().ask(lambda client: client.ping()))
        counted = _answer(pipeline.counted)
        up.add_metric(["events"], float(stream is not None))
        up.add_metric(["cache"], float(cache is not None))
        up.add_metric(["database"], float(counted is not None))
        yield up
        inbox = None
        if counted is not None:
            inbox = _answer(pipeline.inbox_state)
        if stream is not None:
            yield from _of_stream(stream)
        if stream is not None or inbox is not None:
            yield _gauge(
                "healthsite_share_oldest_unread_seconds",
                "For how long the accepted share that waits longest has waited; 0 where none does.",
                pipeline.longest_wait(stream, inbox) or 0.0,
            )
        if inbox is not None:
            yield _gauge(
                "healthsite_share_inbox_events",
                "Shares accepted into the database while the events server was silent, not counted yet.",
                inbox.length,
            )
        if counted is not None:
            yield _counters(
                "healthsite_share_events_counted",
                "Shares and arrivals counted, by class.",
                "share_class",
                counted,
            )
            yield from _of_database()


def _of_stream(state: pipeline.StreamState) -> Iterator[Metric]:
    yield _gauge(
        "healthsite_share_stream_entries",
        "Accepted shares in the stream that are not counted and trimmed yet.",
        state.length,
    )
    yield _gauge(
        "healthsite_share_set_aside_entries",
        "Entries of the stream that could not be counted and wait for an operator.",
        state.set_aside,
    )
    lag = pipeline.seconds_since(state.swept_at)
    if lag is not None:
        yield _gauge(
            "healthsite_share_last_sweep_age_seconds",
            "Seconds since everything accepted was last counted.",
            lag,
        )
    if state.added is not None:
        yield CounterMetricFamily(
            "healthsite_share_stream_added",
            "Entries that ever came into the stream.",
            value=state.added,
        )
    if state.verified is not None:
        yield _gauge(
            "healthsite_share_sums_differing",
            "Sums that were not what the counts add up to when they were last compared.",
            state.verified.differences,
        )
        yield _gauge(
            "healthsite_share_sums_compared_timestamp_seconds",
            "When the sums were last compared with the counts, in Unix time.",
            state.verified.at.timestamp(),
        )


def _of_database() -> Iterator[Metric]:
    uncounted = _answer(pipeline.uncounted)
    if uncounted is not None:
        filtered, refused = pipeline.split(uncounted)
        yield _counters(
            "healthsite_share_filtered",
            "Requests that were no reader's share, by reason.",
            "reason",
            filtered,
        )
        yield _counters(
            "healthsite_share_refused",
            "Events that were not accepted, by reason.",
            "reason",
            refused,
        )
    held = _answer(pipeline.held)
    if held is not None:
        yield _gauge("healthsite_share_floods_held", "Floods that wait for an editor.", held.floods)
        yield _gauge(
            "healthsite_share_held_events", "Shares in floods that wait for an editor.", held.events
        )
    chores = _answer(chore_queries.standing)
    if chores is not None:
        waiting = _answer(lambda: Chore.objects.waiting().count())
        yield _gauge("healthsite_chores_waiting", "Chores that are to be done.", waiting or 0)
        yield _gauge("healthsite_chores_failed", "Chores that were given up.", chores.failed)
        yield _gauge(
            "healthsite_chores_oldest_waiting_seconds",
            "For how long the chore that waits longest and never failed has waited.",
            chores.waited,
        )
    mail = _answer(lambda: OutgoingMail.objects.filter(state=MailState.WAITING).count())
    if mail is not None:
        yield _gauge("healthsite_mail_waiting", "Mails that are to be sent.", mail)

    standing = _answer(installation.standing)
    if standing is not None:
        yield _gauge(
            "healthsite_posting_paused",
            "1 where no post goes out because this is a copy of another site, else 0.",
            float(not standing.is_ours),
        )


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _counters(name: str, what: str, label: str, values: Mapping[str, int]) -> Metric:
    made = CounterMetricFamily(name, what, labels=[label])
    for each, value in values.items():
        made.add_metric([each], value)
    return made


def _answer(question: Callable[[], T]) -> T | None:
    try:
        return question()
    except (Error, valkey.Silent):
        return None
