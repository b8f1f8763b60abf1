"""The lock check: what would make two machines install different things."""

import pytest

from tests.checks import lock_problems

PROJECT = """
[project]
dependencies = ["django>=5.2,<5.3", "celery[redis]>=5.7; sys_platform == 'linux'"]
[dependency-groups]
dev = ["pytest>=9"]
"""
RUN = "celery==5.7.0 ; x \\\n    --hash=sha256:aa\ndjango==5.2.19 \\\n    --hash=sha256:bb\n"
DEV = f"{RUN}pytest==9.2.0 \\\n    --hash=sha256:cc\n"


def problems(run: str = RUN, dev: str = DEV) -> str:
    locks = {"requirements.lock": run, "requirements-dev.lock": dev}
    return "\n".join(lock_problems(PROJECT, locks))


def test_locks_that_match_are_fine() -> None:
    assert problems() == ""


@pytest.mark.parametrize(
    ("run", "dev", "problem"),
    [
        (f"--index-url https://example.org\n{RUN}", DEV, "requirements.lock names an address"),
        (RUN, RUN, "requirements-dev.lock lacks pytest"),
        (RUN.replace("5.2.19", "5.1.0"), DEV, "requirements.lock has django 5.1.0"),
        (RUN, DEV.replace("5.7.0", "5.8.0"), "has another celery"),
        (RUN.replace("--hash=sha256:aa", ""), DEV, "no hash for celery==5.7.0"),
    ],
)
def test_what_differs_is_named(run: str, dev: str, problem: str) -> None:
    assert problem in problems(run, dev)
