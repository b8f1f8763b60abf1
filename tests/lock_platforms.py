"""Ask whether every machine that we promise could install the lock files: `python -m tests.lock_platforms`.

uv resolves each lock for each system and Python, and installs nothing. The answers come from the package
index, so this is no part of `make check`; run it after `make lock`. Arguments narrow it down:
`python -m tests.lock_platforms 3.14 apple`.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor import virtualenv
from healthsite.supervisor.parent_death import binder

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock")
PLATFORMS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",  # Intel Mac
    "aarch64-apple-darwin",
)
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def combinations(words: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (lock, platform, Python) where each word is part of one of the three."""
    for platform in PLATFORMS:
        for python in PYTHONS:
            for lock in LOCKS:
                chosen = (lock, platform, python)
                if all(any(word in part for part in chosen) for word in words):
                    yield chosen


def command(lock: Path, platform: str, python: str, target: Path) -> list[str]:
    """Return the command that says whether `lock` can be installed there, with wheels and hashes."""
    return [
        *(str(Path(sys.executable).parent / "uv"), "pip", "install", "--dry-run", "--quiet"),
        *("--target", str(target), "--python", sys.executable),
        *("--python-platform", platform, "--python-version", python),
        *("--only-binary", ":all:", "--require-hashes", "-r", str(lock)),
    ]


def why_not(lock: Path, platform: str, python: str) -> str:
    """Return why `lock` cannot be installed there, or an empty text."""
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            command(lock, platform, python, Path(folder)),
            cwd=PROJECT_ROOT,
            # What an installation by bootstrap.py tells uv, such as the index of pip.
            env=os.environ | virtualenv.uv_settings(virtualenv.find_pip()),
            capture_output=True,
            text=True,
            check=False,
            # Safe: there is one thread.
            preexec_fn=binder(),
        )
    if tried.returncode == 0:
        return ""
    return tried.stderr.strip() or f"uv ended with status {tried.returncode}"


def main(words: list[str]) -> int:
    """Try all; return 1 when one failed, 2 when nothing was asked."""
    asked = failed = 0
    for lock, platform, python in combinations(words):
        asked += 1
        reason = why_not(PROJECT_ROOT / lock, platform, python)
        failed += bool(reason)
        sys.stdout.write(f"{'FAILS' if reason else 'ok':5}  {lock} on {platform}, {python}\n")
        sys.stdout.write("".join(f"       {line}\n" for line in reason.splitlines()))
        sys.stdout.flush()
    sys.stdout.write(f"\n{asked - failed} of {asked} can be installed.\n")
    return 2 if not asked else int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
