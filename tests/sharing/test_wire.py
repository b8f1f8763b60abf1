"""A conversation with a Valkey server: answers in pieces, none, half ones, refused ones."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from sharing.wire import Wire

Server = Callable[[socket.socket], None]


class Connection:
    """As much of the client's as a wire uses, open already."""

    def __init__(self, opened: socket.socket) -> None:
        self._sock = opened

    def connect(self) -> None:
        """Leave it open."""

    def disconnect(self) -> None:
        """Close it."""
        self._sock.close()


@pytest.fixture
def open_wire() -> Iterator[Callable[[Server], Wire]]:
    """Open a wire to a server that hears one question and then does as told."""
    opened: list[tuple[Wire, socket.socket, threading.Thread]] = []

    def to(behave: Server) -> Wire:
        ours, theirs = socket.socketpair()

        def serve() -> None:
            theirs.recv(1000)
            behave(theirs)

        thread = threading.Thread(target=serve)
        wire = Wire(Connection(ours))
        opened.append((wire, theirs, thread))
        thread.start()
        return wire

    yield to
    for wire, theirs, thread in opened:
        wire.close()
        thread.join()
        theirs.close()


def test_an_answer_may_come_in_pieces(open_wire: Any) -> None:
    def drip(wire: socket.socket) -> None:
        for piece in (b":", b"1\r", b"\n$3\r\nab", b"c\r\n"):
            wire.sendall(piece)

    assert open_wire(drip).converse([("A",), ("B",)], 5.0) == [1, b"abc"]


def test_news_nobody_asked_for_are_no_answer(open_wire: Any) -> None:
    wire = open_wire(lambda wire: wire.sendall(b">2\r\n+invalidate\r\n+x\r\n#f\r\n"))

    assert wire.converse([("A",)], 5.0) == [False]


def test_a_refusal_stands_among_the_answers(open_wire: Any) -> None:
    wire = open_wire(lambda wire: wire.sendall(b"-OOM command not allowed\r\n-ERR no\r\n:1\r\n"))

    full, refused, one = wire.converse([("A",), ("B",), ("C",)], 5.0)

    assert isinstance(full, redis.exceptions.OutOfMemoryError)
    assert type(refused) is redis.ResponseError
    assert one == 1


@pytest.mark.parametrize(
    ("behave", "raised"),
    [
        (lambda wire: None, redis.exceptions.TimeoutError),
        (lambda wire: wire.sendall(b":1\r\n$3\r\nab"), redis.exceptions.TimeoutError),
        (lambda wire: wire.shutdown(socket.SHUT_RDWR), redis.exceptions.ConnectionError),
        (lambda wire: wire.sendall(b"-LOADING soon\r\n"), redis.exceptions.BusyLoadingError),
        (lambda wire: wire.sendall(b"HTTP/1.1 400\r\n"), redis.exceptions.InvalidResponse),
    ],
    ids=["silent", "half", "closed", "loading", "no Valkey at all"],
)
def test_a_wire_that_failed_is_closed(
    behave: Server, raised: type[Exception], open_wire: Any
) -> None:
    wire = open_wire(behave)

    with pytest.raises(raised):
        wire.converse([("A",), ("B",)], 0.1)
    with pytest.raises(redis.exceptions.ConnectionError):
        wire.converse([("A",)], 0.1)
