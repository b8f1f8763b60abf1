"""`python -m tests.real_networks`: try the contract of connectors on servers that other people wrote.

REAL_PDS, REAL_PDS_HANDLE and REAL_PDS_PASSWORD name an account on a personal data server; without them one is
installed from npm into REAL_PDS_PACKAGES, or a folder below ~/.cache, and started on loopback. REAL_MASTODON and
REAL_MASTODON_TOKEN name an account on a server that speaks Mastodon's API; its posts with the tests' link go.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("@atproto/pds@0.4", "@did-plc/server@0.0.1")


def main() -> int:
    """Return 0 when the contract is kept, 2 when there is no server to try it on."""
    if not os.environ.get("REAL_PDS"):
        folder = Path(
            os.environ.get("REAL_PDS_PACKAGES") or Path.home() / ".cache" / "healthsite" / "pds"
        )
        if _installed(folder):
            os.environ["REAL_PDS_PACKAGES"] = str(folder)
        elif not os.environ.get("REAL_MASTODON"):
            print("No server to try it on: see `python -m pydoc tests.real_networks.__main__`.")
            return 2
    contract = Path(__file__).with_name("contract.py")
    return subprocess.run(
        [sys.executable, "-m", "pytest", contract, "--force-enable-socket", "-q", *sys.argv[1:]],
        check=False,
    ).returncode


def _installed(folder: Path) -> bool:
    """Tell whether the server is in a folder, after putting it there where npm can."""
    if (folder / "node_modules" / "@atproto" / "pds").is_dir():
        return True
    npm = shutil.which("npm")
    if npm is None:
        print("There is no npm. Debian, Ubuntu: apt install nodejs npm")
        return False
    folder.mkdir(parents=True, exist_ok=True)
    print(f"npm installs {' and '.join(PACKAGES)} into {folder} ...", flush=True)
    install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", *PACKAGES]
    # Its database's own program comes from another place, or is compiled here, which takes two minutes.
    build = [npm, "rebuild", "--prefix", str(folder), "better-sqlite3", "--build-from-source"]
    node = Path(shutil.which("node") or npm).resolve().parent.parent
    headers = {"npm_config_nodedir": str(node)} if (node / "include" / "node").is_dir() else {}
    return all(
        subprocess.run(command, check=False, env=os.environ | headers).returncode == 0
        for command in (install, build)
    )


if __name__ == "__main__":
    sys.exit(main())
