"""`python -m tests.real_networks`: try connectors, and the admin, on servers that other people wrote.

Without more it installs a personal data server of the AT Protocol from npm and kepi, a server that speaks Mastodon's
API, from PyPI, each into a folder below ~/.cache, and starts them on loopback. REAL_PDS, REAL_PDS_HANDLE and
REAL_PDS_PASSWORD name an account on a server that runs instead; REAL_MASTODON and REAL_MASTODON_TOKEN another. Their posts
with the tests' link go. REAL_PDS_PACKAGES and REAL_KEPI_PACKAGES are other folders to install into.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.real_networks import installing, servers


def main() -> int:
    """Return 0 when what can be tried holds, 2 when there is no server to try it on."""
    if not servers.is_pds_named() and (packages := installing.pds()):
        os.environ[servers.PDS_PACKAGES] = str(packages)
    if not servers.is_mastodon_named() and (python := installing.kepi()):
        os.environ[servers.KEPI_PYTHON] = str(python)
    if not servers.has_pds() and not servers.has_mastodon():
        print("No server to try it on: see `python -m pydoc tests.real_networks.__main__`.")
        return 2
    tried = [str(Path(__file__).with_name(f"{name}.py")) for name in ("contract", "admin")]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *tried, "--force-enable-socket", "-q", *sys.argv[1:]],
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
