"""Keep an article's section rows equal to its published body."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from articles.models.section import RetiredSlug, Section
from articles.outline import Part

_FOLLOWED = ("position", "slug", "heading", "title", "aspect", "summary", "text", "content_hash")


@dataclass(frozen=True)
class Changes:
    """What a synchronisation did, as slugs."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.created or self.updated or self.removed)


@transaction.atomic
def synchronise_sections(page_id: int, *, live: bool, parts: Sequence[Part]) -> Changes:
    """Make the rows of one article tell its published state, in a constant number of statements.

    Every part needs a block id. An article that is not live has no live section; its rows stay, so that
    their identities, dates and shares return with it.
    """
    now = timezone.now()
    rows = {row.block_id: row for row in Section.objects.filter(page_id=page_id)}
    wanted = {_block_id(part): part for part in parts} if live else {}

    created = [
        Section(
            page_id=page_id,
            block_id=block_id,
            first_published_at=now,
            changed_at=now,
            **_followed(part),
        )
        for block_id, part in wanted.items()
        if block_id not in rows
    ]
    updated: list[Section] = []
    removed: list[Section] = []
    retired: dict[str, Section] = {}
    for block_id, row in rows.items():
        part = wanted.get(block_id)
        if part is None:
            # Only an article that is live without the section has removed it.
            removed_at = row.removed_at or (now if live else None)
            if row.live or row.removed_at != removed_at:
                row.live, row.removed_at = False, removed_at
                removed.append(row)
            continue
        fields = _followed(part)
        if row.live and all(getattr(row, name) == value for name, value in fields.items()):
            continue
        # Of two rows that give up one slug, readers knew the live one by it.
        if row.slug != part.slug and (row.live or row.slug not in retired):
            retired[row.slug] = row
        if row.content_hash != part.content_hash:
            row.changed_at = now
        row.live, row.removed_at = True, None
        for name, value in fields.items():
            setattr(row, name, value)
        updated.append(row)

    # Two sections may swap slugs: free all of them before any is taken.
    moved = [row.pk for row in (*updated, *removed)]
    if moved:
        Section.objects.filter(pk__in=moved).update(live=False)
        Section.objects.bulk_update(
            [*updated, *removed], [*_FOLLOWED, "live", "changed_at", "removed_at"]
        )
    Section.objects.bulk_create(created)
    if retired:
        RetiredSlug.objects.bulk_create(
            [
                RetiredSlug(page_id=page_id, slug=slug, section=row, retired_at=now)
                for slug, row in retired.items()
            ],
            update_conflicts=True,
            unique_fields=["page", "slug"],
            update_fields=["section", "retired_at"],
        )
    if created or updated:
        live_slugs = [part.slug for part in wanted.values()]
        RetiredSlug.objects.filter(page_id=page_id, slug__in=live_slugs).delete()
    return Changes(
        created=tuple(row.slug for row in created),
        updated=tuple(row.slug for row in updated),
        removed=tuple(row.slug for row in removed),
    )


def _block_id(part: Part) -> UUID:
    if part.block_id is None:
        raise ValueError(f"Section “{part.slug}” has no block id; save the article, not its parts.")
    return part.block_id


def _followed(part: Part) -> dict[str, object]:
    return {name: getattr(part, name) for name in _FOLLOWED}
