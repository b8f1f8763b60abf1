"""A request and a reply, apart from the sockets they travel on."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

_DISPOSITION = re.compile(rb'name="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered: a status, headers, and a body as bytes."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refuse(Exception):
    """Answer this, and do nothing."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `headers` have lowercase names."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    origin: str

    @property
    def path(self) -> str:
        """Return the path without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        """Return the query's values."""
        return parse_qs(urlsplit(self.target).query)

    @property
    def bearer(self) -> str:
        """Return the token, or ""."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind.lower() == "bearer" else ""

    def asked(self, name: str) -> str:
        """Return one value of the query, or ""."""
        return self.query.get(name, [""])[0]

    def fields(self) -> dict[str, Any]:
        """Read the body: JSON, a form, or a form with a file under its name."""
        kind = self.headers.get("content-type", "")
        if kind.startswith("application/json"):
            try:
                found = json.loads(self.body or b"{}")
            except ValueError:
                found = None
            if not isinstance(found, dict):
                raise Refuse(as_json({"error": "That is not JSON."}, status=400))
            return found
        if kind.startswith("multipart/form-data"):
            return self._parts(kind.partition("boundary=")[2].strip('"').encode())
        return {name: values[-1] for name, values in parse_qs(self.body.decode()).items()}

    def _parts(self, boundary: bytes) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in self.body.split(b"--" + boundary)[1:-1]:
            head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            name = _DISPOSITION.search(head)
            if name:
                content = content.removesuffix(b"\r\n")
                is_file = b"filename=" in head
                found[name[1].decode()] = content if is_file else content.decode()
        return found


def as_json(found: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with JSON."""
    return Reply(
        status,
        json.dumps(found).encode(),
        {"Content-Type": "application/json; charset=utf-8", **(headers or {})},
    )
