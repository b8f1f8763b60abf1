"""What is published, changed or taken away is what both web processes of a host answer from then on."""

import os
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.images import ImageFile
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from wagtail.images.models import Image
from wagtail.models import Page

from articles import tasks
from articles.models import ArticlePage, HomePage
from sharing import card_actions
from sharing.models import ShareCard, ShareCardSettings
from sharing.networks import NETWORKS
from sharing.share_settings import ShareSettings
from tests.delivery.conftest import Host, empty_the_valkeys, new_article
from tests.delivery.web_process import WebProcess, eventually
from tests.factories import edit, renditions_are_made, section
from tests.services import cache_server
from tests.site.pictures import encoded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

LOAD = 15  # publishes


def addresses_of(article: ArticlePage) -> list[str]:
    """Return every address that shows an article's own words."""
    path = article.url
    return [
        path,
        f"{path}why/",
        f"{path}how/",
        f"{path}print/",
        f"/api/v1/articles/{article.slug}/",
    ]


def keeping_sections(article: ArticlePage, *texts: str, slug: str = "why") -> list[dict[str, Any]]:
    """Return the article's two sections with these texts; the first one's slug may change."""
    blocks = list(article.body)
    return [
        section("Why", texts[0], slug=slug, id=blocks[0].id),
        section("How", texts[-1], slug="how", id=blocks[1].id),
    ]


# --- Words ---


def test_an_edit_is_seen_wherever_the_article_is_shown(host: Host, article: ArticlePage) -> None:
    lists = ["/", "/api/v1/articles/"]
    host.warm(*addresses_of(article), *lists)
    words = f"Second words {uuid4().hex}"
    edit(article, *keeping_sections(article, words), title=words)
    for path in addresses_of(article):
        host.shows(path, words, not_words="First words")
    for path in lists:
        host.shows(path, words)


def test_what_is_saved_as_a_draft_is_not_seen(host: Host, article: ArticlePage) -> None:
    host.warm(article.url)
    edit(article, title="A secret draft", publish=False)
    host.shows(article.url, "First words", not_words="A secret draft")


def test_other_articles_stay_in_memory(host: Host, article: ArticlePage, home: HomePage) -> None:
    other = new_article(home, "Other words")
    host.warm(article.url, other.url)
    entered = [len(process.entered(other.url)) for process in host.processes]
    edit(article, title="Second words")
    host.shows(other.url, "Other words")
    assert [len(process.entered(other.url)) for process in host.processes] == entered


def test_publish_edit_publish_in_one_breath(host: Host, article: ArticlePage) -> None:
    for number in range(10):
        edit(article, title=f"Edition {number}.")
        host.shows(article.url, f"Edition {number}.", not_words=f"Edition {number - 1}.")


def test_a_revert_is_seen(host: Host, article: ArticlePage) -> None:
    first = article.latest_revision
    edit(article, title="A mistake")
    host.warm(article.url, "/")
    assert first is not None
    first.publish()
    for path in (article.url, "/"):
        host.shows(path, "First words")
    host.shows(article.url, "First words", not_words="A mistake")


def test_a_publish_that_is_rolled_back_changes_nothing(host: Host, article: ArticlePage) -> None:
    host.warm(article.url)
    entered = [len(process.entered(article.url)) for process in host.processes]
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        edit(article, title="Never said")
        host.shows(article.url, "First words", not_words="Never said")
        raise ZeroDivisionError
    host.shows(article.url, "First words", not_words="Never said")
    assert [len(process.entered(article.url)) for process in host.processes] == entered


def test_an_import_that_is_published_is_listed_at_once(
    host: Host, home: HomePage, tmp_path: Path
) -> None:
    host.warm("/", "/api/v1/articles/")
    slug = f"imported-{uuid4().hex[:8]}"
    host.says(f"/{slug}/", 404)
    file = tmp_path / "article.md"
    file.write_text(f"# Imported {slug}\n\nAn introduction.\n\n## Why\n\nBecause.\n")
    call_command("import_article", str(file), slug=slug, publish=True, verbosity=0)
    host.shows(f"/{slug}/", f"Imported {slug}")
    for path in ("/", "/api/v1/articles/"):
        host.shows(path, f"Imported {slug}")
    host.shows(f"/{slug}/why/", "Because")


