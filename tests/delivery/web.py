"""What the web processes of these tests serve: the site, and a line for each request that enters Django.

The line is JSON: the path, the query, and how many answers of how many bytes the process keeps.
"""

import json
import os
from collections.abc import Iterable
from typing import Any

from healthsite.wsgi import application as served

# Known by its behaviour to the web server, and by its class to nobody before Django is set up.
application: Any = served
_entered = os.open(os.environ["ENTERED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_django = application._application


def _enter(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    store = application._store
    line = [environ["PATH_INFO"], environ["QUERY_STRING"], len(store), store.size]
    os.write(_entered, json.dumps(line).encode() + b"\n")
    answer: Iterable[bytes] = _django(environ, start_response)
    return answer


application._application = _enter
