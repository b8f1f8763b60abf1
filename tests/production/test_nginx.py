"""The sample configuration in a real nginx: before an echo of requests, and before the site."""

import http.client
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest

from healthsite.paths import PROJECT_ROOT
from tests.missing import program
from tests.production.nginx import Nginx, find_nginx, version
from tests.supervisor.conftest import SUPERVISOR, Start, free_port

pytestmark = pytest.mark.processes

PASSWORD = "made up for this test alone"
# Generous: a busy machine is slow, and a test that waits in vain fails all the same.
PATIENCE = 60.0
BIGGEST = 25 * 1024 * 1024


def snippet(name: str) -> str:
    return (PROJECT_ROOT / "deploy" / name).read_text(encoding="utf-8")


class Answer:
    """What came back, read whole."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self) -> dict[str, str]:
        told: dict[str, str] = json.loads(self.body)
        return told


def ask(
    port: int,
    path: str = "/",
    *,
    method: str = "GET",
    body: bytes | Iterator[bytes] | None = None,
    **headers: str,
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=named)
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Echo(BaseHTTPRequestHandler):
    """Answers with the request's own headers, as JSON in lower case."""

    protocol_version = "HTTP/1.1"
    asked: list[str]
    # What is published now, at every address below /kept/ and /share/.
    words = "first words"
    status = 200

    def do_GET(self) -> None:
        Echo.asked.append(self.path)
        if self.path.startswith(("/kept/", "/share/")):
            self._answer_as_a_page()
            return
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        told = headers | {"path": self.path, "body": self.rfile.read(length).decode()}
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Server", "echo/1.0")
        if self.path.startswith("/static/"):
            self.send_header("Cache-Control", "max-age=315360000, public, immutable")
            self.send_header("Vary", "Accept-Encoding")
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def _answer_as_a_page(self) -> None:
        encoding = self.headers.get("Accept-Encoding", "identity")
        answer = f"{Echo.words} in {encoding}".encode()
        self.send_response(Echo.status)
        self.send_header("Content-Length", str(len(answer)))
        if encoding != "identity":
            self.send_header("Content-Encoding", encoding)
        self.send_header("ETag", f'"{Echo.words.split()[0]}-{encoding}"')
        self.send_header("Vary", "Accept-Encoding")
        self.send_header("Cache-Control", "no-cache")
        if Echo.status == 200:
            self.send_header("X-Accel-Expires", "1")
        if "cookie" in self.path:
            self.send_header("Set-Cookie", "a=1")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def echo_port() -> Iterator[int]:
    Echo.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def echo(echo_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """Return nginx before the echo, with two pictures of its own."""
    folder = tmp_path_factory.mktemp("echo")
    pictures = folder / "srv/media/images"
    pictures.mkdir(parents=True)
    (pictures / "small.png").write_bytes(b"\x89PNG of a test")
    (pictures / "trap.png").symlink_to("/etc/passwd")
    (folder / "srv/media/documents").mkdir()
    (folder / "srv/media/documents/secret.pdf").write_bytes(b"for some alone")
    nginx = Nginx(folder, free_port(), f"127.0.0.1:{echo_port}", folder / "srv/media")
    nginx.start()
    yield nginx
    nginx.stop()


def test_nginx_accepts_the_configuration(tmp_path: Path) -> None:
    assert Nginx(tmp_path, 8080, "127.0.0.1:8000", tmp_path / "media").problems() == ""


def test_nginx_accepts_tls(tmp_path: Path) -> None:
    names = ("tls_certificate", "tls_key")
    subprocess.run(
        [program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=h",
         "-out", tmp_path / names[0], "-keyout", tmp_path / names[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    text = snippet("nginx-tls.conf").replace("/run/secrets/", f"{tmp_path}/")
    if version(find_nginx()) < (1, 25, 1):
        # An older one wants it beside `listen`.
        text = text.replace("http2 on;", "")
    nginx = Nginx(tmp_path, 8080, "127.0.0.1:8000", tmp_path / "media", {"tls.conf": text})
    assert nginx.problems() == ""


# --- What the site is told ---


def test_what_a_client_claims_of_itself_is_replaced(echo: Nginx) -> None:
    told = ask(
        echo.port,
        X_Forwarded_For="203.0.113.7, 198.51.100.9",
        X_Forwarded_Proto="https",
        X_Forwarded_Host="evil.example",
        X_Forwarded_Port="1",
        X_Real_IP="203.0.113.7",
        Forwarded="for=203.0.113.7;host=evil.example",
    ).json()
    assert told["x-forwarded-for"] == "127.0.0.1"
    assert told["x-forwarded-proto"] == "http"
    assert told["host"] == f"127.0.0.1:{echo.port}"
    assert not {"x-forwarded-host", "x-forwarded-port", "x-real-ip", "forwarded"} & set(told)
    assert "evil" not in json.dumps(told)


def test_behind_a_proxy_of_ours_the_last_address_that_is_not_ours_counts(
    echo_port: int, tmp_path: Path
) -> None:
    snippets = {"behind-proxy.conf": snippet("nginx-behind-proxy.conf")}
    nginx = Nginx(tmp_path, free_port(), f"127.0.0.1:{echo_port}", tmp_path / "media", snippets)
    nginx.start()
    try:
        told = ask(nginx.port, X_Forwarded_For="192.0.2.1, 203.0.113.7, 172.18.0.1").json()
    finally:
        nginx.stop()
    assert told["x-forwarded-for"] == "203.0.113.7"
    assert told["x-forwarded-proto"] == "https"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost"])
def test_a_foreign_host_gets_no_answer(host: str, echo: Nginx) -> None:
    before = len(Echo.asked)
    with socket.create_connection(("127.0.0.1", echo.port), 10) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = b""
        # 444 with reset_timedout_connection: a reset, not even an end.
        with suppress(ConnectionResetError):
            answer = connection.recv(4096)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert len(Echo.asked) == before


def test_a_path_reaches_the_site_as_it_came(echo: Nginx) -> None:
    assert ask(echo.port, "/a%2fb/%C3%BC?q=a%20b").json()["path"] == "/a%2fb/%C3%BC?q=a%20b"


def test_a_body_in_pieces_reaches_the_site_whole_with_its_length(echo: Nginx) -> None:
    told = ask(echo.port, method="POST", body=iter([b"one ", b"two"])).json()
    assert told["body"] == "one two"
    assert told["content-length"] == "7"
    assert "transfer-encoding" not in told


def test_an_upload_that_is_too_big_is_refused_before_the_site_sees_it(echo: Nginx) -> None:
    before = len(Echo.asked)
    with socket.create_connection(("127.0.0.1", echo.port), 30) as connection:
        head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {BIGGEST + 1}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")
    assert len(Echo.asked) == before


def test_an_upload_of_the_biggest_size_passes(echo: Nginx) -> None:
    told = ask(echo.port, method="POST", body=b"x" * BIGGEST).json()
    assert len(told["body"]) == BIGGEST


# --- What the reader gets ---


def test_a_static_file_is_asked_of_the_site_once(echo: Nginx) -> None:
    first, second = ask(echo.port, "/static/a.0123.css"), ask(echo.port, "/static/a.0123.css?x=1")
    assert Echo.asked.count("/static/a.0123.css") == 1
    assert "/static/a.0123.css?x=1" not in Echo.asked
    assert (first.headers["X-Static-Cache"], second.headers["X-Static-Cache"]) == ("MISS", "HIT")


def test_a_page_is_asked_of_the_site_each_time(echo: Nginx) -> None:
    for _ in range(2):
        ask(echo.port, "/a-page/")
    assert Echo.asked.count("/a-page/") == 2


def kept(port: int, path: str, encoding: str = "identity") -> Answer:
    """Return an answer that nginx had: of the first two within a second, the second."""
    return until(port, path, lambda answer: answer.headers["X-Page-Cache"] == "HIT", encoding)


def until(
    port: int, path: str, is_so: Callable[[Answer], bool], encoding: str = "identity"
) -> Answer:
    """Ask until an answer is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so(answer := ask(port, path, Accept_Encoding=encoding)):
        assert time.monotonic() < deadline, (answer.status, dict(answer.headers), answer.body)
        time.sleep(0.02)
    return answer


def after_two_seconds(port: int, path: str) -> Answer:
    """Return the answer to who asks two seconds from now; others ask all the time."""
    is_over = time.monotonic() + 2
    while time.monotonic() < is_over:
        ask(port, path)
        time.sleep(0.05)
    return ask(port, path)


def test_a_page_that_the_site_marks_is_kept_for_a_moment(echo: Nginx) -> None:
    answer = kept(echo.port, "/kept/page/")
    assert answer.body == b"first words in identity"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["ETag"] == '"first-identity"'
    assert "X-Accel-Expires" not in answer.headers


def test_an_edit_and_a_takedown_are_seen_within_two_seconds(
    echo: Nginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(echo.port, "/kept/edited/")
    monkeypatch.setattr(Echo, "words", "second words")
    assert after_two_seconds(echo.port, "/kept/edited/").body == b"second words in identity"
    monkeypatch.setattr(Echo, "status", 404)
    assert after_two_seconds(echo.port, "/kept/edited/").status == 404


def test_whoever_sends_a_cookie_or_a_password_is_answered_by_the_site(echo: Nginx) -> None:
    path = "/kept/private/"
    kept(echo.port, path)
    before = Echo.asked.count(path)
    for answer in (
        ask(echo.port, path, Cookie="session=1"),
        ask(echo.port, path, Authorization="Basic x"),
    ):
        assert "X-Page-Cache" not in answer.headers
    assert Echo.asked.count(path) == before + 2
    # Nor is what he gets kept.
    ask(echo.port, "/kept/first/", Cookie="session=1")
    assert ask(echo.port, "/kept/first/").headers["X-Page-Cache"] == "MISS"


def test_what_sets_a_cookie_is_not_kept(echo: Nginx) -> None:
    for _ in range(3):
        assert ask(echo.port, "/kept/cookie/").headers["X-Page-Cache"] == "MISS"


def test_what_counts_a_reader_reaches_the_site_each_time(echo: Nginx) -> None:
    for _ in range(3):
        assert "X-Page-Cache" not in ask(echo.port, "/share/code/bluesky/").headers
    assert Echo.asked.count("/share/code/bluesky/") == 3


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0.5", "br"),
        ("BR;q=1.000", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.000, gzip;q=.001", "gzip"),
        ("gzip", "gzip"),
        ("gzip;q=0", "identity"),
        ("identity", "identity"),
        ("*", "identity"),
        ("brotli, xbr, gzipped, br-x", "identity"),
        ("br;q=1, " + "x" * 4000, "br"),
        ("br;q=garbage", "identity"),
    ],
)
def test_encodings_are_never_mixed(header: str, encoding: str, echo: Nginx) -> None:
    # The others are there already.
    for other in ("br", "gzip", "identity"):
        kept(echo.port, "/kept/encoded/", other)
    for answer in (
        ask(echo.port, "/kept/encoded/", Accept_Encoding=header),
        kept(echo.port, "/kept/encoded/", header),
    ):
        assert answer.body == f"first words in {encoding}".encode()
        assert answer.headers.get("Content-Encoding", "identity") == encoding
        assert answer.headers["Vary"] == "Accept-Encoding"


def test_who_has_the_page_gets_304_and_a_part_is_the_whole(echo: Nginx) -> None:
    path = "/kept/again/"
    etag = kept(echo.port, path).headers["ETag"]
    assert ask(echo.port, path, If_None_Match=etag).status == 304
    assert ask(echo.port, path, If_None_Match='"first-br"').status == 200
    for answer in (
        ask(echo.port, path, Range="bytes=0-3"),
        ask(echo.port, path, Range="bytes=-1", If_Range=etag),
    ):
        assert (answer.status, answer.body) == (200, b"first words in identity")
    head = ask(echo.port, path, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["ETag"] == etag


def test_addresses_that_differ_in_anything_are_apart(echo: Nginx) -> None:
    kept(echo.port, "/kept/one/")
    for path in ("/kept/one", "/kept/one/?", "/kept/one/?a=1", "/kept//one/", "/kept/one%2f"):
        assert ask(echo.port, path).headers["X-Page-Cache"] == "MISS"


def test_while_the_site_is_down_what_was_read_is_shown(
    echo_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        upstream = f"127.0.0.1:{server.server_port}"
        nginx = Nginx(tmp_path, free_port(), upstream, tmp_path / "media")
        nginx.start()
        try:
            kept(nginx.port, "/kept/page/")
            # What the site itself says is passed on: it knows what it may still show.
            with monkeypatch.context() as broken:
                broken.setattr(Echo, "status", 503)
                until(nginx.port, "/kept/page/", lambda answer: answer.status == 503)
            kept(nginx.port, "/kept/page/")
            server.shutdown()
            server.server_close()
            thread.join()
            answer = until(
                nginx.port, "/kept/page/", lambda answer: answer.headers["X-Page-Cache"] == "STALE"
            )
            assert (answer.status, answer.body) == (200, b"first words in identity")
            assert ask(nginx.port, "/kept/never-read/").status == 502
        finally:
            nginx.stop()


def test_a_picture_comes_from_the_disk_and_is_never_a_page_of_ours(echo: Nginx) -> None:
    answer = ask(echo.port, "/media/images/small.png")
    assert answer.body == b"\x89PNG of a test"
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"


def test_a_picture_that_is_not_there_is_asked_of_the_site(echo: Nginx) -> None:
    assert ask(echo.port, "/media/images/later.png").json()["path"] == "/media/images/later.png"


@pytest.mark.parametrize(
    "path",
    [
        "/media/documents/secret.pdf",
        "/media/original_images/a.png",
        "/media/images/../documents/secret.pdf",
        "/media/images/%2e%2e/documents/secret.pdf",
        "/media/images/..%2fdocuments/secret.pdf",
    ],
)
def test_everything_else_of_the_uploads_is_the_sites_to_give(path: str, echo: Nginx) -> None:
    answer = ask(echo.port, path)
    assert b"for some alone" not in answer.body
    assert answer.status == 400 or answer.json()["path"]


def test_a_link_out_of_the_folder_is_not_followed(echo: Nginx) -> None:
    assert b"root:" not in ask(echo.port, "/media/images/trap.png").body


def test_nothing_tells_a_version(echo: Nginx) -> None:
    assert ask(echo.port).headers["Server"] == "nginx"


def test_the_log_holds_nothing_of_the_reader(echo: Nginx) -> None:
    ask(
        echo.port,
        "/a-health-page/?q=my-illness",
        User_Agent="An-Agent/1.0",
        Referer="http://127.0.0.1/before/",
    )
    log = echo.access_log.read_text()
    line = next(line for line in log.splitlines() if "/a-health-page/" in line)
    assert line.split()[1:4] == ["GET", "/a-health-page/", "200"]
    for trace in ("127.0.0.1", "An-Agent", "before", "my-illness"):
        assert trace not in line


# --- Before the site itself ---


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, migrated: Callable[[Path], None]
) -> Iterator[Nginx]:
    """Return nginx before a running site that trusts it."""
    find_nginx()
    folder = tmp_path_factory.mktemp("site")
    migrated(folder / "data")
    front, behind = free_port(), free_port()
    start = Start(
        folder / "data",
        behind,
        SUPERVISOR,
        folder / "said.txt",
        SITE_URL=f"http://127.0.0.1:{front}",
        TRUST_PROXY_HEADERS="1",
        HEALTHSITE_ADMIN_PASSWORD=PASSWORD,
    )
    nginx = Nginx(folder, front, f"127.0.0.1:{behind}", folder / "data/media")
    try:
        start.wait_for("\nready ")
        nginx.start()
        yield nginx
    finally:
        nginx.stop()
        start.tidy()


def test_readers_read_through_it(site: Nginx) -> None:
    home = ask(site.port)
    assert home.status == 200
    article = home.body.decode().partition('href="/causes-of-muscle-twitching/')
    assert article[1]
    page = ask(site.port, "/causes-of-muscle-twitching/")
    assert page.status == 200
    assert f"http://127.0.0.1:{site.port}/causes-of-muscle-twitching/" in page.body.decode()
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers.get_all("Set-Cookie") is None


def test_static_files_come_through_it_and_are_kept(site: Nginx) -> None:
    page = ask(site.port).body.decode()
    sheet = page.partition('rel="stylesheet"')
    address = (sheet[0][-200:] + sheet[2][:200]).partition('href="')[2].partition('"')[0]
    assert address.startswith("/static/"), address
    first, second = ask(site.port, address), ask(site.port, address)
    assert first.status == 200
    assert "immutable" in first.headers["Cache-Control"]
    assert second.headers["X-Static-Cache"] == "HIT"
    assert second.body == first.body


def sign_in(port: int) -> str:
    """Sign in as the administrator; return the cookies of the session."""
    form = ask(port, "/admin/login/")
    cookie = form.headers["Set-Cookie"].partition(";")[0]
    fields = {"username": "admin", "password": PASSWORD, "next": ""}
    sent = post(port, "/admin/login/", form, cookie, **fields)
    assert sent.status == 302
    assert sent.headers["Location"] == "/admin/"
    return "; ".join(value.partition(";")[0] for value in sent.headers.get_all("Set-Cookie", []))


def post(port: int, path: str, form: Answer, cookie: str, **fields: str) -> Answer:
    """Send a form that was shown, with its token."""
    token = form.body.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    return ask(
        port,
        path,
        method="POST",
        body=urlencode(fields | {"csrfmiddlewaretoken": token}).encode(),
        Content_Type="application/x-www-form-urlencoded",
        Cookie=cookie,
        Origin=f"http://127.0.0.1:{port}",
    )


def test_an_editor_signs_in_through_it(site: Nginx) -> None:
    inside = ask(site.port, "/admin/", Cookie=sign_in(site.port))
    assert inside.status == 200
    assert b"Healthsite" in inside.body


def test_the_health_that_compose_asks_for_is_there(site: Nginx) -> None:
    assert ask(site.port, "/healthz", Host="127.0.0.1").status == 200


def test_a_page_is_kept_and_taken_down_within_two_seconds(site: Nginx) -> None:
    path = "/causes-of-muscle-twitching/"
    page = kept(site.port, path, "gzip, br")
    assert page.headers["Content-Encoding"] == "br"
    assert page.headers["Cache-Control"] == "no-cache"
    assert "X-Accel-Expires" not in page.headers
    assert (
        ask(site.port, path, Accept_Encoding="br", If_None_Match=page.headers["ETag"]).status == 304
    )
    assert ask(site.port, f"/api/v1/articles{path}").json()["slug"] in path

    number = ask(site.port, f"/api/v1/articles{path}").json()["id"]
    cookie = sign_in(site.port)
    address = f"/admin/pages/{number}/unpublish/"
    form = ask(site.port, address, Cookie=cookie)
    assert post(site.port, address, form, cookie).status == 302
    # Who signed in sees it at once, and everybody else after a moment.
    assert ask(site.port, path, Cookie=cookie).status == 404
    assert after_two_seconds(site.port, path).status == 404
    assert path not in ask(site.port).body.decode()
