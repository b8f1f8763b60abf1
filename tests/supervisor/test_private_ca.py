"""Installing behind a company's own certificate authority: a real index, served with a real certificate."""

import hashlib
import os
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from healthsite.supervisor import virtualenv
from tests.missing import program

WHEEL = "nothing_at_all-1.0-py3-none-any.whl"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Mirror:
    """An index that a company serves, and the certificate of its authority."""

    index: str
    authority: Path
    lock: Path


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    folder = tmp_path_factory.mktemp("mirror")
    project = folder / "served/simple/nothing-at-all"
    project.mkdir(parents=True)
    with zipfile.ZipFile(project / WHEEL, "w") as wheel:
        info = "nothing_at_all-1.0.dist-info"
        wheel.writestr("nothing_at_all.py", "")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: nothing-at-all\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(
            f"{info}/RECORD",
            f"nothing_at_all.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
        )
    digest = hashlib.sha256((project / WHEEL).read_bytes()).hexdigest()
    (project / "index.html").write_text(f'<a href="{WHEEL}#sha256={digest}">{WHEEL}</a>')
    lock = folder / "requirements.lock"
    lock.write_text(f"nothing-at-all==1.0 --hash=sha256:{digest}\n")

    _make_certificates(folder)
    handler = partial(Quiet, directory=str(folder / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        # Clients that do not trust it break off, which is no news.
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Mirror(
            f"https://127.0.0.1:{server.server_port}/simple/", folder / "authority.pem", lock
        )
        server.shutdown()
        thread.join()


def _make_certificates(folder: Path) -> None:
    def openssl(*words: str) -> None:
        subprocess.run(
            [program("openssl", "openssl"), *words], cwd=folder, check=True, capture_output=True
        )

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=A company",
            "-keyout", "authority.key", "-out", "authority.pem",
            "-addext", "basicConstraints=critical,CA:TRUE")  # fmt: skip
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1",
            "-keyout", "server.key", "-out", "server.csr")  # fmt: skip
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key",
            "-days", "2", "-extfile", "san", "-out", "server.pem")  # fmt: skip


def install(mirror: Mirror, target: Path, program: list[str], more: dict[str, str]) -> str:
    """Install the lock from the mirror into `target`; return what was said where that failed."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ended = subprocess.run(
        [*program, "install", "--target", str(target), "--no-deps", "--require-hashes",
         "--only-binary", ":all:", "-r", str(mirror.lock)],
        env=kept | more, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (ended.returncode == 0) == (target / "nothing_at_all.py").exists()
    return "" if ended.returncode == 0 else ended.stderr + ended.stdout


@pytest.fixture
def uv() -> list[str]:
    return [str(Path(sys.executable).parent / "uv"), "--no-cache", "pip"]


@pytest.fixture
def company(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the environment of a company's machine: pip's index, and the authority's certificate."""
    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_", "SSL_CERT", "REQUESTS_CA", "CURL_CA")):
            monkeypatch.delenv(name)
    company = {
        "PIP_INDEX_URL": mirror.index,
        "PIP_CONFIG_FILE": os.devnull,
        "SSL_CERT_FILE": str(mirror.authority),
    }
    for name, value in company.items():
        monkeypatch.setenv(name, value)
    return company


def test_uv_installs_with_the_certificates_of_the_system(
    mirror: Mirror, company: dict[str, str], uv: list[str], tmp_path: Path
) -> None:
    told = virtualenv.uv_settings(virtualenv.find_pip())
    assert told == {"UV_SYSTEM_CERTS": "1", "UV_DEFAULT_INDEX": mirror.index}
    assert install(mirror, tmp_path / "to", uv, company | told) == ""


def test_nobody_believes_an_authority_that_the_machine_does_not_know(
    mirror: Mirror, company: dict[str, str], uv: list[str], tmp_path: Path
) -> None:
    nobody = tmp_path / "nobody.pem"
    nobody.write_text("")
    stranger = {"UV_SYSTEM_CERTS": "1", "UV_DEFAULT_INDEX": mirror.index, "SSL_CERT_FILE": str(nobody),
                "UV_HTTP_RETRIES": "0"}  # fmt: skip
    assert install(mirror, tmp_path / "to", uv, stranger)


def test_without_uv_pip_installs_the_same_lock_there(
    mirror: Mirror, company: dict[str, str], tmp_path: Path
) -> None:
    pip = [sys.executable, *virtualenv.find_pip()[1:]]
    with_pip = company | {"PIP_CERT": str(mirror.authority)}
    assert install(mirror, tmp_path / "to", pip, with_pip) == ""


def test_a_choice_of_the_user_is_left_alone(
    company: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_SYSTEM_CERTS", "0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.example.org/simple")
    assert virtualenv.uv_settings(virtualenv.find_pip()) == {}
