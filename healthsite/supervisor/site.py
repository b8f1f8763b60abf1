"""The site on one machine: its processes, their order, and how each is proven ready."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from healthsite import paths, variables
from healthsite.supervisor import data_folder, demo_network, port, probes, processes, valkey
from healthsite.supervisor.child import Child
from healthsite.supervisor.children import Children
from healthsite.supervisor.failure import Failure
from healthsite.supervisor.report import Report, unshown_password_marker
from healthsite.supervisor.screen import progress, say

# A slow machine may take long; one that is stuck must say so.
_PREPARED_WITHIN = 900.0
_READY_WITHIN = 120.0


class Site:
    """Everything that `make run` runs on one data folder and one port."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._data = paths.data_dir()
        self._port = port.from_environment()
        self._address = f"http://127.0.0.1:{self._port}/"
        self._environment = processes.environment(self._data, self._port)
        self._site_url = self._environment["SITE_URL"].rstrip("/")
        self._new_password = ""
        self._refusals: list[str] = []
        self._lock: data_folder.Lock | None = None
        self._demo_port = 0

    def start(self) -> None:
        """Start all parts, each proven ready before the next; raise Failure when one is not."""
        self._take_data_folder()
        self._start_stores()
        self._start_demo_network()
        self._prepare()
        self._start_processes()

    def welcome(self) -> None:
        """Say where everything is, then the one line that tools wait for."""
        say()
        say(f"  Site      {self._site_url}/")
        say(f"  Admin     {self._site_url}/admin/")
        say(f"  API docs  {self._site_url}/api/v1/docs/")
        if self._demo_port:
            say(f"  Demo net  http://127.0.0.1:{self._demo_port}/   (posts that leave no machine)")
        if self._new_password:
            say(f"  Sign in   admin  {self._new_password}   (made just now and shown only here)")
            unshown_password_marker(self._data).unlink(missing_ok=True)
        say(f"  Data      {self._data}")
        say("  Stop      Ctrl-C")
        say()
        say(f"ready {self._address}")

    def release(self) -> None:
        """Note that everything has been stopped."""
        if self._lock:
            self._lock.release()

    def _take_data_folder(self) -> None:
        data_folder.make_writable(self._data)
        self._lock = data_folder.Lock(self._data, self._address)
        wait = self._children.wait
        port.require_free(self._port, after_a_crash=self._lock.was_left_by_a_crash, wait=wait)
        self._lock.wait_for_leftovers(wait, progress)
        if not _given("SECRET_KEY"):
            data_folder.make_secret_key(self._data)
        data_folder.make_socket_dir(self._data)
        progress(f"data folder {self._data}")

    def _start_stores(self) -> None:
        """Start the Valkey servers that the environment does not name."""
        for name, variable, command, socket in (
            ("events", "REDIS_URL", valkey.events_command, paths.events_socket(self._data)),
            ("cache", "CACHE_URL", valkey.cache_command, paths.cache_socket(self._data)),
        ):
            if _given(variable):
                progress(f"{name}: {variable} names a server; none is started")
                continue
            store = self._child(name, command(valkey.find_binary(), self._data), is_store=True)
            self._children.start(store)
            self._prove(store, "Valkey answers", partial(valkey.answers, socket, store.pid))

    def _start_demo_network(self) -> None:
        """Start the demo network, and tell the site's processes where it is."""
        if not demo_network.is_wanted(self._site_url):
            return
        self._demo_port = demo_network.choose_port(self._port)
        self._environment[demo_network.HOST_VARIABLE] = f"127.0.0.1:{self._demo_port}"
        demo = self._child("demo", processes.demo_network(self._demo_port))
        self._children.start(demo)
        self._prove(demo, "answers", lambda: demo_network.answers(self._demo_port))

    def _prepare(self) -> None:
        """Bring database and files up to date, and show each step as it is done."""
        report = Report()
        command = processes.prepare(report.writable)
        errand = self._child("prepare", command, inherits=[report.writable], is_errand=True)
        self._children.start(errand)
        report.close_writable()

        def is_done() -> bool:
            ended = errand.has_ended()
            for kind, text in report.arrived():
                if kind == "password":
                    self._new_password = text
                elif kind == "refused":
                    self._refusals.append(text)
                else:
                    progress(text)
            return ended

        self._children.wait_until(is_done, errand, "done", _PREPARED_WITHIN)
        if self._refusals:
            raise Failure("\n".join((*self._refusals, "Nothing was changed, and nothing runs.")))
        self._require_success(errand)

    def _start_processes(self) -> None:
        """Start web, worker and beat side by side, and prove each."""
        since = time.monotonic()
        worker = self._child("worker", processes.worker())
        web = self._child("web", processes.web(self._port))
        beat = self._child("beat", processes.beat(self._data))
        ping = self._child("ping", processes.ping_worker(), is_errand=True)
        for child in (web, worker, beat, ping):
            self._children.start(child)

        site = probes.Probes(self._port, self._site_url)
        self._prove(web, "/healthz answers", lambda: site.status("/healthz") == 200)
        self._prove(worker, "answers a ping", ping.has_ended)
        self._require_success(ping)
        self._prove(beat, "work arrives", lambda: site.jobs_ran_within(time.monotonic() - since))
        self._prove(web, "/readyz calls servers and jobs ok", site.is_ready)
        self._prove(web, "the home page answers", site.shows_home_page)

    def _prove(self, child: Child, what: str, is_ready: Callable[[], bool]) -> None:
        self._children.wait_until(is_ready, child, what, _READY_WITHIN)
        progress(f"{child.name}: {what}")

    def _require_success(self, errand: Child) -> None:
        if (ending := self._children.dismiss(errand)) != "exit status 0":
            raise errand.failure(f"{errand.name} failed ({ending}).")

    def _child(
        self, name: str, command: Sequence[str], *, inherits: Sequence[int] = (), **kind: bool
    ) -> Child:
        lock = [self._lock.children_fd] if self._lock else []
        log = self._data / "logs" / f"{name}.log"
        return Child(name, command, self._environment, log, inherits=[*lock, *inherits], **kind)


def _given(variable: str) -> bool:
    """Return whether the environment, or a file that it names, holds a value."""
    try:
        return bool(variables.read(variable).strip())
    except variables.VariableError as error:
        raise Failure(f"{error} Nothing was started.") from error
