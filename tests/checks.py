"""Run every check that needs no running site: `python -m tests.checks`.

All run even when one fails; the end names those that did.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor.parent_death import binder

_BIN = Path(sys.executable).parent
_OURS = ("articles", "healthsite", "sharing", "tests", "bench")
COMPOSE_FILES = ("docker-compose.yml", "docker-compose.tls.yml")

# What a production site sets; the values are made up.
_PRODUCTION = {
    "SITE_URL": "https://health.example.org",
    "SECRET_KEY": "made up for the check of settings alone, it protects nothing at all",
    "POSTING_KEYS": "Zm9yIHRoZSBjaGVjayBvZiBzZXR0aW5ncyBhbG9uZS4=",
    "TRUST_PROXY_HEADERS": "1",
    "DATABASE_URL": "sqlite:///:memory:",
}


def _command(*words: str) -> Callable[[], bool]:
    """Return a check that passes when a program of `.venv` ends well."""

    def run() -> bool:
        with tempfile.TemporaryDirectory() as data:
            environment = os.environ | _PRODUCTION | {"HEALTHSITE_DATA": data}
            return (
                subprocess.run(
                    [str(_BIN / words[0]), *words[1:]],
                    cwd=PROJECT_ROOT,
                    env=environment,
                    check=False,
                    # Safe: there is one thread.
                    preexec_fn=binder(),
                ).returncode
                == 0
            )

    return run


def lock_problems(project: str, locks: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with the lock files, given their texts by name and pyproject's.

    Each direct dependency must be pinned to a version that pyproject allows, every pin must carry a
    hash, and no lock may name an index: everybody installs from their own.
    """
    declared = tomllib.loads(project)
    runtime = declared["project"]["dependencies"]
    everything = [*runtime, *declared["dependency-groups"]["dev"]]
    wanted = {"requirements.lock": runtime, "requirements-dev.lock": everything}
    pinned = {name: _pins(text) for name, text in locks.items()}
    for name, text in locks.items():
        if "://" in text:
            yield f"{name} names an address"
        blocks = text.replace("\\\n", "").splitlines()
        yield from (f"{name}: no hash for {line}" for line in blocks if "--hash=" not in line)
    for name, requirements in wanted.items():
        by_package: dict[str, list[Requirement]] = {}
        for requirement in map(Requirement, requirements):
            by_package.setdefault(canonicalize_name(requirement.name), []).append(requirement)
        for package, declarations in by_package.items():
            versions = pinned[name].get(package, [])
            words = " or ".join(map(str, declarations))
            for each in declarations:
                if not any(version in each.specifier for version in versions):
                    yield f"{name} lacks {each}"
            # What one platform is declared to have need not suit the others.
            for version in versions:
                if not any(version in each.specifier for each in declarations):
                    yield f"{name} has {declarations[0].name} {version}, pyproject.toml {words}"
    for package, versions in pinned["requirements.lock"].items():
        # `make run` after `make test` relies on it.
        if pinned["requirements-dev.lock"].get(package) != versions:
            yield f"requirements-dev.lock has another {package} than requirements.lock"


def _pins(text: str) -> dict[str, list[str]]:
    """Return the pinned versions of each package; more than one where platforms differ."""
    pins: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, equals, rest = line.partition("==")
        if equals and not line.startswith((" ", "#")):
            package = canonicalize_name(name.partition("[")[0])
            pins.setdefault(package, []).append(rest.split(" ")[0])
    return pins


def _locks() -> bool:
    names = ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock")
    texts = {name: (PROJECT_ROOT / name).read_text() for name in names}
    problems = list(lock_problems((PROJECT_ROOT / "pyproject.toml").read_text(), texts))
    for problem in problems:
        _say(f"{problem}; `make lock` writes the lock files anew")
    return not problems


CHECKS: dict[str, Callable[[], bool]] = {
    "ruff check": _command("ruff", "check", "."),
    "ruff format": _command("ruff", "format", "--check", "."),
    "djlint": _command("djlint", "--lint", "--quiet", *_OURS[:3]),
    "mypy": _command("mypy", "bootstrap.py", "manage.py", *_OURS),
    "import contracts": _command("lint-imports"),
    "migrations": _command("python", "manage.py", "makemigrations", "--check", "--dry-run"),
    "deploy check": _command("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"),
    "lock files": _locks,
    "Dockerfile": _command("hadolint", "Dockerfile"),
    "compose schema": _command(
        "check-jsonschema", "--builtin-schema", "vendor.compose-spec", *COMPOSE_FILES
    ),
}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run all checks; return 1 when one failed."""
    failed = []
    for name, check in CHECKS.items():
        _say(f"--- {name}")
        if not check():
            failed.append(name)
    _say(f"\n{len(CHECKS) - len(failed)} of {len(CHECKS)} checks passed.")
    if failed:
        _say(f"Failed: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
