"""nginx serving one file, as quickly as it can."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.missing import program
from bench.processes import free_port, running
from bench.site import Web, _answers

# What nginx says by itself, or what concerns one connection alone.
_ITS_OWN = {
    "content-length",
    "content-type",
    "date",
    "etag",
    "server",
    "transfer-encoding",
    "connection",
}

_CONFIGURATION = """
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    {more}
    client_body_temp_path {folder}/b;
    proxy_temp_path {folder}/p;
    fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u;
    scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/www;
        default_type "{type}";
        {headers}
    }}
}}
"""


@contextmanager
def nginx(
    folder: Path, body: bytes, headers: Mapping[str, str], *, more: str = ""
) -> Iterator[Web]:
    """Serve `body` at /page with the same headers as the contestant, from two processes.

    `more` is put into the http block; without it nginx is as it comes, but for sendfile and keep-alive.
    """
    binary = program("nginx", "nginx-light")
    (folder / "www").mkdir(parents=True)
    (folder / "www" / "page").write_bytes(body)
    port = free_port()
    added = "\n".join(
        f'add_header {name} "{value}";'.replace("$", "")
        for name, value in headers.items()
        if name.lower() not in _ITS_OWN
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            folder=folder,
            port=port,
            type=headers.get("content-type", "text/html"),
            headers=added,
            more=more,
            # Workers of root would become somebody who cannot enter this folder.
            user="user root;" if os.getuid() == 0 else "",
        )
    )
    command = [binary, "-p", str(folder), "-c", str(configuration), "-g", "daemon off;"]
    with running(
        command, os.environ, folder / "nginx.log", lambda: _answers(port, "/page")
    ) as process:
        yield Web(port, process)
