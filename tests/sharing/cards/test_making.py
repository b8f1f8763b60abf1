"""From publish to picture: what is wanted is made, once, whatever fails in between."""

import io
import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.images.models import Image

from articles.models import ArticlePage, HomePage
from sharing import card_actions, card_files, card_queries, cards
from sharing.card_models import MOST_ATTEMPTS
from sharing.models import CardFile, ShareCard, ShareCardSettings, ShareTarget
from tests.factories import add_article, add_draft, edit, section
from tests.markup import values
from tests.sharing.cards.conftest import size_of

pytestmark = pytest.mark.django_db

CardOf = Callable[..., ShareCard]


def og(client: Client, path: str, name: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    (content,) = values(answer.content.decode(), "meta", "content", property=f"og:{name}")
    return content


def local(url: str) -> str:
    origin = "http://127.0.0.1:8000"
    assert url.startswith(f"{origin}/")
    return url.removeprefix(origin)


def fetched(client: Client, url: str) -> bytes:
    """Return the picture at an absolute address, which must be there."""
    answer = client.get(local(url))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    picture = b"".join(answer)

    return picture


def on_disk(media: Path) -> set[str]:
    return {file.stem for file in media.glob("*.png")}


# Published, made, shown


def test_publish_card_open_graph(home: HomePage, reader: Client, card_of: CardOf) -> None:
    article = add_article(home, section("Why"), section("How"))
    assert "/static/healthsite/card." in og(reader, "/sleep/", "image")
    assert card_actions.make_cards(seconds=60) == 3
    for path, title in (("/sleep/", None), ("/sleep/why/", "Why"), ("/sleep/how/", "How")):
        card = card_of(article, title)
        url = og(reader, path, "image")
        assert card.made in url
        assert (og(reader, path, "image:width"), og(reader, path, "image:height")) == (
            "1200",
            "630",
        )
        assert og(reader, path, "image:type") == "image/png"
        assert (title or "Sleep") in og(reader, path, "image:alt")
        assert size_of(fetched(reader, url)) == (1200, 630)


def test_only_cards_are_cached_for_ever(home: HomePage, reader: Client, media: Path) -> None:
    media.mkdir(parents=True)
    for name in ("other.png", f"{'a' * 63}.png", f"{'A' * 64}.png"):
        (media / name).write_bytes(b"x")
        answer = reader.get(f"/media/cards/{name}")
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        b"".join(answer)
    missing = reader.get(f"/media/cards/{'0' * 64}.png")
    assert missing.status_code == 404
    assert "immutable" not in missing.headers.get("Cache-Control", "")


def test_what_is_made_is_not_drawn_again(
    home: HomePage, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    article = add_article(home)
    card_actions.make_cards(seconds=60)
    before = on_disk(media)

    def never(content: object) -> bytes:
        raise AssertionError("drawn again")

    monkeypatch.setattr(cards, "draw", never)
    edit(article, standfirst="Other words, the same titles.")
    assert not ShareCard.objects.unmade().exists()
    assert card_actions.make_cards(seconds=60) == 0
    assert on_disk(media) == before


def test_two_articles_of_one_title_share_a_file(
    home: HomePage, media: Path, card_of: CardOf
) -> None:
    one = add_article(home, section("Why"), slug="one")
    other = add_article(home, section("Why"), slug="other")
    assert card_actions.make_cards(seconds=60) == 4
    assert card_of(one).made == card_of(other).made
    assert len(on_disk(media)) == 2


def test_a_new_title_gets_a_new_card_and_keeps_the_old_one_until_then(
    home: HomePage, reader: Client, card_of: CardOf
) -> None:
    why, how = section("Why"), section("How")
    article = add_article(home, why, how)
    card_actions.make_cards(seconds=60)
    before = og(reader, "/sleep/why/", "image")
    why["value"]["heading"], why["value"]["slug"] = "Why not", "why"
    edit(article, why, how)
    assert og(reader, "/sleep/why/", "image") == before
    assert card_actions.make_cards(seconds=60) == 1, "the neighbours' cards say the same as before"
    after = og(reader, "/sleep/why/", "image")
    assert after != before
    assert fetched(reader, after) != fetched(reader, before), "networks keep the old address"


def test_a_new_title_of_the_article_is_on_its_sections_cards_too(
    home: HomePage, card_of: CardOf
) -> None:
    article = add_article(home, section("Why"))
    card_actions.make_cards(seconds=60)
    article = edit(article, title="Sleeping")
    assert card_of(article, "Why").eyebrow == "Sleeping"
    assert card_actions.make_cards(seconds=60) == 2


def test_a_draft_gets_no_card(home: HomePage, reader: Client) -> None:
    article = add_article(home)
    card_actions.make_cards(seconds=60)
    add_draft(home, title="Unfinished")
    edit(article, title="Only a draft", publish=False)
    assert not ShareCard.objects.unmade().exists()
    assert "Only a draft" not in set(ShareCard.objects.values_list("title", flat=True))


def test_an_unpublished_article_comes_back_with_its_card(home: HomePage, reader: Client) -> None:
    article = add_article(home)
    card_actions.make_cards(seconds=60)
    shown = og(reader, "/sleep/", "image")
    article.unpublish()
    assert reader.get("/sleep/").status_code == 404
    edit(article)
    assert og(reader, "/sleep/", "image") == shown
    assert card_actions.make_cards(seconds=60) == 0


@pytest.mark.parametrize(
    "title", ["睡眠", "Sleep 😴 well", "x" * 255, "أسباب الأرق", "Sl\u202eeep"]
)
def test_any_title_gets_a_card(title: str, home: HomePage, reader: Client) -> None:
    add_article(home, section(title[:150]), title=title, slug="any")
    assert card_actions.make_cards(seconds=60) == 2
    url = og(reader, "/any/", "image")
    assert size_of(fetched(reader, url)) == (1200, 630)
    assert title in og(reader, "/any/", "image:alt")


def test_a_section_without_a_heading_is_part_n(home: HomePage, card_of: CardOf) -> None:
    article = add_article(home, section(""), section("How"))
    card = card_of(article, "Part 1")
    assert (card.eyebrow, card.position, card.parts) == ("Sleep", 1, 2)


def test_a_publish_writes_its_wishes_in_as_many_statements_for_twenty_sections_as_for_one(
    home: HomePage,
) -> None:
    measured = []
    for number in (1, 20):
        article = add_article(home, *[section(f"N {n}") for n in range(number)], title=f"T{number}")
        faces = {None: cards.Face("New"), **{
            target.block_id: cards.Face(f"New {target.pk}", "New", 1, number)
            for target in ShareTarget.objects.filter(page_id=article.pk, block_id__isnull=False)
        }}  # fmt: skip
        with CaptureQueriesContext(connection) as captured:
            card_actions.want_cards(page_id=article.pk, faces=faces)
        measured.append([query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]])
        assert ShareCard.objects.filter(title__startswith="New").count() == number + 1
        ShareCard.objects.all().delete()
    assert len(measured[0]) == len(measured[1]) == 3, "\n".join(measured[1])


@pytest.mark.parametrize("path", ["/sleep/", "/sleep/why/"])
def test_a_page_asks_once_for_its_card(path: str, home: HomePage, reader: Client) -> None:
    add_article(home, section("Why"), section("How"))
    card_actions.make_cards(seconds=60)
    with CaptureQueriesContext(connection) as captured:
        reader.get(path)
    asked = [query["sql"] for query in captured if "sharecard" in query["sql"]]
    assert len(asked) == 1, "\n".join(asked)


def test_the_api_tells_where_cards_are(home: HomePage, reader: Client) -> None:
    article = add_article(home, section("Why"))
    address = f"/api/v1/articles/{article.slug}/"
    before = reader.get(address).json()
    assert before["card_url"] is None
    assert before["sections"][0]["card_url"] is None
    card_actions.make_cards(seconds=60)
    after = reader.get(address).json()
    assert after["card_url"] == og(reader, "/sleep/", "image")
    (part,) = after["sections"]
    assert part["card_url"] == og(reader, "/sleep/why/", "image")
    assert reader.get(f"/api/v1/sections/{part['id']}/").json()["card_url"] == part["card_url"]
    schema = reader.get("/api/v1/schema/?format=json").json()["components"]["schemas"]
    for name in ("SharedArticle", "SharedSection"):
        assert schema[name]["properties"]["card_url"]["nullable"]


# The look


def look(**fields: Any) -> None:
    ShareCardSettings.objects.update_or_create(pk=1, defaults=fields)


def logo(fill: str = "#a3121f") -> Image:
    """Return a picture in Wagtail's library."""
    from PIL import Image as Pillow  # noqa: PLC0415 - its name is Wagtail's too

    written = io.BytesIO()
    Pillow.new("RGB", (300, 100), fill).save(written, "PNG")
    from django.core.files.base import ContentFile  # noqa: PLC0415

    image: Image = Image.objects.create(
        title="Logo", file=ContentFile(written.getvalue(), "logo.png")
    )
    return image


def test_another_colour_makes_all_cards_anew_and_none_vanishes(
    home: HomePage, reader: Client, media: Path
) -> None:
    for number in range(4):
        add_article(home, section("Why"), title=f"T{number}")
    card_actions.make_cards(seconds=60)
    before = og(reader, "/t0/", "image")
    look(accent="#5b3a8c")
    assert card_queries.progress() == card_queries.Progress(cards=8, waiting=8, failed=0)
    assert og(reader, "/t0/", "image") == before
    assert card_actions.make_cards(seconds=60) == 8
    assert card_queries.progress() == card_queries.Progress(cards=8, waiting=0, failed=0)
    assert og(reader, "/t0/", "image") != before
    look(accent="#005e5a")
    assert card_actions.make_cards(seconds=60) == 8
    assert og(reader, "/t0/", "image") == before, "the files are still there"


def test_looks_are_taken_on_in_batches(home: HomePage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_actions, "CARDS_A_BATCH", 3)
    for number in range(4):
        add_article(home, section("Why"), title=f"T{number}")
    card_actions.make_cards(seconds=60)
    look(accent="#5b3a8c")
    assert [card_actions.make_cards(seconds=60) for _ in range(4)] == [3, 3, 2, 0]


def test_a_logo_and_its_replacement_make_new_cards(home: HomePage, card_of: CardOf) -> None:
    article = add_article(home)
    card_actions.make_cards(seconds=60)
    made = [card_of(article).made]
    image = logo()
    look(logo=image)
    card_actions.make_cards(seconds=60)
    made.append(card_of(article).made)
    image.file = logo("#123456").file
    image._set_image_file_metadata()
    image.file.close()
    image.save()
    card_actions.make_cards(seconds=60)
    made.append(card_of(article).made)
    image.delete()
    card_actions.make_cards(seconds=60)
    made.append(card_of(article).made)
    assert len(set(made)) == 3
    assert made[3] == made[0], "without the logo the card is as it was"


def test_a_logo_whose_file_is_gone_gives_the_mark_and_a_line_in_the_log(
    home: HomePage, card_of: CardOf, caplog: pytest.LogCaptureFixture
) -> None:
    image = logo()
    image.file.storage.delete(image.file.name)
    look(logo=image)
    article = add_article(home)
    assert card_actions.make_cards(seconds=60) == 3
    assert card_of(article).made
    assert "the file of the logo is missing" in caplog.text


def test_a_look_chosen_while_cards_are_drawn_wins(
    home: HomePage, card_of: CardOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    article = add_article(home, section("Why"))
    plain = cards.draw

    def and_meanwhile(content: cards.CardContent) -> bytes:
        look(accent="#5b3a8c")
        ShareCard.objects.update(design="")  # as another worker's sweep would change the rows
        return plain(content)

    monkeypatch.setattr(cards, "draw", and_meanwhile)
    card_actions.make_cards(seconds=60)
    monkeypatch.setattr(cards, "draw", plain)
    card_actions.make_cards(seconds=60)
    wanted = cards.Design("Healthsite", "#5b3a8c").digest
    assert {card.design for card in ShareCard.objects.all()} == {wanted}
    assert not ShareCard.objects.unmade().exists()
    assert card_of(article).attempts == 0


# What fails


def test_a_card_that_cannot_be_drawn_is_tried_a_few_times_and_keeps_no_other(
    home: HomePage,
    reader: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    add_article(home, title="Poison", slug="poison")
    add_article(home, title="Sleep")
    plain = cards.draw

    def poisoned(content: cards.CardContent) -> bytes:
        if content.face.title == "Poison":
            raise ValueError("it tastes bitter")
        return plain(content)

    monkeypatch.setattr(cards, "draw", poisoned)
    assert card_actions.make_cards(seconds=60) == 5
    assert "Poison" in caplog.text
    poison = ShareCard.objects.get(title="Poison")
    assert (poison.attempts, poison.error) == (1, "ValueError: it tastes bitter")
    assert poison.retry_at is not None
    assert poison.retry_at > timezone.now()
    card_actions.make_cards(seconds=60)
    assert ShareCard.objects.get(title="Poison").attempts == 1, "not before its time"
    for _ in range(9):
        ShareCard.objects.update(retry_at=None)
        card_actions.make_cards(seconds=60)
    poison.refresh_from_db()
    assert poison.attempts == MOST_ATTEMPTS
    assert card_queries.has_failed(poison)
    assert card_queries.progress().failed == 1
    assert "/static/healthsite/card." in og(reader, "/poison/", "image")
    monkeypatch.setattr(cards, "draw", plain)
    assert card_actions.make_cards(seconds=60) == 0
    edit(ArticlePage.objects.get(slug="poison"), title="Remedy")
    assert card_actions.make_cards(seconds=60) == 3, "another publish tries again"
    assert card_queries.progress().failed == 0


def test_a_worker_that_ends_in_the_middle_loses_nothing(
    home: HomePage, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_article(home)
    plain = cards.draw

    def killed(content: cards.CardContent) -> bytes:
        raise SystemExit

    monkeypatch.setattr(cards, "draw", killed)
    with pytest.raises(SystemExit):
        card_actions.make_cards(seconds=60)
    monkeypatch.setattr(cards, "draw", plain)
    assert ShareCard.objects.unmade().count() == 3
    assert card_actions.make_cards(seconds=60) == 2, "the card that it held comes back later"
    later = timezone.now() + card_actions.BACK_OFF[0] + timedelta(seconds=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert card_actions.make_cards(seconds=60) == 1
    assert len(on_disk(media)) == 3


def test_a_full_disk_is_no_cards_fault(
    home: HomePage, media: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    add_article(home)
    real = os.fsync

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    for _ in range(2 * MOST_ATTEMPTS):
        assert card_actions.make_cards(seconds=60) == 0
    assert "cards cannot be stored" in caplog.text
    assert set(ShareCard.objects.values_list("attempts", "made")) == {(0, "")}
    assert list(media.iterdir()) == [], "nothing half-written stays"
    monkeypatch.setattr("os.fsync", real)
    assert card_actions.make_cards(seconds=60) == 3


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_draw_each_card_once(
    home: HomePage, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        add_article(home, section("Why"), section("How"), title=f"T{number}")
    drawn: list[str] = []
    plain, together = cards.draw, threading.Barrier(3)

    def noted(content: cards.CardContent) -> bytes:
        drawn.append(f"{content.face.title} {content.face.eyebrow}")
        return plain(content)

    def sweep() -> None:
        try:
            together.wait()
            card_actions.make_cards(seconds=60)
        finally:
            connection.close()

    monkeypatch.setattr(cards, "draw", noted)
    sweeps = [threading.Thread(target=sweep) for _ in range(3)]
    for thread in sweeps:
        thread.start()
    for thread in sweeps:
        thread.join()
    assert len(drawn) == len(set(drawn)) == 12
    assert not ShareCard.objects.unmade().exists()
    assert len(on_disk(media)) == 12


# Tidying


def later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    moment = timezone.now() + timedelta(days=days)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


def test_a_card_stays_a_month_after_its_last_use(
    home: HomePage, media: Path, monkeypatch: pytest.MonkeyPatch, card_of: CardOf
) -> None:
    article = add_article(home)
    card_actions.make_cards(seconds=60)
    old = card_of(article).made
    later(monkeypatch, 400)
    assert card_actions.tidy_cards() == 0, "in use, however old"
    edit(article, title="Sleeping")
    card_actions.make_cards(seconds=60)
    for days, removed in ((401, 0), (420, 0), (432, 3), (433, 0)):
        monkeypatch.undo()
        later(monkeypatch, days)
        assert card_actions.tidy_cards() == removed, days
    assert old not in on_disk(media)
    assert on_disk(media) == set(ShareCard.objects.values_list("made", flat=True))
    assert CardFile.objects.count() == 3


def test_a_card_in_use_again_is_kept(
    home: HomePage, media: Path, monkeypatch: pytest.MonkeyPatch, card_of: CardOf
) -> None:
    article = add_article(home)
    card_actions.make_cards(seconds=60)
    old = card_of(article).made
    edit(article, title="Sleeping")
    card_actions.make_cards(seconds=60)
    card_actions.tidy_cards()
    edit(article, title="Sleep")
    card_actions.tidy_cards()
    later(monkeypatch, 60)
    card_actions.tidy_cards()
    assert old in on_disk(media)


def test_a_lost_file_is_never_shown_for_long_and_made_anew(
    home: HomePage, reader: Client, media: Path
) -> None:
    add_article(home)
    card_actions.make_cards(seconds=60)
    shown = og(reader, "/sleep/", "image")
    for file in media.iterdir():
        file.unlink()
    card_actions.tidy_cards()
    assert "/static/healthsite/card." in og(reader, "/sleep/", "image")
    assert card_actions.make_cards(seconds=60) == 3
    assert og(reader, "/sleep/", "image") == shown
    assert size_of(fetched(reader, shown)) == (1200, 630)


def test_the_cards_of_what_is_long_gone_are_forgotten(
    home: HomePage, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    why, how = section("Why"), section("How")
    article = add_article(home, why, how)
    gone = add_article(home, section("Why"), title="Gone")
    card_actions.make_cards(seconds=60)
    edit(article, why)
    gone.delete()
    card_actions.tidy_cards()
    assert ShareCard.objects.count() == 5, "they may come back soon"
    later(monkeypatch, 31)
    card_actions.tidy_cards()
    assert set(ShareCard.objects.values_list("title", flat=True)) == {"Sleep", "Why"}
    assert ShareTarget.objects.count() == 5, "targets and their counts stay"
    later(monkeypatch, 62)
    card_actions.make_cards(seconds=60)
    card_actions.tidy_cards()
    assert on_disk(media) >= set(ShareCard.objects.values_list("made", flat=True))


def test_files_that_a_killed_worker_left_are_cleared_away(
    home: HomePage, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_article(home)
    card_actions.make_cards(seconds=60)
    (media / ".unfinished-abc").write_bytes(b"half")
    orphan = "f" * 64
    card_files.write(orphan, b"written, and then killed before the row said so")
    later(monkeypatch, 0)
    card_actions.tidy_cards()
    assert (media / ".unfinished-abc").exists(), "somebody may be writing it"
    later(monkeypatch, 31)
    card_actions.tidy_cards()
    assert not (media / ".unfinished-abc").exists()
    later(monkeypatch, 63)
    card_actions.tidy_cards()
    assert orphan not in on_disk(media)


# Operators


def test_the_command_makes_everything_and_says_how_far_it_is(
    home: HomePage, media: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_article(home)
    call_command("make_cards")
    assert "3 cards: 3 drawn now, 0 waiting." in capsys.readouterr().out
    call_command("make_cards")
    assert "3 cards: 0 drawn now, 0 waiting." in capsys.readouterr().out
    next(media.iterdir()).unlink()
    call_command("make_cards", "--all")
    assert "3 cards: 1 drawn now, 0 waiting." in capsys.readouterr().out
    ShareCard.objects.all().delete()
    call_command("make_cards", "--all")
    assert "3 cards: 3 drawn now, 0 waiting." in capsys.readouterr().out, "none of them had a card"
    assert len(on_disk(media)) == 3


def test_the_command_names_what_fails_and_ends(
    home: HomePage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(content: object) -> bytes:
        raise ValueError("no ink")

    monkeypatch.setattr(cards, "draw", broken)
    add_article(home, section("Why"))
    ShareCard.objects.update(attempts=MOST_ATTEMPTS)
    call_command("make_cards")
    said = capsys.readouterr().out
    assert "2 cards: 0 drawn now, 2 waiting." in said
    assert "to be tried again: Sleep: ValueError: no ink" in said


@pytest.mark.django_db(transaction=True)
def test_what_was_published_before_there_were_cards_gets_them(home: HomePage) -> None:
    add_article(home, section("Why"))
    gone = ShareTarget.objects.create(page_id=10**9, label="Long gone")
    executor = MigrationExecutor(connection)
    executor.migrate([("healthsite", "0001_roles"), ("sharing", "0001_initial")])
    executor.loader.build_graph()
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert card_actions.make_cards(seconds=60) == 2
    assert set(ShareCard.objects.values_list("title", "eyebrow", "parts")) == {
        ("Sleep", "", 0),
        ("Why", "Sleep", 1),
    }
    assert ShareTarget.objects.filter(pk=gone.pk).exists()
