"""A proxy in front of Valkey that delivers an XADD and swallows its reply, now and then.

Half of the swallowed replies end the connection, as a restart of something in between does; the other half
are silence, which the producer has to give up on.
"""

import selectors
import socket
from pathlib import Path
from random import Random

# Of a hundred replies to XADD.
CUT_PERCENT = 2.0
SILENT_PERCENT = 0.4


def serve(at: Path, server: Path, seed: int) -> None:
    """Serve a unix socket for ever, passing on to the server's."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(at))
    listener.listen(64)
    _Proxy(listener, server, Random(seed)).run()


class _Pair:
    """A client and its connection to the server."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.fate = ""  # of the next reply: "", "cut" or "silence"


class _Proxy:
    def __init__(self, listener: socket.socket, server: Path, chance: Random) -> None:
        self._listener, self._server, self._chance = listener, server, chance
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._take()
                else:
                    self._pass_on(key.data, key.fileobj)  # type: ignore[arg-type]

    def _take(self) -> None:
        client, _ = self._listener.accept()
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            server.connect(str(self._server))
        except OSError:
            client.close()
            server.close()
            return
        pair = _Pair(client, server)
        for end in (client, server):
            self._selector.register(end, selectors.EVENT_READ, pair)

    def _pass_on(self, pair: _Pair, end: socket.socket) -> None:
        if end.fileno() < 0:
            return  # closed a moment ago, with its other end
        try:
            data = end.recv(65536)
            if not data:
                self._close(pair)
            elif end is pair.client:
                # A client sends one command and waits for its reply.
                pair.fate = self._draw() if b"XADD" in data else ""
                pair.server.sendall(data)
            elif pair.fate == "cut":
                self._close(pair)
            elif pair.fate == "":
                pair.client.sendall(data)
        except OSError:
            self._close(pair)

    def _draw(self) -> str:
        drawn = self._chance.uniform(0, 100)
        if drawn < CUT_PERCENT:
            return "cut"
        return "silence" if drawn < CUT_PERCENT + SILENT_PERCENT else ""

    def _close(self, pair: _Pair) -> None:
        for end in (pair.client, pair.server):
            self._selector.unregister(end)
            end.close()
