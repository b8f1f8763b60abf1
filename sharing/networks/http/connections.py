"""Connections, below httpcore: to the very address that was checked, and aware of the first byte written."""

import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore

from sharing.networks.addresses import is_public
from sharing.networks.http.exchange import Exchange, NotSent, under_way

# In seconds.
CONNECT_WITHIN = 5.0

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[str, int, float], socket.socket]


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the IP addresses of a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(address: str, port: int, timeout: float) -> socket.socket:
    """Connect to one IP address."""
    return socket.create_connection((address, port), timeout)


class CheckedAddresses(httpcore.NetworkBackend):
    """Connect to the very address that was checked: a name is resolved once a connection."""

    def __init__(self, resolve: Resolve, connect: Connect) -> None:
        self._resolve = resolve
        self._connect = connect

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, refuse what is not public, then try the addresses in turn."""
        exchange = under_way.get()
        addresses = self._addresses(host, port, exchange)
        if not exchange.place.trusted and not all(map(is_public, addresses)):
            # All of them: a public name that points inside as well is a trick more often than a mistake.
            raise NotSent(f"{host} leads to an address that is not on the public internet.")
        for address in addresses:
            try:
                opened = self._connect(address, port, exchange.within(timeout))
            except OSError:
                continue
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return Stream(opened)
        raise NotSent(f"{host} cannot be reached.")

    def _addresses(self, host: str, port: int, exchange: Exchange) -> Sequence[str]:
        found: list[str] = []

        def ask() -> None:
            try:
                found.extend(self._resolve(host, port))
            except (OSError, UnicodeError):
                found.clear()

        # The system's resolver has no time-out of its own; the thread is left behind with it.
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(exchange.within(CONNECT_WITHIN))
        if not found:
            raise NotSent(f"The name {host} is not known, or could not be looked up.")
        return tuple(found)


class Stream(httpcore.NetworkStream):
    """A socket whose every step ends with the exchange, and that notes the first byte written."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        # The exchange that wrote to it last.
        self._carries: Exchange | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there; raises httpcore's errors."""
        self._socket.settimeout(under_way.get().within(timeout))
        try:
            return self._socket.recv(max_bytes)
        except TimeoutError:
            raise httpcore.ReadTimeout from None
        except OSError:
            raise httpcore.ReadError from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it; raises httpcore's errors."""
        exchange = self._carries = under_way.get()
        left = memoryview(buffer)
        while left:
            self._socket.settimeout(exchange.within(timeout))
            # Before and not after: of a failed call nobody knows what it sent.
            exchange.sent = True
            try:
                left = left[self._socket.send(left) :]
            except TimeoutError:
                raise httpcore.WriteTimeout from None
            except OSError:
                raise httpcore.WriteError from None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Speak TLS from here on; the certificate must be the name's, not the address's."""
        self._socket.settimeout(under_way.get().within(timeout))
        try:
            return Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname))
        except ssl.SSLCertVerificationError:
            self.close()
            raise NotSent(f"{server_hostname} has no certificate that can be trusted.") from None
        except OSError:
            self.close()
            raise httpcore.ConnectError from None

    def get_extra_info(self, info: str) -> Any:
        """Tell httpcore whether an idle connection has become readable, so that it was closed.

        Another thread may ask that of a connection that was idle when it looked, and on which this one waits for a
        reply by now: then what can be read is the reply. The socket and its deadline are left as they are.
        """
        if info != "is_readable":
            return None
        carries = self._carries
        if carries is not None and not carries.is_over:
            return False
        number = self._socket.fileno()
        if number < 0:
            return True
        poll = select.poll()
        poll.register(number, select.POLLIN)
        return bool(poll.poll(0)) and self._carries is carries
