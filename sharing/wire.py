"""A conversation with a Valkey server in the fewest steps; the client opens the connection and closes it.

The client's own way of reading takes as long again as the server's answer does (docs/decisions/0017).
"""

import time
from collections.abc import Sequence
from typing import Any

import hiredis
import redis

# Answers to what is asked this way are short; longer ones come in pieces.
_AT_ONCE = 4096
_MORE_TO_COME = object()
# What the client makes of a refusal's first word, where that is more than a refusal.
_REFUSALS = {
    "OOM": redis.exceptions.OutOfMemoryError,
    "LOADING": redis.exceptions.BusyLoadingError,
    "NOAUTH": redis.exceptions.AuthenticationError,
    "WRONGPASS": redis.exceptions.AuthenticationError,
}


class Wire:
    """One open connection, used by one thread at a time. Raises redis's errors, and is closed by each."""

    def __init__(self, connection: Any) -> None:
        """Open a connection of the client's that is used nowhere else."""
        self._connection = connection
        try:
            connection.connect()
        except BaseException:
            connection.disconnect()
            raise
        self._reader = hiredis.Reader(
            protocolError=redis.exceptions.InvalidResponse,
            replyError=_refusal,
            notEnoughData=_MORE_TO_COME,
        )

    def converse(self, commands: Sequence[tuple[Any, ...]], seconds: float) -> list[Any]:
        """Return the answers to commands sent together, a refusal among them as the error that it is."""
        try:
            return self._converse(commands, seconds)
        except TimeoutError as error:
            self.close()
            raise redis.exceptions.TimeoutError(f"no answer in {seconds:.3f} s") from error
        except OSError as error:
            self.close()
            raise redis.exceptions.ConnectionError(str(error)) from error
        except BaseException:
            # Half an answer is still to come: nobody else may read it.
            self.close()
            raise

    def _converse(self, commands: Sequence[tuple[Any, ...]], seconds: float) -> list[Any]:
        # The client has no other name for its socket.
        wire, reader = self._connection._sock, self._reader
        begun = time.monotonic()
        wire.settimeout(seconds)
        wire.sendall(b"".join(map(hiredis.pack_command, commands)))
        answers: list[Any] = []
        while True:
            data = wire.recv(_AT_ONCE)
            if not data:
                raise redis.exceptions.ConnectionError("the server closed the connection")
            reader.feed(data)
            while (answer := reader.gets()) is not _MORE_TO_COME:
                if isinstance(answer, redis.exceptions.ConnectionError):
                    raise answer
                if not isinstance(answer, hiredis.PushNotification):
                    answers.append(answer)
            if len(answers) >= len(commands):
                return answers
            left = seconds - (time.monotonic() - begun)
            wire.settimeout(max(0.001, left))

    def close(self) -> None:
        """Close it; twice is once."""
        self._connection.disconnect()


def _refusal(words: str) -> redis.exceptions.RedisError:
    return _REFUSALS.get(words.partition(" ")[0], redis.exceptions.ResponseError)(words)
