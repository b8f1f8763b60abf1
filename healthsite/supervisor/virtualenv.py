"""Make `.venv` what the lock files say, then become the program that was asked for.

Runs before anything is installed. pip, from the wheel that comes with Python, installs the pinned
uv; uv installs the rest. Where uv does not work, pip installs the rest too.
"""

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from healthsite.paths import PROJECT_ROOT, data_dir
from healthsite.supervisor.failure import Failure
from healthsite.supervisor.parent_death import Parent, binder
from healthsite.supervisor.screen import progress, say

VENV = PROJECT_ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# Written last: an installation that was killed has none and is made anew.
STAMP = VENV / "installed.json"

UV_LOCK = PROJECT_ROOT / "requirements-uv.lock"
RUN_LOCK = PROJECT_ROOT / "requirements.lock"
# Everything of the former and the tools, so that `run` after `test` installs nothing.
DEV_LOCK = PROJECT_ROOT / "requirements-dev.lock"

# For each verb the packages it needs and what Python runs then.
VERBS: Mapping[str, tuple[Path, Sequence[str]]] = {
    "run": (RUN_LOCK, ("-m", "healthsite.supervisor")),
    "test": (DEV_LOCK, ("-m", "tests")),
    "check": (DEV_LOCK, ("-m", "tests.checks")),
    "manage": (RUN_LOCK, ("manage.py",)),
    "install": (DEV_LOCK, ()),
}

# Hashes make every index trustworthy; wheels only, because there may be no compiler.
_STRICT = ("--require-hashes", "--only-binary", ":all:")


def main(arguments: Sequence[str]) -> None:
    """Install what the verb needs, then replace this process by the verb's program."""
    parser = argparse.ArgumentParser(
        prog="bootstrap.py", description="Install what is missing into .venv, then run a program."
    )
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="arguments of that program")
    chosen = parser.parse_args(arguments)
    lock, program = VERBS[chosen.verb]

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, _leave)
    parent = Parent()
    parent.bind(signal.SIGTERM)
    try:
        if not is_installed(lock):
            Installation(parent).install(lock)
    except Failure as failure:
        sys.exit(f"\n{failure}")
    if not program:
        return
    if chosen.verb == "run":
        parent.keep()
    if "HEALTHSITE_DATA" in os.environ:
        os.environ["HEALTHSITE_DATA"] = str(data_dir())
    os.chdir(PROJECT_ROOT)
    # The same process goes on, so its id and its tie to the parent stay.
    os.execv(PYTHON, [str(PYTHON), *program, *chosen.rest])  # noqa: S606 - no shell wanted


def _leave(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)


def is_installed(lock: Path) -> bool:
    """Return whether `.venv` is whole and holds what `lock` names."""
    stamp = read_stamp()
    return stamp.get("made") == _identity() and stamp.get(lock.name) == _digest(lock)


def read_stamp() -> dict[str, str]:
    """Return what the last whole installation wrote, or nothing when `.venv` cannot be used."""
    if os.access(PYTHON, os.X_OK):
        with suppress(OSError, ValueError):
            stamp = json.loads(STAMP.read_text())
            return stamp if isinstance(stamp, dict) else {}
    return {}


def write_stamp(lock: Path) -> None:
    """Note that `.venv` holds what `lock` names."""
    locks = {UV_LOCK, RUN_LOCK, lock}
    stamp = {"made": _identity()} | {each.name: _digest(each) for each in locks}
    unfinished = STAMP.with_suffix(".new")
    unfinished.write_text(json.dumps(stamp, indent=1))
    unfinished.replace(STAMP)


def _identity() -> str:
    """Return which Python made `.venv`, and where: scripts in it carry both."""
    return f"Python {sys.version} of {sys.base_prefix} for {VENV}"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


