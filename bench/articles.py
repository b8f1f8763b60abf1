"""Fill an empty site with many published articles, by bulk statements: `python -m bench.articles NUMBER`.

Every table that publishing writes is filled as publishing fills it. In the end, what was made is compared with
what the site itself makes of a few of the articles.
"""

import io
import json
import logging
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import django

if __name__ == "__main__":
    django.setup()

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Max, Model
from wagtail.models import Locale, Page, Revision
from wagtail.search.backends import get_search_backend

from articles import queries, sitemap
from articles.blocks import HealthAspect
from articles.models import ArticlePage, HomePage, Section
from articles.outline import Part, slug_from_heading
from sharing import card_queries, shareables
from sharing.models import ShareCard, ShareTarget

SECTIONS = 5
# Articles in one transaction, and rows in one statement: SQLite takes some thousand parameters at once.
_A_BATCH = 500
_ROWS = 100
# The newest article was published then, and each one before it some minutes earlier.
_NEWEST = datetime(2026, 6, 1, 12, tzinfo=UTC)
_APART = timedelta(minutes=7)

_SUBJECTS = (
    "a doctor", "a nurse", "the body", "the muscle", "a warm bath", "regular sleep", "the heart",
    "a short walk", "the skin", "a blood test", "your pharmacist", "stress at work", "the nerve",
    "strong coffee", "a balanced meal", "the immune system", "a mild fever", "daily exercise",
    "the lower back", "a food diary", "the medicine", "an older person", "a young child", "the pain",
)  # fmt: skip
_VERBS = (
    "can help with", "often eases", "rarely causes", "may be a sign of", "should not replace",
    "usually follows", "is easily mistaken for", "protects against", "goes together with",
    "makes room for", "slows down", "has little to do with", "can be checked after",
)  # fmt: skip
_OBJECTS = (
    "tension in the neck", "a lack of magnesium", "poor sleep", "headaches in the morning",
    "swollen ankles", "a dry cough", "long hours of sitting", "an irritated stomach", "cramps at night",
    "tired eyes", "a change of medicine", "a stiff shoulder", "high blood pressure", "a longer rest",
    "too little fluid", "shortness of breath", "an appointment", "a second opinion", "worry",
)  # fmt: skip
_ENDINGS = (
    "in most adults", "for some weeks", "after a few days", "without any treatment", "more than once",
    "as far as is known today", "in the first year", "when you least expect it", "at any age", "during winter",
    "and this is no reason to worry", "so that it is worth writing down", "unless it comes back",
)  # fmt: skip
_TOPICS = (
    "twitching", "cramps", "dizziness", "heartburn", "snoring", "sunburn", "itching", "hiccups", "numbness",
    "hay fever", "blisters", "earache", "sore throats", "cold hands", "night sweats", "bruises", "fatigue",
)  # fmt: skip
_HEADINGS = (
    "What it is", "How it feels", "Where it comes from", "When it is dangerous", "How it is examined",
    "What can be done", "What you can do yourself", "How to prevent it", "How long it lasts", "Living with it",
)  # fmt: skip


def build(number: int) -> None:
    """Prepare a site and fill it up to so many published articles."""
    call_command("prepare", stdout=io.StringIO())
    fill(number)
    if connection.vendor == "postgresql":
        # Its own housekeeping would do it within minutes, and in the middle of a measurement.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def fill(number: int) -> None:
    """Add articles below the home page until so many are published; print how far it is."""
    home = queries.home_page()
    if home is None:
        raise SystemExit("There is no home page to put articles under.")
    missing = number - queries.live_articles().count()
    began = time.monotonic()
    for done in range(0, missing, _A_BATCH):
        size = min(_A_BATCH, missing - done)
        with transaction.atomic():
            _write(_articles(home, done, size, number))
        rate = (done + size) / (time.monotonic() - began)
        print(
            f"  {connection.display_name}: {done + size:,} of {missing:,}, {rate:.0f} a second",
            flush=True,
        )
    Page.objects.filter(pk=home.pk).update(numchild=Page.objects.child_of(home).count())
    _go_on_after_given_ids()
    sitemap.rebuild()
    _compare_some()


