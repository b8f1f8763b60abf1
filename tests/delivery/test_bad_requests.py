"""Whatever arrives at a socket: no wrong page is kept, no reader gets a 5xx, and no memory grows without bound.

Requests are written byte by byte, so that nothing puts them right on the way.
"""

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from django.db import transaction

from articles import freshness
from articles.models import ArticlePage, HomePage
from healthsite.delivery import warming
from healthsite.delivery.wrapper import Delivery
from tests.delivery.conftest import Host
from tests.delivery.web_process import HOST, PATIENCE, WebProcess, eventually, read

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

SLOW_CLIENTS = 500
FLOOD = 10_000
UNKNOWN = 500


def request(
    path: str, *lines: str, method: str = "GET", host: str | None = HOST, version: str = "1.1"
) -> bytes:
    """Return a request as it goes over the wire; what is no ASCII in it goes as it is."""
    hosts = [] if host is None else [f"Host: {host}"]
    head = [f"{method} {path} HTTP/{version}", *hosts, *lines]
    return "\r\n".join([*head, "", ""]).encode("utf-8", "surrogateescape")


class Reference:
    """What a plain reader gets at an address, and proof that he still does."""

    def __init__(self, process: WebProcess, path: str) -> None:
        self.process, self.path = process, path
        self.answer = process.send(request(path))
        assert self.answer.status == 200

    def make_cold(self) -> None:
        """Let whoever asks next be the one whose answer is kept."""
        with transaction.atomic():
            freshness.touch(freshness.EVERYTHING)

    def is_unharmed(self, after: str) -> None:
        """See that a plain reader gets what he got before."""
        answer = self.process.send(request(self.path))
        assert answer == self.answer, after


@pytest.fixture
def process(host: Host) -> WebProcess:
    return host.processes[0]


@pytest.fixture
def page(process: WebProcess, article: ArticlePage) -> Reference:
    return Reference(process, article.url)


# --- What must not change a page ---

TRICKS = [
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Port: 444",
    "X-Forwarded-For: 203.0.113.7",
    "X-Forwarded-Server: evil.example",
    "X-Forwarded-Prefix: /evil",
    "X-Forwarded-Scheme: nothttps",
    "X_Forwarded_Host: evil.example",
    "X-Host: evil.example",
    "Forwarded: for=203.0.113.7;host=evil.example;proto=https",
    "X-Original-URL: /admin/",
    "X-Rewrite-URL: /nothing/",
    "X-Original-Host: evil.example",
    "X-HTTP-Method-Override: DELETE",
    "X-HTTP-Method: PUT",
    "X-Method-Override: POST",
    "Accept-Language: ar, de;q=0.5",
    "Accept: application/json",
    "Accept: ",
    "Accept-Charset: utf-16",
    "Origin: https://evil.example",
    "Referer: https://evil.example/",
    "User-Agent: evil.example",
    "X-Requested-With: XMLHttpRequest",
    "Script-Name: /evil",
    "Path-Info: /admin/",
    "Range: bytes=0-10",
    "Range: bytes=5-1,0-0,-1",
    "If-Range: nothing",
    'If-Match: "nothing"',
    "If-Modified-Since: Wed, 25 Nov 2099 00:00:00 GMT",
    "If-Unmodified-Since: Wed, 25 Nov 1999 00:00:00 GMT",
    "Cache-Control: no-store, max-age=0",
    "Pragma: no-cache",
    "Content-Type: application/json",
    "Content-Length: 0",
    "Proxy: http://evil.example",
    "TE: trailers",
    "Upgrade: h2c",
    "Early-Data: 1",
    "DNT: 1",
    "Sec-GPC: 1",
    "Save-Data: on",
    "X-Nothing: \xff\xfe",
]


def test_a_header_that_is_no_part_of_the_address_changes_no_page(page: Reference) -> None:
    for line in TRICKS:
        page.make_cold()
        # Whoever comes first is who could poison it.
        tricked = page.process.send(request(page.path, line))
        assert tricked == page.answer, line
        page.is_unharmed(line)


