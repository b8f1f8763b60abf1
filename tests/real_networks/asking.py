"""Ask a real server as any program could, without any connector."""

import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

from sharing.networks.demo.exchange import Reply

_PATIENCE = 30.0
# What belongs to one connection, or is written anew.
OF_A_CONNECTION = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "host",
    "date",
}


class Client:
    """Ask one server, with an account's token where there is one."""

    def __init__(self, origin: str, token: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.origin = origin
        self._token = token
        self._tls = tls

    def ask(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Reply:
        """Make one request, without the token."""
        connection = self._connection()
        try:
            connection.request(method, target, body or None, headers or {})
            response = connection.getresponse()
            named = {
                name: value
                for name, value in response.getheaders()
                if name.lower() not in OF_A_CONNECTION
            }
            return Reply(response.status, response.read(), named)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.origin)
        if parts.scheme == "https":
            return http.client.HTTPSConnection(parts.netloc, timeout=_PATIENCE, context=self._tls)
        return http.client.HTTPConnection(parts.netloc, timeout=_PATIENCE)

    def try_(
        self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Make a request with the account's own access, where there is one, whatever is answered."""
        named = dict(headers or {})
        if body is not None:
            named["Content-Type"] = "application/json"
        if self._token:
            named["Authorization"] = f"Bearer {self._token}"
        return self.ask(method, target, b"" if body is None else json.dumps(body).encode(), named)

    def json(self, method: str, target: str, body: Any = None) -> Any:
        """Make a request as `try_` does, and read the answer."""
        reply = self.try_(method, target, body)
        assert reply.status < 300, (method, target, reply.status, reply.body[:500])
        return json.loads(reply.body or b"null")
