"""The composer where its surroundings fail: silent networks, a silent broker, cards that are missing."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.storage import default_storage
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.test import Client

from sharing import card_actions, card_files, queries
from sharing.models import ShareCard, ShareTarget, SocialAccount, SocialPost
from sharing.networks.demo import DemoNetwork, Fault, Kind
from sharing.networks.demo.truth import Habits
from sharing.posting import actions, card_check, drafting, known_limits, vault
from sharing.posting.actions import Wording
from sharing.posting.card_check import card_problems
from sharing.posting.drafting import PostedAlready, Written
from tests.factories import add_article
from tests.sharing.conftest import Shared
from tests.sharing.posting.conftest import NOW, add_account
from tests.sharing.posting.test_composer import compose_url, typed

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture(autouse=True)
def _nothing_is_known(tmp_path: Path, settings: Any) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path / "media"
    known_limits.memory.forget()
    yield
    known_limits.close()


@pytest.fixture
def part(shared: Shared) -> ShareTarget:
    return ShareTarget.objects.get(code=shared.sections["why"])


# Limits


@pytest.fixture
def network(settings: Any) -> Iterator[DemoNetwork]:
    with DemoNetwork(habits=Habits(characters=1234)) as running:
        settings.POSTING_TRUSTED_HOSTS = [running.netloc]
        yield running


@pytest.fixture
def there(network: DemoNetwork, db: None) -> SocialAccount:
    return SocialAccount.objects.create(
        network="mastodon",
        host=network.netloc,
        remote_id="1",
        handle="@demo",
        secrets=vault.seal({"scheme": "http"}),
    )


def test_a_server_is_asked_for_its_limits_and_only_once_in_a_while(
    publisher: Client, network: DemoNetwork, there: SocialAccount, part: ShareTarget
) -> None:
    html = publisher.get(compose_url(part)).content.decode()
    assert f"1,234 characters, as {network.netloc} said just now" in html
    asked = network.truth.asked.copy()
    assert publisher.post(compose_url(part), typed(there, text="x" * 1000)).status_code == 302
    assert network.truth.asked == asked


@pytest.mark.parametrize("kind", [Kind.HANG, Kind.HTML])
def test_a_server_that_does_not_answer_has_the_usual_figures_and_is_left_alone(
    publisher: Client,
    network: DemoNetwork,
    there: SocialAccount,
    part: ShareTarget,
    kind: Kind,
) -> None:
    network.faults.due.append(Fault(kind, on="any", times=50))
    html = publisher.get(compose_url(part)).content.decode()
    assert "500 characters, the usual figure of Mastodon" in html
    assert known_limits.memory.is_fresh(("mastodon", network.netloc))


def test_what_a_server_said_once_outlives_its_silence() -> None:
    now = 0.0
    memory = known_limits.Memory(clock=lambda: now)
    server = ("mastodon", "social.example")
    said = known_limits.connector_of("mastodon")
    assert said is not None
    memory.note(server, said.usual_limits())
    now = 4000.0
    assert not memory.is_fresh(server)
    memory.note(server, None)
    assert memory.is_fresh(server), "nobody waits for it again within a minute"
    found = memory.limits(server)
    assert found is not None
    assert found.age == 4000.0
    now = 4100.0
    assert not memory.is_fresh(server)


def test_an_account_whose_secrets_nobody_can_read_is_still_written_for(
    publisher: Client, part: ShareTarget
) -> None:
    sealed = add_account("@sealed@social.example", secrets="with another key")
    assert publisher.post(compose_url(part), typed(sealed)).status_code == 302


def test_a_network_without_a_connector_is_shown_and_cannot_be_chosen(
    publisher: Client, part: ShareTarget
) -> None:
    account = add_account("@old")
    SocialAccount.objects.update(network="gone")
    assert "Nothing can be posted on Gone" in publisher.get(compose_url(part)).content.decode()
    assert publisher.post(compose_url(part), typed(account)).status_code == 200
    assert not SocialPost.objects.exists()


# Saving


@pytest.mark.django_db(transaction=True)
def test_a_post_is_saved_while_the_broker_is_frozen(
    superuser: Client, part: ShareTarget, frozen_events: None
) -> None:
    known_limits.memory.note(("mastodon", "social.example"), None)
    answer = superuser.post(compose_url(part), typed(add_account()))
    assert answer.status_code == 302
    assert SocialPost.objects.get().deliveries.get().not_before is not None


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Call all of them at the same moment; return what each returned or raised."""
    results: list[Any] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(place: int) -> None:
        barrier.wait(30)
        try:
            results[place] = calls[place]()
        except Exception as error:  # noqa: BLE001 - looked at below
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def writing(target: ShareTarget, account: SocialAccount, key: UUID) -> Callable[[], Written]:
    def write() -> Written:
        wording = Wording(account.pk, "Sleep well.", actions.new_link_code())
        return drafting.write(
            target=target, wordings=[wording], timing=NOW, by=None, approved=True, form_key=key
        )

    return write


