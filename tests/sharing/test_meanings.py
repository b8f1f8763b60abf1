"""What readers are told beside a number: its classes, their sources, and its age."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from sharing import actions, meanings
from sharing.models import ShareClass, ShareCount, ShareTarget
from tests.sharing.conftest import Shared

pytestmark = pytest.mark.django_db

SCRIPT = Path(meanings.__file__).parent / "static" / "sharing" / "share.js"


def page(client: Client, code: str) -> str:
    answer = client.get(f"/share/{code}/")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def add(shared: Shared, share_class: str, count: int) -> None:
    target = ShareTarget.objects.get(code=shared.code)
    ShareCount.objects.create(
        target=target, channel="x", share_class=share_class, day="2026-11-01", count=count
    )


def test_the_script_and_the_page_say_the_same() -> None:
    script = SCRIPT.read_text()
    for each in meanings.meanings(dict.fromkeys(ShareClass.values, 1)):
        assert f'["{each.name}", "{each.words}", "{each.source}"]' in script


def test_the_page_tells_each_class_its_source_and_its_age(shared: Shared, reader: Client) -> None:
    add(shared, "intent", 1_234_567)
    add(shared, "arrival", 2)
    actions.drain()
    text = page(reader, shared.code)
    assert "Shared 1,234,567 times" in text
    assert "<dt>Intents: 1,234,567</dt>" in text
    assert "<dt>Handed over: 0</dt>" in text
    assert "<dt>Arrivals: 2</dt>" in text
    assert text.count("Counted by our") == 2
    assert re.search(r"Counted by this site up to <time[^>]+>[^<]+</time>, (just now|\d+ \w+ ago)\.", text)  # fmt: skip
    assert 'href="/privacy/"' in text
    assert "Observed" not in text
    assert "Mentions" not in text


def test_what_a_network_told_is_shown_once_there_is_something(
    shared: Shared, reader: Client
) -> None:
    add(shared, "observed", 8)
    text = page(reader, shared.code)
    assert "<dt>Observed: 8</dt>" in text
    assert "Mentions" not in text
    assert "Not shared from this site yet" in text, "observed shares are none of ours"


def test_below_the_threshold_no_class_is_told(
    shared: Shared, reader: Client, settings: Any
) -> None:
    settings.SHARE_COUNT_MIN = 5
    add(shared, "intent", 4)
    add(shared, "arrival", 900)
    text = page(reader, shared.code)
    assert "Shared fewer than 5 times" in text
    assert "900" not in text
    assert "<dt>" not in text


def test_a_page_of_an_article_has_a_place_for_each_number_and_the_link_of_a_reader_without_script(
    shared: Shared, reader: Client
) -> None:
    html = reader.get(shared.article.url).content.decode()
    assert html.count("data-told") == 1 + len(shared.sections)
    place = re.search(r'<span class="share-count"[^>]*>(.*?)</span>', html, re.DOTALL)
    assert place
    assert f'href="/share/{shared.code}/"' in place[1]
    assert "How often was this shared?" in place[1]
