"""Real Celery workers, killed while they draw: every card is made in the end, and whole."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings

from articles.models import HomePage
from healthsite.celery import app
from sharing.models import ShareCard
from tests.factories import add_article, section
from tests.sharing.cards.conftest import size_of
from tests.sharing.test_worker_killed import Worker, database, workers

__all__ = ["database", "workers"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ARTICLES = 8
KILLS = 2
# Generous: a busy machine may take its time, a hang may not.
DEADLINE_SECONDS = 200


@pytest.fixture(autouse=True)
def media(settings: Any) -> Iterator[Path]:
    """Return the folder that the workers, processes of their own, write to."""
    settings.MEDIA_ROOT = site_settings.DATA_DIR / "media"
    folder = site_settings.DATA_DIR / "media" / "cards"
    yield folder
    for file in folder.glob("*"):
        file.unlink()


def test_killed_workers_leave_no_card_unmade_and_no_half_file(
    home: HomePage, database: str, workers: list[Worker], media: Path
) -> None:
    for number in range(ARTICLES):
        add_article(home, *[section(f"Part of {n}") for n in range(4)], title=f"T{number}")
    deadline = time.monotonic() + DEADLINE_SECONDS
    for kill in range(KILLS + 1):
        worker = Worker(database)
        workers.append(worker)
        # What a killed worker held would come back later; here it comes back at once.
        ShareCard.objects.update(retry_at=None)
        before = ShareCard.objects.unmade().count()
        while (left := ShareCard.objects.unmade().count()) and (kill == KILLS or left > before - 3):
            assert time.monotonic() < deadline, "no worker draws"
            app.send_task("sharing.make_cards")
            time.sleep(0.2)
        if kill < KILLS:
            worker.kill()
    assert not ShareCard.objects.unmade().exists()
    made = set(ShareCard.objects.values_list("made", flat=True))
    assert len(made) == 5 * ARTICLES
    for digest in made:
        assert size_of((media / f"{digest}.png").read_bytes()) == (1200, 630)
