"""All reads of sharing."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from sharing import stream, valkey
from sharing.channels import CAMPAIGN_PREFIX, POST_PREFIX, public_name
from sharing.models import (
    TOTAL_CLASSES,
    CampaignLink,
    ShareClass,
    ShareCount,
    ShareTarget,
    StreamPosition,
)
from sharing.posting import queries as posts


@dataclass(frozen=True)
class Counts:
    """How often a target was shared, by class; `total` is intents and handed-over shares alone."""

    classes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ShareClass.values, 0))

    @property
    def total(self) -> int:
        """Return what readers see as “shared”."""
        return sum(self.classes[name] for name in TOTAL_CLASSES)


def target_by_code(code: str) -> ShareTarget | None:
    """Return the target of a share code."""
    return ShareTarget.objects.filter(code=code).first()


def targets_by_code(codes: Iterable[str]) -> dict[str, ShareTarget]:
    """Return the targets of share codes that exist."""
    return {target.code: target for target in ShareTarget.objects.filter(code__in=list(codes))}


def targets_of_article(code: str) -> list[ShareTarget]:
    """Return the targets of an article and its sections by the article's code, the article first.

    One query; empty for a code that is a section's or nobody's.
    """
    article = ShareTarget.objects.filter(code=code, block_id=None).values("page_id")
    targets = ShareTarget.objects.filter(page_id__in=article)
    return sorted(targets, key=lambda target: (target.block_id is not None, target.pk))


def article_code(page_id: int) -> str:
    """Return the share code of an article; empty where it has none."""
    codes = ShareTarget.objects.filter(page_id=page_id, block_id=None).values_list(
        "code", flat=True
    )
    return codes.first() or ""


@dataclass(frozen=True)
class Identity:
    """What the public knows an article or section by: its share code, and its card's digest or ""."""

    code: str
    card: str


def identities(page_id: int) -> dict[UUID | None, Identity]:
    """Return those of an article and its sections by block id, with one query; None is the article."""
    rows = ShareTarget.objects.filter(page_id=page_id).values_list("block_id", "code", "card__made")
    return {block_id: Identity(code, made or "") for block_id, code, made in rows}


def counts(target_ids: Iterable[int]) -> dict[int, Counts]:
    """Return the counts of targets, zeros included, with one query."""
    found = {target_id: Counts() for target_id in target_ids}
    rows = (
        ShareCount.objects.filter(target_id__in=list(found))
        .values_list("target_id", "share_class")
        .annotate(total=Sum("count"))
    )
    for target_id, share_class, total in rows:
        found[target_id].classes[share_class] = total
    return found


def too_few_to_tell(counts: Counts) -> int | None:
    """Return the threshold where a count is under it: a small number on a health page can name a person."""
    threshold: int = settings.SHARE_COUNT_MIN
    return threshold if counts.total < threshold else None


def totals(identities: Iterable[tuple[int, UUID | None]]) -> dict[tuple[int, UUID | None], int]:
    """Return how often (page id, block id) pairs were shared, with one query."""
    wanted = set(identities)
    rows = (
        ShareCount.objects.filter(
            target__page_id__in={page_id for page_id, _ in wanted}, share_class__in=TOTAL_CLASSES
        )
        .values_list("target__page_id", "target__block_id")
        .annotate(total=Sum("count"))
    )
    return {(page_id, block_id): total for page_id, block_id, total in rows}


def channel_counts(target_id: int) -> list[tuple[str, str, int]]:
    """Return (channel, class, count) of one target, most first."""
    rows = (
        ShareCount.objects.filter(target_id=target_id)
        .values_list("channel", "share_class")
        .annotate(total=Sum("count"))
        .order_by("-total", "channel", "share_class")
    )
    return list(rows)


def campaign_by_code(code: str) -> CampaignLink | None:
    """Return the campaign link of a code, with its target."""
    return CampaignLink.objects.select_related("target").filter(code=code).first()


def campaign_links_of(page_id: int) -> list[CampaignLink]:
    """Return the campaign links of an article and its sections with their arrivals, newest first."""
    links = CampaignLink.objects.with_arrivals().select_related("target")
    return list(links.filter(target__page_id=page_id).order_by("-created_at", "-pk"))


def channel_names(channels: Iterable[str]) -> dict[str, str]:
    """Return what editors call channels, campaigns by their names, with at most two queries."""
    channels = set(channels)
    codes = {
        channel.removeprefix(CAMPAIGN_PREFIX): channel
        for channel in channels
        if channel.startswith(CAMPAIGN_PREFIX)
    }
    names = {channel: public_name(channel) for channel in channels}
    if codes:
        rows = CampaignLink.objects.filter(code__in=codes).values_list("code", "name")
        names |= {codes[code]: f"Campaign: {name}" for code, name in rows}
    links = [each.removeprefix(POST_PREFIX) for each in channels if each.startswith(POST_PREFIX)]
    if links:
        names |= {f"{POST_PREFIX}{code}": name for code, name in posts.link_names(links).items()}
    return names


def counted_until() -> datetime | None:
    """Return the moment up to which every accepted event is counted; None where nothing tells."""
    try:
        if moment := stream.last_sweep(valkey.events()):
            return moment
    except valkey.Silent:
        pass
    position = StreamPosition.objects.filter(stream=stream.STREAM).first()
    return position.updated_at if position else None


def seconds_since_sweep() -> float | None:
    """Return the age of the last complete sweep in seconds, or None; raises valkey.Silent."""
    moment = stream.last_sweep(valkey.events())
    return (timezone.now() - moment).total_seconds() if moment else None


@dataclass(frozen=True)
class ReportRow:
    """One target in a report."""

    target: ShareTarget
    counts: Counts

    @property
    def is_section(self) -> bool:
        """Tell whether the row is a section's."""
        return self.target.block_id is not None


def article_report(page_id: int) -> list[ReportRow]:
    """Return the counts of an article and its sections, the article first, then most shared."""
    targets = list(ShareTarget.objects.filter(page_id=page_id))
    found = counts([target.pk for target in targets])
    rows = [ReportRow(target, found[target.pk]) for target in targets]
    return sorted(rows, key=lambda row: (row.is_section, -row.counts.total, row.target.pk))
