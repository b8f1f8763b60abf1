"""The demo network's server: a thread a connection, on loopback."""

import contextlib
import re
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from sharing.networks.demo import at_protocol, faults, mastodon_api, pages, telegram_api
from sharing.networks.demo.cards import CardReader
from sharing.networks.demo.control import control
from sharing.networks.demo.exchange import Refuse, Reply, Request, as_json
from sharing.networks.demo.faults import BEFORE, Fault, Faults, Wire
from sharing.networks.demo.truth import Habits, Truth

_LONGEST_REQUEST = 32 * 1024 * 1024
_DRIP_EVERY = 0.1
_GIVE_UP_AFTER = 120.0

Answer = Callable[..., Reply]
# Method, path, what faults call it, and what answers.
ROUTES: tuple[tuple[str, str, str, Answer], ...] = (
    ("POST", r"/api/v1/apps", "token", mastodon_api.register_app),
    ("GET|POST", r"/oauth/authorize", "token", mastodon_api.authorize),
    ("POST", r"/oauth/token", "token", mastodon_api.token),
    ("POST", r"/oauth/revoke", "token", mastodon_api.revoke),
    ("GET", r"/api/v1/accounts/verify_credentials", "read", mastodon_api.verify_credentials),
    ("GET", r"/api/v2/instance", "instance", mastodon_api.instance),
    ("GET", r"/api/v1/instance", "instance", mastodon_api.first_instance),
    ("POST", r"/api/v[12]/media", "upload", mastodon_api.upload),
    ("GET", r"/api/v1/media/([^/]+)", "upload", mastodon_api.show_media),
    ("POST", r"/api/v1/statuses", "post", mastodon_api.post_status),
    ("GET", r"/api/v1/statuses/([^/]+)", "read", mastodon_api.show_status),
    ("PUT|DELETE", r"/api/v1/statuses/([^/]+)", "change", mastodon_api.show_status),
    ("GET", r"/api/v1/accounts/([^/]+)/statuses", "find", mastodon_api.own_statuses),
    ("POST", r"/xrpc/com\.atproto\.server\.createSession", "session", at_protocol.create_session),
    ("POST", r"/xrpc/com\.atproto\.server\.refreshSession", "session", at_protocol.refresh_session),
    ("GET", r"/xrpc/com\.atproto\.server\.getSession", "read", at_protocol.get_session),
    ("POST", r"/xrpc/com\.atproto\.server\.deleteSession", "session", at_protocol.delete_session),
    ("GET", r"/xrpc/com\.atproto\.identity\.resolveHandle", "read", at_protocol.resolve_handle),
    ("POST", r"/xrpc/com\.atproto\.repo\.uploadBlob", "upload", at_protocol.upload_blob),
    ("POST", r"/xrpc/com\.atproto\.repo\.putRecord", "post", at_protocol.put_record),
    ("GET", r"/xrpc/com\.atproto\.repo\.getRecord", "find", at_protocol.get_record),
    ("POST", r"/xrpc/com\.atproto\.repo\.deleteRecord", "change", at_protocol.delete_record),
    ("GET", r"/xrpc/app\.bsky\.feed\.getPosts", "read", at_protocol.get_posts),
    ("POST", r"/bot([^/]+)/getMe", "read", telegram_api.get_me),
    ("POST", r"/bot([^/]+)/getChat", "read", telegram_api.get_chat),
    ("POST", r"/bot([^/]+)/getChatMember", "read", telegram_api.get_chat_member),
    ("POST", r"/bot([^/]+)/sendMessage", "post", telegram_api.send_message),
    ("POST", r"/bot([^/]+)/editMessageText", "change", telegram_api.edit_message_text),
    ("POST", r"/bot([^/]+)/deleteMessage", "change", telegram_api.delete_message),
    ("GET", r"/", "page", pages.all_posts),
    ("GET", r"/demo\.css", "page", pages.style),
    ("GET", r"/favicon\.ico", "page", pages.no_icon),
    ("GET", r"/picture/([A-Za-z0-9-]+)", "page", pages.picture),
    ("GET", r"/@[^/]+/([^/]+)", "page", pages.mastodon_post),
    ("GET", r"/profile/([^/]+)/post/([^/]+)", "page", pages.bluesky_post),
    ("GET", r"/([a-z0-9]+)_channel/([0-9]+)", "page", pages.telegram_post),
    ("POST", r"/(like|repost)", "page", pages.like),
)
_ROUTES = [(methods.split("|"), re.compile(path), label, do) for methods, path, label, do in ROUTES]