# --- Writing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Outlined:
    """What sharing reads of an article; the article itself would make its outline anew each time."""

    pk: int
    title: str
    parts: list[Part]


def _write(articles: Sequence[ArticlePage]) -> None:
    """Write published articles, whose ids and paths are given, with all that goes with them."""
    revisions = list(_revisions(articles))
    Page.objects.bulk_create([_plain(article) for article in articles], batch_size=_ROWS)
    fields = ArticlePage._meta.local_concrete_fields
    for some in _in_parts(articles, _ROWS):
        # Django's own bulk_create refuses models that inherit from another table.
        ArticlePage._base_manager._insert(some, fields=fields, using=connection.alias)
    Revision.objects.bulk_create(revisions, batch_size=_ROWS)
    outlined = [_Outlined(article.pk, article.title, article.parts) for article in articles]
    Section.objects.bulk_create(
        [
            section
            for article, known in zip(articles, outlined, strict=True)
            for section in _sections(article, known.parts)
        ],
        batch_size=_ROWS,
    )
    targets = ShareTarget.objects.bulk_create(
        [
            ShareTarget(page_id=label.page_id, block_id=label.block_id, label=label.text)
            for known in outlined
            for label in shareables.labels_of(known)
        ],
        batch_size=_ROWS,
    )
    ShareCard.objects.bulk_create(_cards(outlined, targets), batch_size=_ROWS)
    get_search_backend().get_index_for_model(ArticlePage).add_items(ArticlePage, articles)


def _plain(article: ArticlePage) -> Page:
    """Return the part of an article that is in Wagtail's own table."""
    values = {
        field.attname: getattr(article, field.attname) for field in Page._meta.concrete_fields
    }
    return Page(**values)


def _revisions(articles: Sequence[ArticlePage]) -> Iterator[Revision]:
    """Yield the revision that each article was published from, and let the article name it."""
    page, own = (ContentType.objects.get_for_model(model) for model in (Page, ArticlePage))
    number = _highest(Revision)
    for article in articles:
        number += 1
        yield Revision(
            pk=number,
            content_type=own,
            base_content_type=page,
            object_id=str(article.pk),
            created_at=article.last_published_at,
            object_str=str(article),
            content=article.serializable_data(),
        )
        article.latest_revision_id = article.live_revision_id = number
        article.latest_revision_created_at = article.last_published_at


def _sections(article: ArticlePage, parts: Iterable[Part]) -> Iterator[Section]:
    for part in parts:
        assert part.block_id is not None  # noqa: S101 - for the types: every block has one
        yield Section(
            page_id=article.pk,
            block_id=part.block_id,
            position=part.position,
            slug=part.slug,
            heading=part.heading,
            title=part.title,
            aspect=part.aspect,
            summary=part.summary,
            text=part.text,
            content_hash=part.content_hash,
            first_published_at=article.first_published_at,
            changed_at=article.last_published_at,
        )


def _cards(articles: Iterable[_Outlined], targets: Iterable[ShareTarget]) -> Iterator[ShareCard]:
    """Yield cards that count as drawn; the pictures themselves are left out."""
    design = card_queries.current_look().design.digest
    faces = {article.pk: shareables.faces_of(article) for article in articles}
    for target in targets:
        face = faces[target.page_id][target.block_id]
        card = ShareCard(
            target=target,
            title=face.title,
            eyebrow=face.eyebrow,
            position=face.position,
            parts=face.parts,
            design=design,
            wanted_at=_NEWEST,
        )
        card.wanted = card.made = card_queries.digest_of(card, design)
        yield card


def _highest(model: type[Model]) -> int:
    number: int | None = model._default_manager.aggregate(highest=Max("pk"))["highest"]
    return number or 0


def _go_on_after_given_ids() -> None:
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Page, Revision]):
            cursor.execute(statement)


