"""The rule that posts by itself: what an article's first publication, or a section's, brings with it.

Runs in the transaction that publishes, and asks no network for anything. Whatever goes wrong here is seen on a
post that waits, or in the log; the page is published all the same.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from sharing import shareables
from sharing.links import post_address
from sharing.models import AutoPostRule, ShareTarget, SocialAccount
from sharing.posting import actions, drafting, known_limits, queries
from sharing.posting.actions import AlreadyPosted, Timing, Wording
from sharing.posting.claims import clock
from sharing.posting.models import Delivery, SocialPost
from sharing.posting.subjects import Subject, published_subject
from sharing.posting.wording import Worded, word
from sharing.shareables import State

logger = logging.getLogger(__name__)

_FIRST = SocialPost.Purpose.FIRST_PUBLISH
_HAS_ONE = "The automatic posts left this account out: it has a post about this already."


def first_publication(*, page_id: int, targets: Mapping[UUID | None, int]) -> int:
    """Write the posts of the rule for what was first published since it was made; return how many.

    `targets` are the ids of the article (None) and of the sections that readers can open now, by block id. Never
    raises: a post that cannot be written is a line in the log.
    """
    try:
        with transaction.atomic():
            return _write(page_id, targets)
    except Exception:
        logger.exception("page %s was published without the posts of the rule", page_id)
        return 0


def accounts_to_come(subject: Subject) -> frozenset[int]:
    """Return the ids of the accounts that the rule will post with once this is first published.

    None where it was published before, or the rule leaves it out. What an account has a post about by then, it
    does not post again.
    """
    rule = AutoPostRule.objects.filter(is_on=True).first()
    if rule is None or not subject.is_awaited or not _is_meant(rule, subject.target):
        return frozenset()
    if subject.target.block_id in shareables.first_published(subject.target.page_id):
        return frozenset()
    if Delivery.objects.filter(target=subject.target, purpose=_FIRST).exists():
        return frozenset()
    active = rule.accounts.filter(state=SocialAccount.State.ACTIVE)
    return frozenset(active.values_list("pk", flat=True))


def _is_meant(rule: AutoPostRule, target: ShareTarget) -> bool:
    if target.block_id is None:
        return rule.article
    if rule.sections != AutoPostRule.Sections.FIRST:
        return bool(rule.sections == AutoPostRule.Sections.ALL)
    draft = shareables.draft_of(target.page_id)
    sections = [] if draft is None else shareables.labels_of(draft)[1:]
    return bool(sections) and sections[0].block_id == target.block_id


def _write(page_id: int, targets: Mapping[UUID | None, int]) -> int:
    rule = AutoPostRule.objects.select_related("template").filter(is_on=True).first()
    if rule is None:
        return 0
    accounts = list(
        rule.accounts.filter(state=SocialAccount.State.ACTIVE).order_by("network", "pk")
    )
    moments = shareables.first_published(page_id)
    new = {
        pk for block_id, pk in targets.items()
        if block_id in moments and moments[block_id] >= rule.changed_at
    }  # fmt: skip
    new -= set(
        Delivery.objects.filter(target_id__in=new, purpose=_FIRST).values_list(
            "target_id", flat=True
        )
    )
    if not accounts or not new:
        return 0
    # Whoever writes about the same at this moment stands in line: one of both sees the other's post.
    list(ShareTarget.objects.select_for_update(no_key=True).filter(pk__in=new).order_by("pk"))
    written = 0
    for number, subject in enumerate(_chosen(rule, page_id, new, targets)):
        after = timedelta(hours=number * rule.hours_apart)
        written += _write_one(rule, subject, accounts, after)
    return written


def _chosen(
    rule: AutoPostRule, page_id: int, new: Collection[int], targets: Mapping[UUID | None, int]
) -> list[Subject]:
    """Return what is posted about, in the order of the article."""
    rows = ShareTarget.objects.filter(pk__in=targets.values(), page_id=page_id)
    found = [each for each in shareables.shareables(rows).values() if each.state is State.LIVE]
    sections = sorted((each for each in found if each.is_section), key=lambda each: each.position)
    if rule.sections == AutoPostRule.Sections.NONE:
        sections = []
    elif rule.sections == AutoPostRule.Sections.FIRST:
        sections = sections[:1]
    articles = [each for each in found if not each.is_section] if rule.article else []
    return [published_subject(each) for each in [*articles, *sections] if each.target.pk in new]


def _write_one(
    rule: AutoPostRule, subject: Subject, accounts: Sequence[SocialAccount], after: timedelta
) -> int:
    template = rule.template.text if rule.template else queries.default_template()
    known = known_limits.limits_of(accounts, ask=False)
    wordings, problems = [], {}
    has_one = drafting.posted_about(subject.target, [each.pk for each in accounts])
    language = settings.LANGUAGE_CODE.partition("-")[0]
    for account in accounts:
        connector = known_limits.connector_of(account.network)
        if connector is None:
            continue
        code = actions.new_link_code()
        worded: Worded = word(
            connector,
            known[account.pk].limits,
            written=template,
            subject=subject,
            link=post_address(code),
            language=language,
        )
        wordings.append(Wording(account.pk, worded.text, code, language))
        if worded.blocking and account.pk not in has_one:
            problems[account.pk] = " ".join(worded.blocking)
    if not wordings:
        return 0
    # One text that cannot be sent makes the whole post a draft: somebody looks at all of it.
    try:
        post = actions.compose(
            target=subject.target,
            wordings=wordings,
            timing=_timing(after),
            by=None,
            approved=not problems,
            purpose=_FIRST,
        )
    except AlreadyPosted:
        return 0  # once in the life of each, however often it is published
    for delivery in post.deliveries.filter(account_id__in=has_one):
        # It stays in sight, and is the one of its life: no later publication posts in its place.
        actions.cancel(delivery=delivery, why=_HAS_ONE)
    for account_id, sentence in problems.items():
        post.deliveries.filter(account_id=account_id).update(problem=sentence[:500])
    return 1


def _timing(after: timedelta) -> Timing:
    if not after:
        return Timing(SocialPost.When.NOW)
    local: datetime = (clock() + after).astimezone(ZoneInfo(settings.TIME_ZONE))
    return Timing(SocialPost.When.AT_TIME, local.strftime("%Y-%m-%dT%H:%M"), settings.TIME_ZONE)
