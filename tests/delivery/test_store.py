"""The store stays within its bytes, and keeps what is asked for."""

from articles.freshness import recording
from healthsite.delivery.answers import Kept, answer_of
from healthsite.delivery.store import Store


def kept(body: bytes = b"x") -> Kept:
    with recording() as made:
        pass
    stamp = made.stamp()
    assert stamp
    return Kept(answer_of(body, []), stamp, None)


SIZE = kept().answer.size


def test_it_never_holds_more_than_its_limit() -> None:
    store = Store(10 * SIZE)
    for number in range(100):
        store.put(number, kept())
        assert store.size <= 10 * SIZE
    assert len(store) == 10
    assert store.get(99) is not None


def test_what_is_used_survives_a_flood_of_addresses_that_are_asked_for_once() -> None:
    store = Store(10 * SIZE)
    store.put("read", kept())
    for number in range(1000):
        page = store.get("read")
        assert page is not None
        page.was_used = True
        store.put(number, kept())


def test_an_answer_replaces_the_one_before_and_is_counted_once() -> None:
    store = Store(10 * SIZE)
    for _ in range(5):
        store.put("a", kept())
    assert (len(store), store.size) == (1, SIZE)
    store.drop("a")
    store.drop("a")
    assert (len(store), store.size) == (0, 0)


def test_an_answer_larger_than_everything_is_not_kept() -> None:
    store = Store(SIZE)
    store.put("a", kept())
    store.put("b", kept(bytes(range(256)) * 100))
    assert store.get("b") is None
    assert store.get("a") is not None
