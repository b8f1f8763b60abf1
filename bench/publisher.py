"""Publish an article again and again, and ask each web server until it shows that: bench.freshness runs it."""

import http.client
import json
import re
import sys
import threading
import time
from urllib.parse import urlsplit

import django

django.setup()

from django.conf import settings  # noqa: E402 - the settings first

from articles.models import ArticlePage  # noqa: E402

_MARK = re.compile(rb"Edition (\d+)\.")
_GIVE_UP = 30.0


class Reader:
    """One kept connection to one server."""

    def __init__(self, port: int, path: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self._path = path

    def edition(self) -> int:
        """Return the number of the edition that the server shows; 0 for none."""
        host = urlsplit(settings.SITE_URL).netloc
        self._connection.request("GET", self._path, headers={"Host": host})
        body = self._connection.getresponse().read()
        found = _MARK.search(body)
        return int(found[1]) if found else 0


class Watch(threading.Thread):
    """Reads one server all the time, and counts what is older than what was published before it asked."""

    def __init__(self, reader: Reader, published: list[int], ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self._reader, self._published, self._ended = reader, published, ended
        self.answers = self.stale = 0

    def run(self) -> None:
        """Read until the end."""
        while not self._ended.is_set():
            at_least = self._published[0]
            self.stale += self._reader.edition() < at_least
            self.answers += 1
            # A reader, no load: that comes from elsewhere.
            time.sleep(0.002)


def main(path: str, publishes: int, ports: list[int]) -> None:
    """Print how long each publish, from its first line, took to be seen everywhere, and what was stale."""
    readers = [Reader(port, path) for port in ports]
    published, ended = [0], threading.Event()
    watches = [Watch(Reader(port, path), published, ended) for port in ports]
    for watch in watches:
        watch.start()
    article = ArticlePage.objects.get(slug=path.strip("/"))
    seconds: list[float] = []
    for edition in range(1, publishes + 1):
        draft = article.get_latest_revision_as_object()
        draft.standfirst = f"Edition {edition}."
        revision = draft.save_revision()
        begun = time.monotonic()
        revision.publish()
        published[0] = edition
        for reader in readers:
            while reader.edition() < edition:
                if time.monotonic() - begun > _GIVE_UP:
                    sys.exit(f"edition {edition} was not seen within {_GIVE_UP:g} s")
        seconds.append(time.monotonic() - begun)
    ended.set()
    for watch in watches:
        watch.join()
    answers, stale = (sum(getattr(w, name) for w in watches) for name in ("answers", "stale"))
    print(json.dumps({"seconds": seconds, "answers": answers, "stale": stale}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), [int(port) for port in sys.argv[3:]])