OTHER_HOSTS = [
    request("{}", host="evil.example"),
    request("{}", host="evil.example:8000"),
    request("{}", host="127.0.0.1:8000.evil.example"),
    request("{}", host="127.0.0.1:8000@evil.example"),
    request("{}", host="evil.example@127.0.0.1:8000"),
    request("{}", host="127.0.0.1.:8000"),
    request("{}", host="127.0.0.1:1"),
    request("{}", host="127.0.0.1"),
    request("{}", host="localhost:8000"),
    request("{}", host="  127.0.0.1:8000  "),
    request("{}", host=""),
    request("{}", host=None),
    request("{}", host=None, version="1.0"),
    request("{}", "Host: evil.example"),
    request("{}", f"Host: {HOST}"),
    request("{}", f"Host: {HOST}", host="evil.example"),
    request("http://evil.example{}"),
    request("https://evil.example{}"),
    request("http://evil.example:8000{}", host="evil.example:8000"),
    request(f"http://{HOST}{{}}", host="evil.example"),
    request("{}", host="<script>alert(1)</script>"),
]


def test_another_host_gets_no_page_of_ours_kept(page: Reference) -> None:
    for each in OTHER_HOSTS:
        page.make_cold()
        answer = page.process.send(each.replace(b"{}", page.path.encode()))
        assert answer.status in {200, 400}, each
        assert "evil" not in answer, each
        assert "evil" not in str(answer.headers), each
        page.is_unharmed(each.decode())


# --- Addresses ---


FILES = [
    "{}x.css", "{}style.css/", "{};x.js", "{}/;x.js", "{}x.png", "{}why/x.css", "{}why;x.css",
    "{}%3Bx.js", "{}%2ex.css", "{}x.css?x", "{}%23x.css", "{}%3Fx.css", "{}x%00.css",
]  # fmt: skip


def test_a_name_that_looks_like_a_file_is_not_a_page(page: Reference) -> None:
    """A cache in front would keep what has such a name, for everybody."""
    for path in FILES:
        page.make_cold()
        for _ in range(2):
            answer = page.process.send(request(path.format(page.path)))
            assert answer.status in {301, 400, 404}, path
            assert "x-accel-expires" not in answer.headers, path
        page.is_unharmed(path)


ODD = [
    "/{}//", "//{}/", "///{}/", "/{}/.", "/{}/./", "/{}/..", "/{}/../{}/", "/./{}/", "/../{}/",
    "/{}%2f", "/{}%2F", "/{}%2fwhy%2f", "/{}/%2e%2e/", "/{}/%2e%2e%2f{}/", "/{}./", "/{}%20/",
    "/{}/%00", "/{}%0d%0aX-Evil:%201/", "/{}%5c", "/{}\\", "/{}/%ff/", "/{}/%c3%28/", "/%", "/{}/%",
    "/{}/%zz/", "/{}/%u0041/", "/{}/?%ff=%fe", "/{}/?%", "/{}/?=", "/{}/?&&&=&", "/{}/?after=%ff",
    "/?after=%ff", "/?after=1-1%00", "/?after=99999999999999999999-1", "/{}/?x[]=1;y", "/{}/?" + "&" * 5000,
    "/{}/?" + "a=1&" * 5000, "/" + "x" * 9000 + "/", "/{}/" + "%2e%2e/" * 500, "/{}/\udcff/", "/{}/?\udcff",
    "/é/", "/{}/?utm_source=%00", "/{}/?utm_source=\udcff", "/{}/#x", "?x", "*", "{}", "/admin/../{}/",
    "/static/../{}/", "/static/..%2f..%2fmanage.py", "/media/..%2f..%2fsecret_key",
]  # fmt: skip