@pytest.mark.django_db(transaction=True)
def test_the_same_form_sent_four_times_at_once_makes_one_post(part: ShareTarget) -> None:
    key, account = uuid4(), add_account()
    results = at_once(*[writing(part, account, key)] * 4)
    assert sorted(each.is_new for each in results) == [False, False, False, True]
    assert len({each.post.pk for each in results}) == SocialPost.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_forms_at_once_make_one_post_unless_a_second_one_is_asked_for(
    part: ShareTarget,
) -> None:
    account = add_account()
    results = at_once(*[writing(part, account, uuid4()) for _ in range(4)])
    assert sum(isinstance(each, PostedAlready) for each in results) == 3
    assert SocialPost.objects.count() == 1


# Our own card, read as networks read it


@pytest.fixture
def drawn(shared: Shared) -> Callable[[], ShareCard]:
    """Return what draws the cards, and returns the one of the section “Why”."""

    def draw() -> ShareCard:
        card_actions.make_cards()
        return ShareCard.objects.get(target__code=shared.sections["why"])

    return draw


def test_a_page_with_its_card_has_no_problem(
    part: ShareTarget, drawn: Callable[[], ShareCard]
) -> None:
    assert "not drawn yet" in card_problems(part)[0].sentence
    drawn()
    assert card_problems(part) == []


def test_a_missing_picture_a_damaged_and_a_large_one_are_each_named(
    part: ShareTarget, drawn: Callable[[], ShareCard], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = drawn().made
    monkeypatch.setattr(card_check, "LARGEST", 10)
    assert "bytes; Bluesky takes" in card_problems(part)[0].sentence
    monkeypatch.setattr(card_check, "SMALLEST", (2000, 315))
    assert "1200 × 630 pixels" in card_problems(part)[0].sentence
    path = Path(default_storage.path(card_files.name(digest)))
    path.write_bytes(b"no picture")
    assert "is damaged" in card_problems(part)[0].sentence
    path.unlink()
    (problem,) = card_problems(part)
    assert "cannot be read" in problem.sentence
    assert not problem.blocking


def test_a_page_without_a_description_is_named(home: Any) -> None:
    article = add_article(home, title="Rest")
    target = ShareTarget.objects.get(code=queries.identities(article.pk)[None].code)
    assert any("no description" in each.sentence for each in card_problems(target))


def test_a_page_that_cannot_be_drawn_is_a_warning_and_the_composer_stays(
    publisher: Client, part: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("broken template")

    monkeypatch.setattr(BaseHandler, "get_response", fail)
    assert "could not be read" in card_problems(part)[0].sentence


def test_a_warning_about_the_card_is_in_the_composer(publisher: Client, part: ShareTarget) -> None:
    html = publisher.get(compose_url(part)).content.decode()
    assert "not drawn yet" in html
