"""Install the servers that other people wrote, each into a folder of its own below ~/.cache."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PDS_PACKAGES = ("@atproto/pds@0.4.217", "@did-plc/server@0.0.1")
KEPI_PACKAGES = Path(__file__).with_name("kepi.txt")
# An installation that was broken off does not have it.
_BUILT_LAST = "node_modules/better-sqlite3/build/Release/better_sqlite3.node"
# kepi's Django runs on no later one.
_KEPI_PYTHONS = ("python3.11", "python3.10", "python3.9")


def pds() -> Path | None:
    """Return the folder in which npm has installed a personal data server; None where it cannot."""
    folder = _folder("REAL_PDS_PACKAGES", "pds")
    if (folder / _BUILT_LAST).is_file():
        return folder
    npm = shutil.which("npm")
    if npm is None:
        print("There is no npm. Debian, Ubuntu: apt install nodejs npm")
        return None
    folder.mkdir(parents=True, exist_ok=True)
    print(f"npm installs {' and '.join(PDS_PACKAGES)} into {folder} ...", flush=True)
    install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", *PDS_PACKAGES]
    # Its database's own program comes from another place, or is compiled here, which takes two minutes.
    build = [npm, "rebuild", "--prefix", str(folder), "better-sqlite3", "--build-from-source"]
    node = Path(shutil.which("node") or npm).resolve().parent.parent
    headers = {"npm_config_nodedir": str(node)} if (node / "include" / "node").is_dir() else {}
    done = _all_of([install, build], headers)
    return folder if done else None


def kepi() -> Path | None:
    """Return the Python of a virtual environment with kepi; None where it cannot be made."""
    folder = _folder("REAL_KEPI_PACKAGES", "kepi")
    python = folder / "bin" / "python"
    # Written last, so that an installation that was broken off is made anew.
    mark = folder / "installed.txt"
    if mark.is_file() and mark.read_bytes() == KEPI_PACKAGES.read_bytes():
        return python
    base = sys.executable if sys.version_info < (3, 12) else _first(_KEPI_PYTHONS)
    if base is None:
        print(f"kepi runs on one of {', '.join(_KEPI_PYTHONS)}, and none of them is here.")
        return None
    print(f"pip installs kepi and what it needs into {folder} ...", flush=True)
    make = [base, "-m", "venv", "--clear", str(folder)]
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "-r",
        str(KEPI_PACKAGES),
    ]
    if not _all_of([make, install], {}):
        return None
    mark.write_bytes(KEPI_PACKAGES.read_bytes())
    return python


def _folder(variable: str, name: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / ".cache" / "healthsite" / name)


def _first(names: tuple[str, ...]) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)


def _all_of(commands: list[list[str]], more: dict[str, str]) -> bool:
    return all(
        subprocess.run(command, check=False, env=os.environ | more).returncode == 0
        for command in commands
    )
