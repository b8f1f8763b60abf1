"""What the web processes of these tests serve: the site, and a line for each request that enters Django.

The line is JSON: the path, the query, and how many answers of how many bytes the process keeps. Below
/stuck/ a request stays in Django for as long as the file `STUCK` is there.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.http.response import HttpResponseBase

_entered = os.open(os.environ["ENTERED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_stuck = Path(os.environ["STUCK"])
_enter_django: Any = WSGIHandler.__call__


def _enter(self: WSGIHandler, environ: dict[str, Any], start_response: Any) -> HttpResponseBase:
    store = application._store
    line = [environ["PATH_INFO"], environ["QUERY_STRING"], len(store), store.size]
    os.write(_entered, json.dumps(line).encode() + b"\n")
    while environ["PATH_INFO"].startswith("/stuck/") and _stuck.exists():
        time.sleep(0.01)
    answer: HttpResponseBase = _enter_django(self, environ, start_response)
    return answer


WSGIHandler.__call__ = _enter  # type: ignore[method-assign]  # before anybody has an instance

from healthsite.wsgi import application as served  # noqa: E402

# Known by its behaviour to the web server, and by its class to nobody before Django is set up.
application: Any = served
