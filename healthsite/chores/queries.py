"""How the chores stand."""

from dataclasses import dataclass

from django.db.models import Count, Min, Q

from healthsite.chores.models import Chore
from healthsite.mail.actions import clock


@dataclass(frozen=True)
class Standing:
    """How many chores were given up, and for how many seconds the oldest that is due has waited."""

    failed: int
    waited: float


def standing() -> Standing:
    """Return how the chores stand, with one query."""
    now = clock()
    never_failed = Q(failed_at__isnull=True, tries=0)
    told = Chore.objects.aggregate(
        failed=Count("pk", filter=Q(failed_at__isnull=False)),
        oldest=Min("queued_at", filter=never_failed),
    )
    waited = (now - told["oldest"]).total_seconds() if told["oldest"] else 0.0
    return Standing(failed=told["failed"], waited=max(0.0, waited))