def _compare_some() -> None:
    """Let the site bring a few articles' rows to their published state: there must be nothing to do."""
    made = queries.live_articles().filter(first_published_at__lte=_NEWEST).order_by("pk")
    for article in filter(None, (made.first(), made.last())):
        if changes := article.synchronise_sections():
            raise SystemExit(f"The rows of “{article}” are not what publishing makes: {changes}")


# --- What is written -----------------------------------------------------------------------------


def _articles(home: HomePage, begin: int, size: int, number: int) -> list[ArticlePage]:
    last = home.get_last_child()
    path = home._get_path(home.path, home.depth + 1, last._get_lastpos_in_path() if last else 0)
    first_id = _highest(Page)
    own = ContentType.objects.get_for_model(ArticlePage)
    locale = Locale.get_default()
    articles = []
    for at in range(1, size + 1):
        words = _Words(begin + at)
        path = path[: -Page.steplen] + Page._int2str(
            Page._str2int(path[-Page.steplen :]) + 1
        ).rjust(Page.steplen, Page.alphabet[0])
        title = words.title()
        slug = f"{slug_from_heading(title)}-{begin + at}"
        published = _NEWEST - _APART * (number - begin - at)
        articles.append(
            ArticlePage(
                pk=first_id + at,
                path=path,
                depth=home.depth + 1,
                title=title,
                draft_title=title,
                slug=slug,
                url_path=f"{home.url_path}{slug}/",
                content_type=own,
                locale=locale,
                translation_key=words.uuid(),
                live=True,
                first_published_at=published,
                last_published_at=published,
                standfirst=words.sentence(),
                introduction=f"<p>{words.sentences(3)}</p>",
                search_description=words.sentence(),
                body=json.dumps(words.body()),
            )
        )
    return articles


class _Words:
    """A source of words; the same for the same number."""

    def __init__(self, number: int) -> None:
        self._random = random.Random(number)  # noqa: S311 - words, not secrets

    def uuid(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)

    def title(self) -> str:
        topic, other = self._random.sample(_TOPICS, 2)
        return f"{topic.capitalize()} and {other}: {self._random.choice(_HEADINGS).lower()}"

    def sentence(self) -> str:
        choose = self._random.choice
        words = f"{choose(_SUBJECTS)} {choose(_VERBS)} {choose(_OBJECTS)} {choose(_ENDINGS)}."
        return words[0].upper() + words[1:]

    def sentences(self, number: int) -> str:
        return " ".join(self.sentence() for _ in range(number))

    def body(self) -> list[dict[str, Any]]:
        """Return an article of five sections, some 900 words, with free blocks between them."""
        headings = self._random.sample(_HEADINGS, SECTIONS)
        sections = [self._block("section", self._section(heading)) for heading in headings]
        care = {
            "level": "see-doctor-soon",
            "heading": "See a doctor if it does not go away",
            "text": f"<p>{self.sentences(2)}</p>",
        }
        sections.insert(1, self._block("care_card", care))
        return [*sections, self._block("share_call", {"text": "Love it? Why not share?"})]

    def _section(self, heading: str) -> dict[str, Any]:
        text = "".join(f"<p>{self.sentences(4)}</p>" for _ in range(3))
        points = "".join(f"<li>{self.sentence()}</li>" for _ in range(3))
        source = {
            "citation": f"Example Health Service. {self.sentence()} 2026.",
            "url": "https://example.org/source",
            "identifier": "",
        }
        return {
            "heading": heading,
            "slug": slug_from_heading(heading),
            "aspect": self._random.choice(HealthAspect.values),
            "summary": self.sentence(),
            "body": [self._block("text", f"{text}<h3>In short</h3><ul>{points}</ul>")],
            "references": [self._block("item", source)],
        }

    def _block(self, kind: str, value: Any) -> dict[str, Any]:
        return {"type": kind, "id": str(self.uuid()), "value": value}


def _in_parts(rows: Sequence[ArticlePage], size: int) -> Iterator[Sequence[ArticlePage]]:
    return (rows[at : at + size] for at in range(0, len(rows), size))


if __name__ == "__main__":
    logging.disable(logging.INFO)
    build(int(sys.argv[1]))