def test_older_lists_follow(host: Host, home: HomePage) -> None:
    new_article(home, "An older one")
    newer = new_article(home, "A newer one")
    path = f"/?after={newer.list_key}"
    host.warm(path)
    host.shows(path, "An older one")
    older = ArticlePage.objects.get(title="An older one")
    edit(older, title="The same one, renamed")
    host.shows(path, "The same one, renamed", not_words="An older one")


# --- Taken away ---


def test_an_unpublished_article_is_gone_at_once_and_comes_back(
    host: Host, article: ArticlePage
) -> None:
    host.warm(*addresses_of(article), "/")
    article.unpublish()
    for path in addresses_of(article):
        host.says(path, 404, 410)
    for answer in host.ask("/"):
        assert article.url not in answer
    revision = article.latest_revision
    assert revision is not None
    revision.publish()
    for path in addresses_of(article):
        host.shows(path, "First words")
    host.shows("/", article.url)


def test_a_removed_section_is_gone_at_once(host: Host, article: ArticlePage) -> None:
    section_path = f"{article.url}how/"
    host.warm(article.url, section_path)
    edit(article, keeping_sections(article, "Still here")[0])
    host.says(section_path, 410)
    host.shows(article.url, "Still here", not_words=section_path)


def test_a_deleted_article_is_gone_at_once(host: Host, article: ArticlePage) -> None:
    paths = addresses_of(article)
    host.warm(*paths, "/")
    address = article.url
    article.delete()
    for path in paths:
        host.says(path, 404, 410)
    for answer in host.ask("/"):
        assert address not in answer


def test_a_deleted_article_is_gone_where_a_plain_page_is_deleted(
    host: Host, article: ArticlePage
) -> None:
    host.warm(article.url)
    Page.objects.get(pk=article.pk).delete()
    host.says(article.url, 404, 410)


def test_an_article_goes_live_and_expires_when_its_time_has_come(
    host: Host, article: ArticlePage
) -> None:
    host.warm(article.url, "/")
    draft = article.get_latest_revision_as_object()
    draft.title, draft.go_live_at = "Scheduled words", timezone.now() + timedelta(seconds=1)
    draft.save_revision().publish()
    tasks.publish_scheduled()
    host.shows(article.url, "First words", not_words="Scheduled words")
    eventually(lambda: timezone.now() > draft.go_live_at, "the time has come")
    tasks.publish_scheduled()
    for path in (article.url, "/"):
        host.shows(path, "Scheduled words")

    ArticlePage.objects.filter(pk=article.pk).update(
        expire_at=timezone.now() - timedelta(seconds=1)
    )
    tasks.publish_scheduled()
    for path in addresses_of(article):
        host.says(path, 404, 410)
    for answer in host.ask("/"):
        assert article.url not in answer


# --- Addresses ---


def test_an_article_with_a_new_slug_is_found_at_both_addresses(
    host: Host, article: ArticlePage
) -> None:
    old, old_slug = article.url, article.slug
    host.warm(old, f"{old}why/", "/")
    new = f"/b-{uuid4().hex[:8]}/"
    edit(article, slug=new.strip("/"))
    for path in (old, f"{old}why/"):
        for answer in host.says(path, 301):
            assert new in answer.headers["location"]
    host.shows(new, "First words", not_words=old)
    host.shows("/", new, not_words=old)
    host.says(f"/api/v1/articles/{old_slug}/", 404)


def test_a_section_with_a_new_slug_is_found_at_both_addresses(
    host: Host, article: ArticlePage
) -> None:
    old, new = f"{article.url}why/", f"{article.url}wherefore/"
    host.warm(article.url, old, f"{article.url}how/")
    edit(article, *keeping_sections(article, "Words", slug="wherefore"))
    for answer in host.says(old, 301):
        assert answer.headers["location"].endswith(new)
    host.shows(new, "Words")
    host.shows(article.url, new, not_words=old)
    host.shows(f"{article.url}how/", new, not_words=old)


