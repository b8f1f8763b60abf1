"""Start the servers that other people wrote, on loopback, or take accounts on ones that run from the environment."""

import os
import secrets
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from healthsite.supervisor.parent_death import binder
from tests.real_networks import certificate
from tests.real_networks.asking import Client

_HERE = Path(__file__).parent
_PDS = ("REAL_PDS", "REAL_PDS_HANDLE", "REAL_PDS_PASSWORD")
_MASTODON = ("REAL_MASTODON", "REAL_MASTODON_TOKEN")
# Set by `__main__` once it has installed them: a folder of npm's, and a Python that has kepi.
PDS_PACKAGES, KEPI_PYTHON = "REAL_PDS_PACKAGES", "REAL_KEPI_PYTHON"


@dataclass(frozen=True)
class Pds:
    """An account on a personal data server of the AT Protocol."""

    origin: str
    handle: str
    password: str


@dataclass(frozen=True)
class MastodonServer:
    """An account on a server that speaks Mastodon's API, with a token, or with a password to get one.

    `authority` is the file of who signed its certificate, where that is nobody the system knows.
    """

    origin: str
    token: str = ""
    name: str = ""
    password: str = ""
    authority: Path | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        """Return what it is spoken to with."""
        return ssl.create_default_context(cafile=self.authority)


def is_pds_named() -> bool:
    """Tell whether the environment names an account on a server that runs."""
    return bool(_named(_PDS))


def is_mastodon_named() -> bool:
    """Tell whether the environment names an account on a server that runs."""
    return bool(_named(_MASTODON))


def has_pds() -> bool:
    """Tell whether there is a server to try."""
    return is_pds_named() or bool(os.environ.get(PDS_PACKAGES))


def has_mastodon() -> bool:
    """Tell whether there is a server to try."""
    return is_mastodon_named() or bool(os.environ.get(KEPI_PYTHON))


@contextmanager
def pds(folder: Path) -> Iterator[Pds]:
    """Run a server with its data in a folder, and a new account on it."""
    if _named(_PDS):
        yield Pds(*_named(_PDS))
        return
    program = _HERE / "pds.mjs"
    with _running(["node", program, os.environ[PDS_PACKAGES], folder]) as origin:
        handle, password = f"health{secrets.token_hex(4)}.test", secrets.token_urlsafe(16)
        made = {"email": f"{handle}@health.example", "handle": handle, "password": password}
        Client(origin).json("POST", "/xrpc/com.atproto.server.createAccount", made)
        yield Pds(origin, handle, password)


@contextmanager
def mastodon(folder: Path) -> Iterator[MastodonServer]:
    """Run kepi with its data in a folder, and a new account on it."""
    if _named(_MASTODON):
        origin, token = _named(_MASTODON)
        name, password = (
            os.environ.get(f"REAL_MASTODON_{part}", "") for part in ("NAME", "PASSWORD")
        )
        yield MastodonServer(origin, token, name, password)
        return
    authority = certificate.make(folder)
    name, password = f"health{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    program = _HERE / "kepi_server.py"
    with _running(
        [os.environ[KEPI_PYTHON], "-W", "ignore", program, folder, name], KEPI_PASSWORD=password
    ) as origin:
        yield MastodonServer(origin, "", name, password, authority)


@contextmanager
def _running(command: Sequence[str | Path], **variables: str) -> Iterator[str]:
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
        preexec_fn=binder(),
    ) as process:
        try:
            assert process.stdout is not None
            said = next((line for line in process.stdout if line.startswith("ready ")), "")
            assert said, "the server did not start"
            yield said.split()[1]
        finally:
            process.kill()


def _named(variables: tuple[str, ...]) -> list[str]:
    values = [os.environ.get(each, "") for each in variables]
    return values if all(values) else []