def test_odd_addresses_get_a_clear_answer_and_keep_nothing_wrong(page: Reference) -> None:
    for path in ODD:
        odd = path.replace("{}", page.path.strip("/"))
        page.make_cold()
        answer = page.process.send(request(odd))
        assert answer.status in {200, 301, 302, 400, 404, 414}, (odd, answer.status)
        if answer.status in {301, 302}:
            location = answer.headers["location"]
            assert location.startswith(("/", f"http://{HOST}/")), (odd, location)
            assert not location.startswith(("//", "/\\")), (odd, location)
        assert "x-evil" not in answer.headers, odd
        assert b"django" not in answer.body.lower(), odd
        page.is_unharmed(odd)


def test_an_encoded_letter_is_the_same_page(page: Reference) -> None:
    letter = page.path[1]
    odd = f"/%{ord(letter):02x}{page.path[2:]}"
    entered = len(page.process.entered(page.path))
    answer = page.process.send(request(odd))
    assert answer == page.answer
    assert len(page.process.entered(page.path)) == entered


# --- Floods ---


def pipelined(process: WebProcess, requests: Iterator[bytes], count: int) -> None:
    """Send HEAD requests without waiting for answers; each must be answered with 200."""
    with socket.create_connection(("127.0.0.1", process.port), PATIENCE) as line:
        answered = line.makefile("rb")
        for _ in range(count // 100):
            line.sendall(b"".join(next(requests) for _ in range(100)))
            for _ in range(100):
                assert answered.readline().startswith(b"HTTP/1.1 200"), "not one answer each"
                while answered.readline() != b"\r\n":
                    pass


def test_ten_thousand_tracked_links_are_one_page(page: Reference) -> None:
    before = page.process.memory()
    entered = len(page.process.entered(page.path))
    names = ("utm_source", "fbclid", "gclid", "utm_%s")
    queries = (f"{names[number % 3]}={number}&utm_{number}=x" for number in range(FLOOD))
    pipelined(
        page.process, (request(f"{page.path}?{query}", method="HEAD") for query in queries), FLOOD
    )
    page.is_unharmed("ten thousand links")
    assert len(page.process.entered(page.path)) == entered
    assert page.process.memory() - before < 20_000_000


def test_unknown_queries_and_addresses_are_not_kept_and_drive_nothing_out(page: Reference) -> None:
    robots = Reference(page.process, "/robots.txt")
    # The first half lets the process grow into its work.
    kept, before = (0, 0), 0
    for turn in ("first", "second"):
        queries = (f"/robots.txt?{turn}{number}={number}" for number in range(UNKNOWN))
        pipelined(page.process, (request(path, method="HEAD") for path in queries), UNKNOWN)
        for number in range(30):
            assert page.process.ask(f"/robots.txt?{turn}={number}").status == 200
            assert page.process.ask(f"/{turn}-{number}/").status == 404
            assert page.process.ask(f"{page.path}{turn}-{number}/").status == 404
        if turn == "first":
            kept, before = page.process.kept(), page.process.memory()
    assert page.process.kept() == kept
    assert page.process.memory() - before < 20_000_000
    entered = [len(page.process.entered(path)) for path in (page.path, robots.path)]
    page.is_unharmed("a flood")
    robots.is_unharmed("a flood")
    assert [len(page.process.entered(path)) for path in (page.path, robots.path)] == entered


def test_ten_thousand_queries_and_paths_leave_one_answer_in_the_store(home: HomePage) -> None:
    def application(environ: dict[str, object], start_response: object) -> list[bytes]:
        is_page = environ["PATH_INFO"] == "/page/"
        if is_page:
            freshness.keep(freshness.LISTS)
        assert callable(start_response)
        start_response("200 OK" if is_page else "404 Not Found", [("Content-Type", "text/plain")])
        return [b"words " * 100]

    delivery = Delivery(application)
    paths = ["/page/", *(f"/{number}/" for number in range(FLOOD))]
    queries = ["", *(f"x={number}" for number in range(FLOOD))]
    for path, query in [*((path, "") for path in paths), *(("/page/", query) for query in queries)]:
        delivery(warming.environ_for(path) | {"QUERY_STRING": query}, lambda *said: None)
    assert len(delivery._store) == 1
    assert not delivery._being_made


# --- Methods and bodies ---


METHODS = ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "PURGE", "BAN", "get", "GETS",
           "BREW", "CONNECT", "X" * 300]  # fmt: skip


