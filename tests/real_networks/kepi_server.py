"""A real kepi, a server of the fediverse (https://kepi.org.uk), on loopback until its standard input ends.

Run by the Python of the virtual environment in which it is installed. Arguments: a folder for its data, in which
`server.pem` holds a certificate and its key, and the name of an account; the environment's KEPI_PASSWORD is its
password. Prints "ready ORIGIN".

kepi itself is as its author released it. Added here are settings, as every installation has its own, a place to
listen with TLS, since kepi calls its own addresses https, and one name: its settings begin by importing `djcelery`,
of which there is no version for a Python after 3.6, and call one function of it. kepi runs no task through it.
"""

import os
import secrets
import ssl
import sys
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from types import ModuleType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

_ADDRESS = "127.0.0.1"
# By this name it shares no cookies with a site on the same address: cookies know no ports.
_NAME = "localhost"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: Any, handler: Any, tls: ssl.SSLContext) -> None:
        super().__init__(address, handler)
        # The handshake is made by the thread that answers: nobody else waits for it.
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about clients that left."""


class _Quiet(WSGIRequestHandler):
    def address_string(self) -> str:
        """Return the address without looking up its name."""
        return str(self.client_address[0])

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a request may have a token in it."""


def main() -> None:
    """Set it up, start it, and wait."""
    folder, name = Path(sys.argv[1]), sys.argv[2]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.pem")
    server = _Server((_ADDRESS, 0), _Quiet, tls)
    netloc = f"{_NAME}:{server.server_port}"
    _set_up(folder, netloc)

    import django  # noqa: PLC0415 - only now are there settings
    from django.core.management import call_command  # noqa: PLC0415
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    django.setup()
    call_command("migrate", verbosity=0)
    from kepi.trilby_api.models import TrilbyUser  # noqa: PLC0415

    user = TrilbyUser(username=name, email=f"{name}@kepi.example")
    user.set_password(os.environ.pop("KEPI_PASSWORD"))
    user.save()
    server.set_app(get_wsgi_application())
    print(f"ready https://{netloc}", flush=True)
    server.serve_forever()


def _set_up(folder: Path, netloc: str) -> None:
    djcelery = ModuleType("djcelery")
    djcelery.setup_loader = lambda: None  # type: ignore[attr-defined]
    sys.modules["djcelery"] = djcelery

    from django.conf import settings  # noqa: PLC0415
    from kepi.kepi import settings as theirs  # noqa: PLC0415

    theirs.DEBUG = False
    kept = {name: getattr(theirs, name) for name in dir(theirs) if name.isupper()}
    mine = {
        "SECRET_KEY": secrets.token_urlsafe(40),
        "ALLOWED_HOSTS": [_NAME],
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(folder / "kepi.sqlite3"),
                "OPTIONS": {"timeout": 20},
            }
        },
        "INSTALLED_APPS": [each for each in theirs.INSTALLED_APPS if each != "djcelery"],
        "KEPI": {**theirs.KEPI, "LOCAL_OBJECT_HOSTNAME": netloc},
        "LOGGING": {},
    }
    settings.configure(**{**kept, **mine})


def _end_with_input() -> None:
    """End as soon as whoever started this is gone."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_input, daemon=True).start()
    main()
