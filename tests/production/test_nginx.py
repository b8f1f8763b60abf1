"""The sample configuration in a real nginx: before an echo of requests, and before the site."""

import http.client
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
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

    def do_GET(self) -> None:
        Echo.asked.append(self.path)
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
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """Return nginx before a running site that trusts it."""
    find_nginx()
    folder = tmp_path_factory.mktemp("site")
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


def test_an_editor_signs_in_through_it(site: Nginx) -> None:
    form = ask(site.port, "/admin/login/")
    cookie = form.headers["Set-Cookie"].partition(";")[0]
    token = form.body.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    fields = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": token, "next": ""}
    sent = ask(
        site.port,
        "/admin/login/",
        method="POST",
        body=urlencode(fields).encode(),
        Content_Type="application/x-www-form-urlencoded",
        Cookie=cookie,
        Origin=f"http://127.0.0.1:{site.port}",
    )
    assert sent.status == 302
    assert sent.headers["Location"] == "/admin/"
    session = "; ".join(value.partition(";")[0] for value in sent.headers.get_all("Set-Cookie", []))
    inside = ask(site.port, "/admin/", Cookie=session)
    assert inside.status == 200
    assert b"Healthsite" in inside.body


def test_the_health_that_compose_asks_for_is_there(site: Nginx) -> None:
    assert ask(site.port, "/healthz", Host="127.0.0.1").status == 200