def test_a_method_that_a_page_does_not_take_is_refused(page: Reference) -> None:
    for method in METHODS:
        page.make_cold()
        for _ in range(2):
            answer = page.process.send(request(page.path, "Content-Length: 0", method=method))
            assert answer.status == 405, (method, answer.status)
            assert {"GET", "HEAD"} <= set(answer.headers["allow"].replace(" ", "").split(","))
            assert "First words" not in answer
        page.is_unharmed(method)


def test_head_of_a_cold_page_keeps_nothing_wrong(page: Reference) -> None:
    page.make_cold()
    for _ in range(2):
        head = page.process.send(request(page.path, method="HEAD"), method="HEAD")
        assert (head.status, head.body) == (200, b"")
        page.is_unharmed("HEAD")
    assert head.headers == page.answer.headers


UNFRAMED = [
    ("Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked", b"0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 5", b"0\r\n\r\n"),
    ("Transfer-Encoding: gzip, chunked", b"0\r\n\r\n"),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
    ("Transfer-Encoding: xchunked", b""),
    ("Transfer-Encoding: identity", b""),
]


def test_a_body_without_a_length_is_refused(page: Reference) -> None:
    for lines, body in UNFRAMED:
        for method in ("GET", "POST", "HEAD"):
            page.make_cold()
            sent = request(page.path, lines, method=method) + body
            answer = page.process.send(sent, method=method)
            assert answer.status in {400, 411}, (method, lines)
            page.is_unharmed(lines)


LENGTHS = ["5\r\nContent-Length: 6", "-1", "0x5", "+5", "5, 6", "five"]


def test_a_length_that_is_none_is_refused(page: Reference) -> None:
    for length in LENGTHS:
        sent = request(page.path, f"Content-Length: {length}") + b"hello!"
        assert page.process.send(sent).status == 400, length
        page.is_unharmed(length)


@pytest.mark.parametrize("warm", [True, False])
def test_a_body_that_comes_with_a_get_is_no_request_of_its_own(page: Reference, warm: bool) -> None:
    if not warm:
        page.make_cold()
    smuggled = request("/admin/", "X-Smuggled: 1")
    with_body = request(page.path, f"Content-Length: {len(smuggled)}") + smuggled
    with socket.create_connection(("127.0.0.1", page.process.port), PATIENCE) as line:
        line.sendall(with_body + request("/robots.txt"))
        found = []
        file = line.makefile("rb")
        for _ in range(2):
            response = http.client.HTTPResponse(_Same(file))  # type: ignore[arg-type]
            response.begin()
            found.append(read(response))
    assert [answer.status for answer in found] == [200, 200]
    assert found[0].text == page.answer.text
    assert "Disallow" in found[1]
    page.is_unharmed("a body")


class _Same:
    """A connection of which answers are read one after another."""

    def __init__(self, file: object) -> None:
        self._file = file

    def makefile(self, mode: str) -> object:
        """Return the one file there is, which nobody who is done with one answer may close."""
        return _Open(self._file)


class _Open:
    def __init__(self, file: object) -> None:
        self._file = file

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def close(self) -> None:
        """Leave it open."""


# --- Headers ---


HEADERS: list[list[str]] = [
    [f"X-Long: {'x' * 65_536}"],
    [f"Cookie: a={'x' * 65_536}"],
    [f"X-{number}: x" for number in range(3_000)],
    [f"{'X' * 65_536}: x"],
    ["X Y: 1"],
    [": 1"],
    ["X-Folded: 1\r\n  2"],
    ["X-Nul: \x00"],
    ["X-Bare: 1\n\nY: 2"],
    ["Nothing"],
    [f"If-None-Match: {'x' * 10_000}"],
    [f"User-Agent: {'(' * 10_000}"],
]