class Installation:
    """One installation at a time, which ends with this process and with `parent`."""

    def __init__(self, parent: Parent) -> None:
        self._parent = parent
        # Any file would do; this one is always there.
        self._lock = os.open(UV_LOCK, os.O_RDONLY)

    def install(self, lock: Path) -> None:
        """Install what `lock` names; raise Failure when that is impossible."""
        self._wait_for_others()
        if is_installed(lock):
            return
        pip = find_pip()
        stamp = read_stamp()
        if stamp.get("made") != _identity():
            self._make_venv()
            stamp = {}
        STAMP.unlink(missing_ok=True)
        progress(f"installing the packages of {lock.name}")
        if not self._uv_installs(lock, pip, stamp):
            progress("uv did not work (see above); pip does the same more slowly")
            if self._run([*pip, "install", "--quiet", "--no-deps", *_STRICT, "-r", str(lock)]) != 0:
                raise Failure(
                    "The packages could not be installed; the lines above say why.\n"
                    "Nothing else was touched. Is the network there? Behind a mirror, tell pip its "
                    "address (PIP_INDEX_URL or pip.conf), then start again."
                )
        write_stamp(lock)
        progress("packages installed")

    def _wait_for_others(self) -> None:
        told = False
        while True:
            try:
                return fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not told:
                    say("another start is installing the packages; waiting for it")
                told = True
            self._sleep(0.2)

    def _make_venv(self) -> None:
        # Not the python in .venv, should it be what runs this: it is about to go.
        python = getattr(sys, "_base_executable", sys.executable)
        progress(f"making {VENV} with {python}")
        try:
            if VENV.is_symlink() or VENV.is_file():
                VENV.unlink()
            elif VENV.exists():
                shutil.rmtree(VENV)
        except OSError as error:
            raise Failure(f"{VENV} cannot be replaced: {error}. Remove it by hand.") from error
        if self._run([python, "-m", "venv", "--without-pip", str(VENV)]) != 0:
            raise Failure(f"{VENV} could not be made; the lines above say why.")

    def _uv_installs(self, lock: Path, pip: Sequence[str], stamp: Mapping[str, str]) -> bool:
        if stamp.get(UV_LOCK.name) != _digest(UV_LOCK):
            command = [*pip, "install", "--quiet", "--no-deps", *_STRICT, "-r", str(UV_LOCK)]
            if self._run(command) != 0:
                return False
        # Compiled once here, not by five processes side by side at the first start.
        sync = ["pip", "sync", "--quiet", "--compile-bytecode", "--python", str(PYTHON)]
        return (
            self._run([str(VENV / "bin" / "uv"), *sync, *_STRICT, str(lock)], uv_settings(pip)) == 0
        )

    def _run(self, command: Sequence[str], more: Mapping[str, str] | None = None) -> int:
        """Run a command to its end, at most as long as this process and its parent live."""
        with subprocess.Popen(  # noqa: S603 - our own commands, without a shell
            command,
            stdin=subprocess.DEVNULL,
            env=os.environ | (more or {}),
            cwd=PROJECT_ROOT,
            # Whoever still writes to .venv holds the lock.
            pass_fds=[self._lock],
            # Safe: there is one thread.
            preexec_fn=binder(),
        ) as process:
            try:
                while process.poll() is None:
                    self._sleep(0.05)
            finally:
                process.kill()
        return process.returncode

    def _sleep(self, seconds: float) -> None:
        time.sleep(seconds)
        if self._parent.has_left():
            sys.exit("The process that asked for this start has gone; the installation ends.")


def find_pip() -> list[str]:
    """Return the command of the pip that comes with Python; raise Failure where it is left out."""
    ensurepip = importlib.util.find_spec("ensurepip")
    if ensurepip and ensurepip.origin and importlib.util.find_spec("venv"):
        bundled = Path(ensurepip.origin).parent / "_bundled"
        # Distributions keep the wheel in a place of their own.
        shared = Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or "/usr/share/python-wheels")
        for wheel in (*bundled.glob("pip-*.whl"), *shared.glob("pip-*.whl")):
            return [str(PYTHON), str(wheel / "pip"), "--disable-pip-version-check", "--no-input"]
    raise Failure(
        f"This Python ({sys.executable}) comes without venv and ensurepip. Nothing was installed.\n"
        "Install them (Debian, Ubuntu: apt install python3-venv), then start again."
    )


def uv_settings(pip: Sequence[str]) -> dict[str, str]:
    """Return what uv must be told: it reads no pip.conf and brings its own certificates."""
    settings: dict[str, str] = {}
    store = ssl.get_default_verify_paths()
    if "UV_SYSTEM_CERTS" not in os.environ and (store.cafile or store.capath):
        settings["UV_SYSTEM_CERTS"] = "1"
    if not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(os.environ):
        command = [*pip, "config", "list"]
        shown = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        for line in shown.stdout.splitlines():
            key, _, value = line.partition("=")
            if key.endswith(".index-url"):
                settings["UV_DEFAULT_INDEX"] = value.strip("'\"")
    return settings
