"""Telling publishers by mail that shares are held back: once a day about each article or section, at the most.

A job looks for floods that nobody was told of, so that counting pays nothing for it.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import Sum
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from wagtail.permissions import page_permission_policy

from sharing.burst_permissions import decidable_pages
from sharing.models import HeldCount, ShareBurst, ShareTarget

logger = logging.getLogger(__name__)

# What nobody was told of for so long is no news: the admin shows it.
IS_NEWS = timedelta(days=1)
# So many are named in one mail; it leads to all of them.
MOST_NAMED = 20
_LONGEST_TITLE = 100


@dataclass(frozen=True)
class News:
    """What is held back of one article or section, and since when nobody was told of it."""

    target: ShareTarget
    article_label: str  # of the article a section is in; empty for an article
    burst: ShareBurst  # its first
    held: int

    @property
    def title(self) -> str:
        """Return what it is called, fit for a line of a mail."""
        return _fit(self.target.label)

    @property
    def kind(self) -> str:
        """Return what it is: “article”, or “section of …”."""
        if self.target.block_id is None:
            return "article"
        return f"section of “{_fit(self.article_label)}”" if self.article_label else "section"

    @property
    def hour(self) -> str:
        """Return when it began, in the site's time zone: “26 November 2026, 14:00”."""
        return date_format(self.burst.hour.astimezone(ZoneInfo(settings.TIME_ZONE)), "j F Y, H:i")


def tell() -> int:
    """Mail what nobody was told yet, one mail to each publisher; return of how many articles and sections.

    What is decided already is no news, nor is more of what was told today (in UTC, as counts are).
    """
    now = timezone.now()
    bursts = list(
        ShareBurst.objects.filter(
            state=ShareBurst.State.HELD, told_at=None, created_at__gt=now - IS_NEWS
        )
        .select_related("target")
        .order_by("pk")
    )
    if not bursts:
        return 0
    known = _told_today({burst.target_id for burst in bursts}, now)
    news = _news([burst for burst in bursts if burst.target_id not in known])
    # Read and rendered before anything is locked: counts of the same hours wait for these rows.
    messages = _messages(news)
    return len(news) if _take(bursts, news, messages, now) else 0


@transaction.atomic
def _take(
    bursts: Sequence[ShareBurst],
    news: Sequence[News],
    messages: Sequence[EmailMessage],
    now: datetime,
) -> bool:
    """Write down what is told, and mail it in the same transaction; of two who try, one does."""
    wanted = [burst.pk for burst in bursts]
    rows = ShareBurst.objects.select_for_update().filter(
        pk__in=wanted, told_at=None, state=ShareBurst.State.HELD
    )
    # Somebody decided, or told, meanwhile: the next time looks at what is left.
    if [row.pk for row in rows.order_by("pk")] != wanted:
        return False
    if _told_today({each.target.pk for each in news}, now):
        return False
    ShareBurst.objects.filter(pk__in=wanted).update(told_at=now)
    connection = get_connection()
    for message in messages:
        try:
            connection.send_messages([message])
        except ValueError:
            # One address that no mail can have keeps it from nobody else.
            logger.warning("a publisher cannot be told of a flood: the mail address is none")
    return True


def _told_today(target_ids: Iterable[int], now: datetime) -> set[int]:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    told = ShareBurst.objects.filter(target_id__in=list(target_ids), told_at__gte=midnight)
    return set(told.values_list("target_id", flat=True))


def _news(bursts: Sequence[ShareBurst]) -> list[News]:
    """Return a line a target, the one with most first, with two queries."""
    held: Counter[int] = Counter(
        dict(
            HeldCount.objects.filter(burst__in=bursts)
            .order_by()
            .values_list("burst")
            .annotate(number=Sum("count"))
        )
    )
    first: dict[int, ShareBurst] = {}
    numbers: Counter[int] = Counter()
    for burst in bursts:
        first.setdefault(burst.target_id, burst)
        numbers[burst.target_id] += held[burst.pk]
    articles: dict[int, str] = dict(
        ShareTarget.objects.filter(
            page_id__in={burst.target.page_id for burst in bursts}, block_id=None
        ).values_list("page_id", "label")
    )
    news = [
        News(
            burst.target,
            "" if burst.target.block_id is None else articles.get(burst.target.page_id, ""),
            burst,
            numbers[target],
        )
        for target, burst in first.items()
    ]
    return sorted(news, key=lambda each: (-each.held, each.target.pk))


def _fit(label: str) -> str:
    words = " ".join("".join(c if c.isprintable() else " " for c in label).split())
    return words if len(words) <= _LONGEST_TITLE else f"{words[: _LONGEST_TITLE - 1]}…"


def _messages(news: Sequence[News]) -> list[EmailMessage]:
    """Return a mail for each publisher who may decide about any of it."""
    if not news:
        return []
    pages = {each.target.page_id for each in news}
    messages = []
    for user in page_permission_policy.users_with_permission("publish").order_by("pk"):
        if user.email:
            may = decidable_pages(user, pages)
            if mine := [each for each in news if each.target.page_id in may]:
                messages.append(_message(user, mine))
    return messages


def _message(user: Any, news: Sequence[News]) -> EmailMessage:
    address = f"{settings.SITE_URL}{reverse('held_back_shares')}"
    if len(news) == 1:
        subject = f"Shares of “{news[0].title}” are held back"
        address += f"#flood-{news[0].burst.pk}"
    else:
        subject = f"Shares of {len(news):,} articles and sections are held back"
    words = render_to_string(
        "sharing/mail/shares_held_back.txt",
        {
            "news": news[:MOST_NAMED],
            "more": len(news) - len(news[:MOST_NAMED]),
            "time_zone": settings.TIME_ZONE,
            "address": address,
        },
    )
    return EmailMessage(subject, words, to=[user.email])