def test_headers_that_nobody_sends_are_answered_or_refused(page: Reference) -> None:
    for lines in HEADERS:
        page.make_cold()
        answer = page.process.send(request(page.path, *lines))
        assert answer.status in {200, 400, 431}, (lines[0][:30], answer.status)
        page.is_unharmed(lines[0][:30])


ENCODINGS = {
    "br": {"br"},
    "BR, GZIP": {"br"},
    "br;q=0": {"identity"},
    "br;q=0, gzip": {"gzip"},
    "br;q=0.0, gzip;q=0.000": {"identity"},
    "gzip;q=1, br;q=0.5": {"gzip"},
    "identity;q=0": {"identity", "br", "gzip"},
    "identity": {"identity"},
    "*": {"br", "gzip"},
    "*;q=0": {"identity"},
    "*, br;q=0": {"gzip"},
    "gzip, identity;q=0": {"gzip"},
    "": {"identity"},
    "zstd, compress": {"identity"},
    "br;q=nan": {"identity"},
    "br;q=inf": {"identity"},
    "br;q=": {"identity"},
    "br;q=2": {"identity"},
    "br;q=-1": {"identity"},
    ",,;;q=1,=;,": {"identity"},
    "brotli, xbr, brr": {"identity"},
    "\udcff\udcfe": {"identity"},
    "br, " * 2_500 + "gzip": {"br"},
    "x" * 10_000: {"identity"},
}


def test_every_reader_gets_an_encoding_that_he_takes(page: Reference) -> None:
    for header, encodings in ENCODINGS.items():
        page.make_cold()
        for _ in ("cold", "warm"):
            answer = page.process.send(request(page.path, f"Accept-Encoding: {header}"))
            encoding = answer.headers.get("content-encoding", "identity")
            assert answer.status == 200, header[:50]
            assert encoding in encodings, header[:50]
            assert answer.text == page.answer.text, header[:50]
            assert int(answer.headers["content-length"]) == len(answer.body)
            assert answer.headers["vary"] == "Accept-Encoding"
            assert answer.headers["etag"].endswith(f'-{encoding}"')
        page.is_unharmed(header[:50])


def test_only_who_has_this_very_page_gets_304(page: Reference) -> None:
    etag = page.answer.headers["etag"]
    for header in (etag, f"W/{etag}", f'"x", {etag}', f'W/"x",{etag} , "y"', "*", " * "):
        answer = page.process.send(request(page.path, f"If-None-Match: {header}"))
        assert (answer.status, answer.body) == (304, b""), header
        assert answer.headers["etag"] == etag
        assert "content-length" not in answer.headers or answer.headers["content-length"] == "0"
    for header in ("", '"', '""', '"x"', "W/", etag[1:-1], etag.replace("-identity", "-br"), ", ,",
                   "\udcff", f'"{"x" * 8_000}"', f"{etag}x", '"*"'):  # fmt: skip
        assert page.process.send(request(page.path, f"If-None-Match: {header}")).status == 200, (
            header[:50]
        )
    page.is_unharmed("If-None-Match")


# --- Slow clients ---


def test_five_hundred_slow_clients_keep_no_reader_waiting_for_ever(page: Reference) -> None:
    with ExitStack() as lines:
        slow = [
            lines.enter_context(
                socket.create_connection(("127.0.0.1", page.process.port), PATIENCE)
            )
            for _ in range(SLOW_CLIENTS)
        ]
        head = request(page.path, "X-Slow: 1")
        for number, line in enumerate(slow):
            # Some stop in the middle of a head, some in the middle of a body that they announced.
            line.sendall(
                head[: number % len(head)]
                if number % 2
                else request("/admin/login/", "Content-Length: 999", method="POST") + b"x"
            )
        for _ in range(20):
            page.is_unharmed("slow clients")
        for line in slow:
            with suppress(OSError):
                line.sendall(b"x")
        page.is_unharmed("slow clients")
        assert page.process.ask(f"{page.path}print/").status == 200
    eventually(lambda: page.process.ask("/healthz").status == 200, "it lives")