class DemoNetwork:
    """A network on loopback, running between `start` and `stop`, or inside a `with`.

    Without a port the system gives one. `controlled` opens /control/. `reads_links`: it reads the cards of pages on
    this machine, as networks do. `truth` and `faults` may be touched
    directly by a test in the same process.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        controlled: bool = False,
        habits: Habits | None = None,
        seed: int = 0,
        reads_links: bool = False,
    ) -> None:
        self.truth = Truth(habits or Habits())
        self._cards = CardReader(self.truth) if reads_links else None
        self.faults = Faults(seed=seed)
        self.controlled = controlled
        self.stopping = threading.Event()
        self._server = _Server((host, port), _handler(self))
        self._thread: threading.Thread | None = None

    @property
    def netloc(self) -> str:
        """Return "host:port"."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    @property
    def origin(self) -> str:
        """Return the address without a path."""
        return f"http://{self.netloc}"

    def start(self, *, stops_within: float = 0.5) -> Self:
        """Answer from a thread of its own; it looks so often, in seconds, whether to stop."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(stops_within,), daemon=True
        )
        self._thread.start()
        if self._cards:
            self._cards.start()
        return self

    def stop(self) -> None:
        """Stop answering, and end what is dripping or hanging."""
        self.stopping.set()
        if self._cards:
            self._cards.stop()
        self._server.shutdown()
        self._server.server_close()
        if self._thread:
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start(stops_within=0.01)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def misbehave(self, fault: Fault) -> None:
        """Do this at the next requests that it is meant for."""
        self.faults.due.append(fault)

    def answer(self, request: Request) -> tuple[Reply, Wire]:
        """Do what is asked, or what a fault makes of it."""
        if request.path.startswith("/control/") and self.controlled:
            return self._done(control, request, (self.faults,)), Wire.WHOLE
        for methods, path, label, do in _ROUTES:
            match = path.fullmatch(request.path)
            if match and request.method in methods:
                return self._answer(request, label, do, match.groups())
        return as_json({"error": "Not found"}, status=404), Wire.WHOLE

    def _answer(
        self, request: Request, label: str, do: Answer, parts: tuple[str | Any, ...]
    ) -> tuple[Reply, Wire]:
        fault = self.faults.take(label)
        with self.truth.lock:
            self.truth.asked[label] += 1
        if fault and fault.kind in BEFORE:
            return faults.instead(fault)
        reply = self._done(do, request, parts)
        return faults.spoil(fault, reply) if fault else (reply, Wire.WHOLE)

    def _done(self, do: Answer, request: Request, parts: tuple[Any, ...]) -> Reply:
        with self.truth.lock:
            try:
                return do(self.truth, request, *parts)
            except Refuse as refused:
                return refused.reply


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    # Idle connections wait in threads of their own: the end does not wait for them.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about clients that left."""


def _handler(network: DemoNetwork) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "DemoNetwork"
        sys_version = ""
        disable_nagle_algorithm = True
        wbufsize = -1
        timeout = 60

        def do_GET(self) -> None:
            length = self.headers.get("Content-Length", "0")
            if not length.isdecimal() or int(length) > _LONGEST_REQUEST:
                self.close_connection = True
                self._write(as_json({"error": "Too large"}, status=413))
                return
            request = Request(
                self.command,
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(int(length)),
                network.origin,
            )
            reply, wire = network.answer(request)
            with contextlib.suppress(OSError):
                self._put(reply, wire)

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _put(self, reply: Reply, wire: Wire) -> None:
            self.close_connection = self.close_connection or wire is not Wire.WHOLE
            match wire:
                case Wire.WHOLE:
                    self._write(reply)
                case Wire.CUT:
                    self.connection.shutdown(socket.SHUT_RDWR)
                case Wire.HANG:
                    faults.wait(_GIVE_UP_AFTER, network.stopping)
                case Wire.DRIP:
                    self._head(reply, length=len(reply.body))
                    for position in range(len(reply.body)):
                        self.wfile.write(reply.body[position : position + 1])
                        self.wfile.flush()
                        if not faults.wait(_DRIP_EVERY, network.stopping):
                            return
                case Wire.ENDLESS:
                    self._head(reply, length=10**12)
                    while not network.stopping.is_set():
                        self.wfile.write(b" " * 65_536)
                        self.wfile.flush()

        def _head(self, reply: Reply, *, length: int) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(length))
            self.end_headers()

        def _write(self, reply: Reply) -> None:
            self._head(reply, length=len(reply.body))
            self.wfile.write(reply.body)
            self.wfile.flush()

    return Handler
