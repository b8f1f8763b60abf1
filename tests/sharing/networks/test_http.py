"""The one client for other people's servers: where it goes, and what it is sure of afterwards."""

import gzip
import json
import logging
import socket
import socketserver
import ssl
import subprocess
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.networks.addresses import Forbidden, is_public, place
from sharing.networks.http import Answered, Expect, NotSent, Outbound, OutcomeUnknown
from sharing.networks.http.connections import Stream, resolve
from sharing.networks.http.exchange import Exchange, under_way
from sharing.networks.http.replies import LONGEST_BODY, Unusable, parse_json
from tests.missing import program

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
PUBLIC = "93.184.215.14"
JSON = b"Content-Type: application/json\r\n"


class Script(socketserver.ThreadingTCPServer):
    """Say prepared bytes to each connection, one reply a request."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, reply: Callable[[socket.socket], None]) -> None:
        self.heard: list[bytes] = []
        self.connections = 0
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer.connections += 1
                while True:
                    request = b""
                    while b"\r\n\r\n" not in request:
                        part = self.request.recv(65_536)
                        if not part:
                            return
                        request += part
                    outer.heard.append(request)
                    reply(self.request)

        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        pass

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.netloc}/"


@contextmanager
def saying(*parts: bytes, every: float = 0, forever: bool = False) -> Iterator[Script]:
    """Run a server that answers every request with these bytes."""

    def reply(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(every)
        while forever:
            connection.sendall(parts[-1])
            time.sleep(every)
        if not parts:
            connection.close()

    with Script(reply) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def whole(body: bytes, *, status: bytes = b"200 OK", headers: bytes = JSON) -> bytes:
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, headers, len(body), body)


def ask(
    server: Script, *, within: float = 30, expects: Expect = Expect.JSON, redirects: int = 0
) -> Answered:
    client = Outbound(trusted=[server.netloc], tls=TLS)
    try:
        return client.request(
            "GET", server.url, within=within, expects=expects, redirects=redirects
        )
    finally:
        client.close()


# Where it goes


@pytest.mark.parametrize(
    "url",
    [
        "http://mastodon.social/",
        "ftp://mastodon.social/",
        "file:///etc/passwd",
        "gopher://mastodon.social/",
        "//mastodon.social/",
        "mastodon.social",
        "",
        "https://",
        "https://localhost/",
        "https://localhost./",
        "https://LOCALHOST/",
        "https://a.localhost/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[::1/",
        "https://93.184.215.14/",
        "https://me@mastodon.social/",
        "https://me:pw@mastodon.social/",
        "https://mastodon.social@127.0.0.1/",
        "https://mastodon.social:8443/",
        "https://mastodon.social:22/",
        "https://mastodon.social:99999/",
        "https://mastodon.social:x/",
        "https://printer.local/",
        "https://metadata.internal/",
        "https://router.lan/",
        "https://mastodon/",
        "https://mastodon.social\\@127.0.0.1/",
        "https://mastodon.social/a b",
        "https://mastodon.social/\r\nX: y",
        "https://mastodon.social/\x00",
        "https://mastodon.social/ä",
        f"https://{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 59}.de/",
        "https://" + "a" * 100_000,
    ],
)
def test_what_is_not_https_to_a_public_name_is_not_asked(url: str) -> None:
    with pytest.raises(Forbidden):
        place(url)
    asked: list[str] = []
    client = Outbound(tls=TLS, resolve=lambda host, port: asked.append(host) or [PUBLIC])  # type: ignore[func-returns-value]
    with pytest.raises(NotSent):
        client.request("GET", url)
    assert asked == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://mastodon.social/api?x=1", "mastodon.social"),
        ("https://Mastodon.Social:443/api?x=1", "mastodon.social"),
        ("https://mastodon.social./api?x=1", "mastodon.social"),
        ("https://münchen.social/api?x=1", "xn--mnchen-3ya.social"),
        ("https://m\u0430stodon.social/api?x=1", "xn--mstodon-2fg.social"),
        (f"https://{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 58}.de/api?x=1", None),
    ],
)
def test_public_names_are_places(url: str, host: str | None) -> None:
    found = place(url)
    assert (found.scheme, found.port, found.target, found.trusted) == (
        "https",
        443,
        "/api?x=1",
        False,
    )
    if host:
        assert found.host == host
    else:
        assert len(found.host) == 253


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1"),  # noqa: S104 - refused
        *("172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1", "100.127.255.255"),
        *("192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1"),
        *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::7f00:1", "64:ff9b::808:808"),
        *("64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::"),
        *("fc00::1", "fd00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "3fff::1"),
        *("4000::1", "2606:4700::1%eth0", "", "localhost", "1.2.3", "0x7f.1", "127.1"),
    ],
)
def test_addresses_that_are_no_machine_on_the_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", PUBLIC, "2606:4700::6810:84e5", "2a00:1450::1"])
def test_addresses_that_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["::1", PUBLIC], ["fe80::1%lo"]]
)
def test_a_public_name_that_leads_inside_is_not_connected_to(found: list[str]) -> None:
    connected: list[str] = []

    def connect(address: str, port: int, timeout: float) -> socket.socket:
        connected.append(address)
        raise OSError

    client = Outbound(tls=TLS, resolve=lambda host, port: found, connect=connect)
    with pytest.raises(NotSent, match="not on the public internet"):
        client.request("POST", "https://mastodon.social/api", body=b"x")
    assert connected == []


def test_the_very_address_that_was_checked_is_connected_to_and_the_name_asked_for_once() -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    connected: list[str] = []

    def connect(address: str, port: int, timeout: float) -> socket.socket:
        connected.append(address)
        raise OSError

    client = Outbound(tls=TLS, resolve=lambda host, port: next(answers), connect=connect)
    with pytest.raises(NotSent, match="cannot be reached"):
        client.request("GET", "https://mastodon.social/")
    assert connected == [PUBLIC]
    with pytest.raises(NotSent, match="not on the public internet"):
        client.request("GET", "https://mastodon.social/")
    assert connected == [PUBLIC]


def test_a_name_that_nobody_knows_and_one_that_is_never_answered_are_not_sent() -> None:
    def nobody(host: str, port: int) -> list[str]:
        raise socket.gaierror

    never = threading.Event()

    def silent(host: str, port: int) -> list[str]:
        never.wait(60)
        return [PUBLIC]

    with pytest.raises(NotSent, match="not known"):
        Outbound(tls=TLS, resolve=nobody).request("GET", "https://mastodon.social/")
    with pytest.raises(NotSent, match="not known"):
        Outbound(tls=TLS, resolve=silent).request("GET", "https://mastodon.social/", within=0.2)
    never.set()


def test_the_system_is_asked_for_addresses() -> None:
    assert "127.0.0.1" in resolve("127.0.0.1", 443)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [program("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", made, "-days", "2", "-subj", "/CN=social.health.de",
         "-addext", "subjectAltName=DNS:social.health.de"],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, made


@pytest.mark.parametrize(
    ("name", "accepted"), [("social.health.de", True), ("other.health.de", False)]
)
def test_certificate_and_server_name_are_the_names_though_the_address_is_connected_to(
    certificate: tuple[Path, Path], name: str, accepted: bool
) -> None:
    key, made = certificate
    asked_for: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    context.sni_callback = lambda _socket, asked, _context: asked_for.append(asked)
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        try:
            with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
                heard.append(connection.recv(65_536))
                connection.sendall(whole(b"{}"))
        except OSError:
            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    client = Outbound(
        tls=ssl.create_default_context(cafile=str(made)),
        resolve=lambda host, port: [PUBLIC],
        connect=lambda address, port, timeout: socket.create_connection(
            listener.getsockname(), timeout
        ),
    )
    if accepted:
        assert client.request("GET", f"https://{name}/").status == 200
        assert b"\r\nHost: social.health.de\r\n" in heard[0]
    else:
        with pytest.raises(NotSent, match="no certificate that can be trusted"):
            client.request("GET", f"https://{name}/")
        assert heard == []
    assert asked_for == [name]
    client.close()
    thread.join(10)
    listener.close()


def test_a_redirect_is_returned_unless_it_is_to_be_followed() -> None:
    moved = whole(b"", status=b"302 Found", headers=b"Location: /there\r\n")
    with saying(moved) as server:
        assert ask(server).status == 302
        assert len(server.heard) == 1
        assert ask(server, redirects=3).status == 302
        assert len(server.heard) == 1 + 4


def test_a_redirect_to_loopback_is_refused_though_it_was_to_be_followed() -> None:
    with saying(whole(b"{}")) as inside:
        moved = whole(b"", status=b"302 Found", headers=b"Location: %s\r\n" % inside.url.encode())
        with saying(moved) as server, pytest.raises(NotSent):
            ask(server, redirects=3)
        assert inside.heard == []


def test_the_token_does_not_follow_to_another_host_and_a_post_is_not_followed() -> None:
    with saying(whole(b'{"a": 1}')) as other:
        moved = whole(b"", status=b"307 Moved", headers=b"Location: %s\r\n" % other.url.encode())
        with saying(moved) as server:
            client = Outbound(trusted=[server.netloc, other.netloc], tls=TLS)
            headers = {"Authorization": "Bearer hush"}
            found = client.request("GET", server.url, headers=headers, redirects=1)
            assert found.json == {"a": 1}
            assert b"hush" in server.heard[0]
            assert b"hush" not in other.heard[0]
            assert client.request("POST", server.url, body=b"x", redirects=1).status == 307
            assert len(other.heard) == 1
            client.close()


# What it is sure of


def test_nobody_listens_so_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        netloc = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(NotSent):
        Outbound(trusted=[netloc], tls=TLS).request("POST", f"http://{netloc}/", body=b"x")


def test_a_header_that_would_break_the_request_is_never_sent() -> None:
    with saying(whole(b"{}")) as server:
        client = Outbound(trusted=[server.netloc], tls=TLS)
        with pytest.raises(NotSent):
            client.request("GET", server.url, headers={"X-A": "a\r\nX-B: b"})
        assert server.heard == []


HALF = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"HTTP/1.1 200 OK\r\n",),
        (b"not http at all\r\n\r\n",),
        (whole(b"<html>", headers=b"Content-Type: text/html\r\n"),),
        (whole(b"<html>"),),
        (whole(b'{"a": 1', headers=JSON),),
        (whole(b'{"a": NaN}'),),
        (whole(b"1" * 5_000),),
        (whole(b"\xff\xfe"),),
        (whole(b"[" * 100_000 + b"]" * 100_000),),
        (whole(b'{"a":' * 65 + b"1" + b"}" * 65),),
        (whole(b'"' + b'\\"' * 1_000_000),),
        (whole(b""),),
        (whole(b"{}", headers=JSON + b"Content-Encoding: br\r\n"),),
        (whole(b"{}", headers=JSON + b"Content-Encoding: gzip\r\n"),),
        (whole(gzip.compress(b'{"a": 1}')[:-9], headers=JSON + b"Content-Encoding: gzip\r\n"),),
        (whole(b'"' + b"x" * LONGEST_BODY + b'"'),),
        (
            whole(
                gzip.compress(b'"' + b"x" * 64 * 1024 * 1024 + b'"'),
                headers=JSON + b"Content-Encoding: gzip\r\n",
            ),
        ),
    ],
    ids=range(18),
)
def test_a_success_that_cannot_be_read_is_unknown(parts: tuple[bytes, ...]) -> None:
    def close(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_RDWR)

    with Script(close) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(OutcomeUnknown):
            ask(server)
        server.shutdown()


@pytest.mark.parametrize(
    ("parts", "every"),
    [
        ((b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 1_000), 0.05),
        ((HALF, b" "), 0.05),
        ((HALF.replace(b"100\r", b"999999999\r"), b" " * 65_536), 0),
    ],
    ids=["headers drip", "the body drips", "the body never ends"],
)
def test_what_drips_or_never_ends_is_cut_at_the_deadline_or_the_size(
    parts: tuple[bytes, ...], every: float
) -> None:
    with saying(*parts, every=every, forever=True) as server:
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            ask(server, within=0.6)
        # Far from ten seconds of silence, which each byte would begin anew.
        assert time.monotonic() - began < 9


def test_silence_ends_at_the_deadline_not_at_the_end_of_a_single_steps_patience() -> None:
    with saying(HALF, every=30) as server:
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown, match="in time"):
            ask(server, within=0.5)
        assert time.monotonic() - began < 9


def test_a_refusal_is_an_answer_though_its_body_cannot_be_read() -> None:
    page = whole(b"<html>", status=b"403 Forbidden", headers=b"Content-Type: text/html\r\n")
    with saying(page) as server:
        found = ask(server)
        assert (found.status, found.json) == (403, None)
    bomb = whole(
        gzip.compress(b"x" * 8 * 1024 * 1024),
        status=b"500 Oh",
        headers=JSON + b"Content-Encoding: gzip\r\n",
    )
    with saying(bomb) as server:
        assert (ask(server).status, ask(server).body) == (500, b"")


def test_a_good_answer_comes_with_headers_and_json_also_packed() -> None:
    body = json.dumps({"a": ["]", {"b": "é"}]}).encode()
    headers = JSON + b"Content-Encoding: gzip\r\nX-Two: 1\r\nX-Two: 2\r\n"
    with saying(whole(gzip.compress(body), headers=headers)) as server:
        found = ask(server)
    assert found.json == {"a": ["]", {"b": "é"}]}
    assert found.headers["x-two"] == "1, 2"
    with saying(whole(b"<p>", headers=b"Content-Type: text/html; charset=utf-8\r\n")) as server:
        assert ask(server, expects=Expect.TEXT).body == b"<p>"
    with saying(whole(b"", headers=b"")) as server:
        assert ask(server, expects=Expect.NOTHING).status == 200
    with saying(whole(b"{}", headers=b"Content-Type: application/problem+json\r\n")) as server:
        assert ask(server).json == {}
    with (
        saying(whole(b"x", headers=b"Content-Type: image/png\r\n")) as server,
        pytest.raises(OutcomeUnknown),
    ):
        ask(server, expects=Expect.TEXT)


def test_a_connection_is_kept_and_a_closed_one_is_replaced() -> None:
    with saying(whole(b"{}")) as server:
        client = Outbound(trusted=[server.netloc], tls=TLS)
        for _ in range(3):
            client.request("POST", server.url, body=b"x")
        assert (server.connections, len(server.heard)) == (1, 3)
        client.close()

    def and_close(connection: socket.socket) -> None:
        connection.sendall(whole(b"{}"))
        connection.close()

    with Script(and_close) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        client = Outbound(trusted=[server.netloc], tls=TLS)
        for _ in range(3):
            client.request("GET", server.url)
            time.sleep(0.05)
        assert server.connections == 3
        client.close()
        server.shutdown()


def test_cookies_are_not_kept() -> None:
    with saying(whole(b"{}", headers=JSON + b"Set-Cookie: a=b; Path=/\r\n")) as server:
        client = Outbound(trusted=[server.netloc], tls=TLS)
        client.request("GET", server.url)
        client.request("GET", server.url)
        assert not [each for each in server.heard if b"ookie" in each]
        client.close()


def test_no_secret_is_in_an_error_a_repr_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret_body = json.dumps({"access_token": "hush-reply"}).encode()
    said = []
    with saying(whole(secret_body, headers=JSON + b"X-Token: hush-header\r\n")) as server:
        client = Outbound(trusted=[server.netloc], tls=TLS)
        headers = {"Authorization": "Bearer hush-request"}
        said.append(repr(client.request("POST", server.url, headers=headers, body=b"hush-body")))
        client.close()
    with saying() as server:
        client = Outbound(trusted=[server.netloc], tls=TLS)
        with pytest.raises(OutcomeUnknown) as unknown:
            client.request(
                "POST", f"{server.url}?code=hush-query", headers=headers, body=b"hush-body"
            )
        said += [repr(unknown.value), str(unknown.value)]
        client.close()
    with pytest.raises(NotSent) as refused:
        client.request("GET", "https://me:hush-password@h.example/?token=hush-query")
    said.append(repr(refused.value))
    assert "hush" not in "\n".join(said)
    assert "hush" not in caplog.text


@given(st.binary(max_size=300))
def test_json_of_any_bytes_is_read_or_refused(body: bytes) -> None:
    with suppress(Unusable):
        parse_json(body)


@given(st.text(max_size=80))
def test_any_text_is_a_place_or_forbidden(text: str) -> None:
    for url in (text, f"https://{text}", f"https://h.example/{text}"):
        try:
            found = place(url)
        except Forbidden:
            continue
        assert found.scheme == "https"
        assert found.host.isascii()
        assert "." in found.host


def test_a_gzip_bomb_takes_no_more_memory_than_is_allowed() -> None:
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packed.compress(bytes(1024 * 1024)) for _ in range(96)) + packed.flush()
    with saying(whole(bomb, headers=JSON + b"Content-Encoding: gzip\r\n")) as server:
        tracemalloc.start()
        try:
            with pytest.raises(OutcomeUnknown, match="2 MB"):
                ask(server)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 16 * 1024 * 1024


def test_a_look_at_a_connection_takes_nothing_from_the_thread_that_waits_on_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(7)
        stream = Stream(ours)
        assert stream.get_extra_info("is_readable") is False
        assert ours.gettimeout() == 7, "a reply would be missed at once"
        theirs.close()
        assert stream.get_extra_info("is_readable") is True
        stream.close()
        assert stream.get_extra_info("is_readable") is True


def test_a_reply_that_another_thread_waits_for_is_not_taken_for_a_closed_connection() -> None:
    ours, theirs = socket.socketpair()
    exchange = Exchange(
        place("https://social.example/", trusted=frozenset()), time.monotonic() + 60
    )
    with ours, theirs:
        stream = Stream(ours)
        token = under_way.set(exchange)
        try:
            stream.write(b"asked")
        finally:
            under_way.reset(token)
        theirs.send(b"answered")
        assert stream.get_extra_info("is_readable") is False
        exchange.is_over = True
        assert stream.get_extra_info("is_readable") is True, "nobody asked for it"
