"""What was made from something is out of date when that is touched, in every process of the host."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from articles import freshness
from articles.freshness.slots import Slots
from articles.models import ChangedName
from articles.tasks import forget_changes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def memory() -> freshness.Memory[int]:
    """Return a memory of two values."""
    return freshness.Memory(2)


class Maker:
    """Makes 1, 2, 3 … and says what each was made from."""

    def __init__(self, *names: str, seconds: float | None = None) -> None:
        self.names, self.seconds, self.made = names, seconds, 0

    def __call__(self) -> int:
        freshness.depends_on(*self.names, seconds=self.seconds)
        self.made += 1
        return self.made


def test_a_value_is_kept_until_one_of_its_names_is_touched(memory: freshness.Memory[int]) -> None:
    make = Maker("article:1", "settings")
    assert [memory.get("a", make) for _ in range(3)] == [1, 1, 1]
    freshness.touch("article:2")
    assert memory.get("a", make) == 1
    freshness.touch("settings")
    assert memory.get("a", make) == 2
    freshness.touch(freshness.EVERYTHING)
    assert memory.get("a", make) == 3


def test_a_change_that_is_rolled_back_changes_nothing(memory: freshness.Memory[int]) -> None:
    make = Maker("article:1")
    memory.get("a", make)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        freshness.touch("article:1")
        raise ZeroDivisionError
    assert memory.get("a", make) == 1
    assert not ChangedName.objects.exists()


def test_inside_a_transaction_that_changed_something_nothing_is_taken_or_kept(
    memory: freshness.Memory[int],
) -> None:
    make = Maker("article:1")
    memory.get("a", make)
    with transaction.atomic():
        assert memory.get("a", make) == 1
        freshness.touch("article:9")
        assert memory.get("a", make) == 2
    assert memory.get("a", make) == 1


def test_what_changes_while_a_value_is_made_is_not_kept(memory: freshness.Memory[int]) -> None:
    def change_and_make() -> int:
        freshness.touch("article:1")
        return Maker("article:1")()

    memory.get("a", change_and_make)
    make = Maker("article:1")
    make.made = 10
    assert memory.get("a", make) == 11


def test_what_a_value_is_made_from_is_known_to_what_is_made_from_the_value(
    memory: freshness.Memory[int],
) -> None:
    make = Maker("article:1", seconds=60)
    for _ in range(2):
        with freshness.recording() as around:
            memory.get("a", make)
        assert around.names - {freshness.EVERYTHING} == {"article:1"}
        assert around.seconds == 60
    assert make.made == 1


def test_a_memory_keeps_the_values_used_last(memory: freshness.Memory[int]) -> None:
    makers = {key: Maker() for key in "abc"}
    for key in "abac":
        memory.get(key, makers[key])
    assert memory.get("a", makers["a"]) == 1
    assert memory.get("b", makers["b"]) == 2


def test_a_process_that_was_not_told_learns_from_the_rows(
    memory: freshness.Memory[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Maker("article:1")
    memory.get("a", make)
    since = timezone.now() - timedelta(seconds=1)
    with monkeypatch.context() as broken:
        broken.setattr("articles.freshness.changes._Committed.__call__", lambda self: None)
        freshness.touch("article:1")
    assert memory.get("a", make) == 1
    assert freshness.take_over(freshness.recent_changes(since))
    assert memory.get("a", make) == 2
    # The same rows again are no news.
    assert not freshness.take_over(freshness.recent_changes(since))
    assert memory.get("a", make) == 2


def test_another_process_sees_a_change_at_once(memory: freshness.Memory[int]) -> None:
    make = Maker("article:1")
    memory.get("a", make)
    if (child := os.fork()) == 0:
        freshness.take_over([("article:1", 12345)])
        os._exit(0)
    os.waitpid(child, 0)
    assert memory.get("a", make) == 2


def test_what_was_taken_away_may_not_be_shown_even_in_need() -> None:
    with freshness.recording() as made:
        freshness.depends_on("article:1")
    stamp = made.stamp()
    assert stamp
    freshness.touch("article:1")
    assert (stamp.holds(), stamp.may_be_shown()) == (False, True)
    freshness.touch("article:1", gone=True)
    assert (stamp.holds(), stamp.may_be_shown()) == (False, False)
    freshness.touch("article:1")
    assert not stamp.may_be_shown()


def test_a_file_of_another_size_is_made_anew_and_a_deleted_one_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "freshness"
    path.write_bytes(b"short")
    one, other = Slots(path), Slots(path)
    assert one.epoch == other.epoch
    before = one.snapshot()
    stamp = one.stamp(["article:1"], before)
    assert stamp
    other.take_over([("article:1", 7)])
    assert not stamp.holds()
    path.unlink()
    third = Slots(path)
    assert third.epoch != one.epoch
    # The next time that it looks, it looks at the new file.
    one.snapshot()
    assert one.epoch == third.epoch


def test_old_rows_are_forgotten() -> None:
    old = timezone.now() - timedelta(days=3)
    ChangedName.objects.create(name="article:1", number=1, changed_at=old)
    freshness.touch("article:2")
    forget_changes()
    assert list(ChangedName.objects.values_list("name", flat=True)) == ["article:2"]
