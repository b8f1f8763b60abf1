"""Ask the running site whether it answers."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT = 2.0
_HAVE_TO_WORK = ("database", "events", "cache", "jobs")


class Probes:
    """Questions to the site on one port, asked under the name of its public host."""

    def __init__(self, port: int, site_url: str) -> None:
        self._port = port
        self._site = urlsplit(site_url)

    def status(self, path: str) -> int:
        """Return the status of `path`, or 0 when nobody answers."""
        return self._get(path)[0]

    def shows_home_page(self) -> bool:
        """Return whether `/` answers; a site that is public by https may send us there."""
        return self.status("/") == 200 or (self._site.scheme == "https" and self.status("/") == 301)

    def jobs_ran_within(self, seconds: float) -> bool:
        """Return whether beat sent work, and the worker did it, in the last `seconds`."""
        jobs = self._parts().get("jobs", {})
        # The state alone could still be that of an earlier run.
        return jobs.get("state") == "ok" and jobs.get("last_sweep_seconds", 0) <= seconds

    def is_ready(self) -> bool:
        """Return whether `/readyz` calls every part ok that has to work.

        The others tell of work: a backlog, or a chore that was given up last week, is no failed start.
        """
        parts = self._parts()
        return all(parts.get(name, {}).get("state") == "ok" for name in _HAVE_TO_WORK)

    def _parts(self) -> dict[str, dict[str, Any]]:
        try:
            parts = json.loads(self._get("/readyz")[1])["parts"]
        except (ValueError, KeyError, TypeError):
            return {}
        return {name: part for name, part in parts.items() if isinstance(part, dict)}

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT)
        try:
            connection.request("GET", path, headers={"Host": self._site.netloc})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()
