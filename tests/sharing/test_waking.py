"""A worker is told of work after the commit; a broker that does not answer keeps nobody."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks
from redis import Redis

from sharing import waking
from tests.services import events_server

pytestmark = pytest.mark.django_db
TASK = "sharing.send_posts"


@pytest.fixture(autouse=True)
def _new_connection() -> Iterator[None]:
    waking._forget()
    waking._silent_until = 0.0
    yield
    waking._forget()
    waking._silent_until = 0.0


def waiting() -> int:
    with Redis.from_url(f"unix://{events_server.socket}") as client:
        return int(client.llen("celery"))


def test_a_worker_is_told_once_the_change_is_committed(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        waking.wake_after_commit(TASK)
        assert waiting() == 0
    assert waiting() == 1


def test_a_frozen_broker_is_not_waited_for_and_not_asked_again_at_once(frozen_events: None) -> None:
    assert waking.wake(TASK) is False
    assert waking._silent_until > 0


def test_a_dead_broker_is_no_error_and_is_asked_again_later() -> None:
    events_server.kill()
    try:
        assert waking.wake(TASK) is False
    finally:
        events_server.start()
    assert waking.wake(TASK) is False, "asked again at once"
    waking._silent_until = 0.0
    assert waking.wake(TASK) is True
    assert waiting() == 1


def test_a_server_that_was_restarted_is_told_again() -> None:
    assert waking.wake(TASK) is True
    events_server.kill()
    events_server.start()
    waking.wake(TASK)
    waking._silent_until = 0.0
    assert waking.wake(TASK) is True