def test_a_moved_article_and_a_renamed_parent_are_followed(
    host: Host, article: ArticlePage, home: HomePage
) -> None:
    home.refresh_from_db()
    folder = HomePage(title="Elsewhere", slug=f"elsewhere-{uuid4().hex[:8]}")
    home.add_child(instance=folder)
    old = article.url
    host.warm(old, f"{old}why/", "/")
    article.move(folder, pos="last-child")
    moved = ArticlePage.objects.get(pk=article.pk).url
    assert moved != old
    for path in (old, f"{old}why/"):
        host.says(path, 301, 404, 410)
    host.warm(moved, f"{moved}why/", "/")

    folder = HomePage.objects.get(pk=folder.pk)
    folder.slug = f"renamed-{uuid4().hex[:8]}"
    folder.save_revision().publish()
    renamed = ArticlePage.objects.get(pk=article.pk).url
    assert renamed != moved
    host.says(moved, 301, 404, 410)
    host.says(f"{moved}why/", 301, 404, 410)
    host.shows(renamed, "First words", not_words=moved)
    host.shows("/", renamed, not_words=moved)
    # With the folder goes what lies in it.
    HomePage.objects.get(pk=folder.pk).delete()
    for path in (renamed, f"{renamed}why/"):
        host.says(path, 404, 410)
    for answer in host.ask("/"):
        assert renamed not in answer


def test_a_renamed_front_page_is_seen_on_every_page(
    host: Host, article: ArticlePage, home: HomePage
) -> None:
    host.warm("/", article.url, f"{article.url}why/")
    home = HomePage.objects.get(pk=home.pk)
    home.title, home.slug = "Renamed by its editors", f"home-{uuid4().hex[:8]}"
    home.introduction = "In new words."
    home.save_revision().publish()
    host.shows("/", "In new words.", not_words="In plain words.")
    host.shows("/", "Renamed by its editors")
    host.shows(article.url, "First words")
    host.shows(f"{article.url}why/", "First words")


# --- Pictures, cards, settings ---


@pytest.fixture
def picture() -> Iterator[Image]:
    """Return a picture of the library."""
    with renditions_are_made():
        file = ImageFile(BytesIO(encoded()), name=f"{uuid4().hex}.png")
        image: Image = Image.objects.create(title="A bed in a room", file=file)
    yield image


def illustrated(home: HomePage, picture: Image) -> ArticlePage:
    """Publish an article with this picture in it."""
    value = {"image": picture.pk, "alt_text": "A bed", "decorative": False}
    image = {"type": "image", "value": {"image": value, "caption": "A bed."}}
    article = new_article(home)
    return edit(article, section("Why", body=[image], slug="why"), section("How", slug="how"))


def test_a_picture_with_a_new_file_is_shown(host: Host, home: HomePage, picture: Image) -> None:
    article = illustrated(home, picture)
    host.warm(article.url, f"{article.url}why/")
    before = os.path.basename(picture.file.name).removesuffix(".png")
    host.shows(article.url, before)
    with renditions_are_made():
        picture.file = ImageFile(BytesIO(encoded()), name=f"new-{uuid4().hex}.png")
        picture.save()
        # Wagtail's form deletes the copies after the save: what a reader asked for in between is old.
        host.warm(article.url, f"{article.url}why/")
        picture.renditions.all().delete()
    after = os.path.basename(picture.file.name).removesuffix(".png")
    for path in (article.url, f"{article.url}why/"):
        host.shows(path, after, not_words=before)


def test_a_deleted_picture_is_no_longer_shown(host: Host, home: HomePage, picture: Image) -> None:
    article = illustrated(home, picture)
    host.warm(article.url, f"{article.url}why/")
    name = os.path.basename(picture.file.name).removesuffix(".png")
    picture.delete()
    for path in (article.url, f"{article.url}why/"):
        host.shows(path, "First words", not_words=name)


def test_a_card_that_was_made_is_named_by_its_pages(host: Host, article: ArticlePage) -> None:
    host.warm(article.url, f"{article.url}why/")
    with renditions_are_made():
        card_actions.make_cards(seconds=30)
    cards = ShareCard.objects.filter(target__page_id=article.pk).exclude(made="")
    made = {card.target.block_id is None: card.made for card in cards.select_related("target")}
    host.shows(article.url, made[True])
    for answer in host.ask(f"{article.url}why/"):
        assert any(card.made in answer for card in cards if card.target.block_id)


def test_cards_of_another_look_are_named_once_they_are_made(
    host: Host, article: ArticlePage
) -> None:
    with renditions_are_made():
        card_actions.make_cards(seconds=30)
    host.warm(article.url)
    settings = ShareCardSettings.load()
    settings.accent = "#123456"
    settings.save()
    with renditions_are_made():
        while card_actions.make_cards(seconds=30):
            pass
    card = ShareCard.objects.get(target__page_id=article.pk, target__block_id=None)
    host.shows(article.url, card.made)


