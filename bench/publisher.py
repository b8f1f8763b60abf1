"""Publish an article again and again, and ask each web server until it shows that: bench.freshness runs it."""

import http.client
import json
import re
import sys
import time
from urllib.parse import urlsplit

import django

django.setup()

from django.conf import settings  # noqa: E402 - the settings first

from articles.models import ArticlePage  # noqa: E402

_MARK = re.compile(rb"Edition (\d+)\.")
# After each publish every server is asked this often for an older edition.
_ASKED_AFTER = 10
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


def main(path: str, publishes: int, ports: list[int]) -> None:
    """Print how long each publish took to be seen everywhere, and what was stale after it."""
    readers = [Reader(port, path) for port in ports]
    article = ArticlePage.objects.get(slug=path.strip("/"))
    seconds: list[float] = []
    answers = stale = 0
    for edition in range(1, publishes + 1):
        draft = article.get_latest_revision_as_object()
        draft.standfirst = f"Edition {edition}."
        draft.save_revision().publish()
        published = time.monotonic()
        for reader in readers:
            while reader.edition() < edition:
                if time.monotonic() - published > _GIVE_UP:
                    sys.exit(f"edition {edition} was not seen within {_GIVE_UP:g} s")
        seconds.append(time.monotonic() - published)
        for _ in range(_ASKED_AFTER):
            for reader in readers:
                answers += 1
                stale += reader.edition() < edition
    print(json.dumps({"seconds": seconds, "answers": answers, "stale": stale}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), [int(port) for port in sys.argv[3:]])