def test_share_settings_are_seen_on_every_page(host: Host, article: ArticlePage) -> None:
    paths = [article.url, f"{article.url}why/"]
    settings = ShareSettings.load()
    host.warm(*paths)
    settings.networks = [
        {"slug": each.slug, "shown": True, "label": "A name of ours" if not number else ""}
        for number, each in enumerate(NETWORKS)
    ]
    settings.save()
    for path in paths:
        host.shows(path, "A name of ours")
    settings.networks = []
    settings.save()
    for path in paths:
        for answer in host.ask(path):
            assert "A name of ours" not in answer


# --- Load, crashes, other hosts ---


def test_no_reader_gets_older_words_than_were_published_when_he_asked(
    host: Host, article: ArticlePage
) -> None:
    path = article.url
    host.warm(path)
    published = 0
    is_over = threading.Event()
    stale: list[tuple[str, int, int]] = []
    statuses: set[int] = set()
    read = [0]

    def reads(process: WebProcess) -> None:
        while not is_over.is_set():
            known = published
            answer = process.ask(path)
            statuses.add(answer.status)
            shown = int(answer.text.partition("Edition no. ")[2].partition(".")[0] or 0)
            if shown < known:
                stale.append((process.name, shown, known))
            read[0] += 1

    readers = [
        threading.Thread(target=reads, args=(process,), daemon=True)
        for process in host.processes * 2
    ]
    for reader in readers:
        reader.start()
    try:
        for number in range(1, LOAD + 1):
            edit(article, title=f"Edition no. {number}.")
            published = number
    finally:
        is_over.set()
        for reader in readers:
            reader.join()
    assert not stale
    assert statuses == {200}
    assert read[0] > LOAD
    host.shows(path, f"Edition no. {LOAD}.")


@pytest.fixture(scope="module")
def far_host(
    django_db_setup: None, _valkeys: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    """Return a web process of another host: it hears of changes on the cache server alone."""
    folder = tmp_path_factory.mktemp("far")
    process = WebProcess(folder, "far", FRESHNESS_FILE=str(folder / "freshness"))
    try:
        process.wait()
        yield Host(process)
    finally:
        process.stop()


@pytest.fixture(scope="module")
def sweeping_host(
    django_db_setup: None, _valkeys: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    """Return a web process of a third host, which reads the rows of changes all the time."""
    folder = tmp_path_factory.mktemp("sweeping")
    file = str(folder / "freshness")
    process = WebProcess(folder, "sweeping", sweep_every=0.2, FRESHNESS_FILE=file)
    try:
        process.wait()
        yield Host(process)
    finally:
        process.stop()


def shown(host: Host, path: str, words: str) -> Callable[[], bool]:
    """Return what tells whether each process shows these words."""
    return lambda: all(words in answer for answer in host.ask(path))


def test_another_host_hears_of_a_change(far_host: Host, article: ArticlePage) -> None:
    far_host.warm(article.url, "/")
    edit(article, title="Second words, far away")
    for path in (article.url, "/"):
        eventually(shown(far_host, path, "Second words, far away"), "it was told")
    article.unpublish()
    (process,) = far_host.processes
    eventually(lambda: process.ask(article.url).status == 404, "it was told")


def test_another_host_reads_of_a_change_while_the_cache_server_is_dead(
    sweeping_host: Host, article: ArticlePage
) -> None:
    sweeping_host.warm(article.url)
    cache_server.kill()
    try:
        edit(article, title="Second words in the dark")
        eventually(shown(sweeping_host, article.url, "Second words in the dark"), "it has read it")
    finally:
        empty_the_valkeys()


def test_a_crash_between_commit_and_telling_is_made_good_by_the_rows(
    sweeping_host: Host, host: Host, article: ArticlePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeping_host.warm(article.url)
    host.warm(article.url)
    with monkeypatch.context() as crashed:
        crashed.setattr("articles.freshness.changes._Committed.__call__", lambda self: None)
        edit(article, title="Second words after a crash")
    host.shows(article.url, "First words")
    eventually(shown(sweeping_host, article.url, "Second words after a crash"), "it has read it")
