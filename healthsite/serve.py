"""`python -m healthsite.serve`: ask whether the site may start, then become its web server.

For containers and service managers. `make run` asks in `manage.py prepare`, before anything else.
"""

import sys

from django.core.exceptions import ImproperlyConfigured

from healthsite import env, startup, web_server
from healthsite.supervisor import processes


def main() -> None:
    """Become granian on every interface; end with one sentence where refused."""
    try:
        web_server.load()
        command = processes.web(
            env.number("PORT", 8000, minimum=1),
            host=env.text("HOST", "0.0.0.0"),  # noqa: S104 - what is published is the container's choice
            workers=env.number("WEB_WORKERS", 2, minimum=1),
            threads=env.number("WEB_THREADS", 4, minimum=1),
        )
    except ImproperlyConfigured as error:
        sys.exit(f"Configuration: {error}")
    startup.refuse_unsafe()
    sys.stdout.flush()
    web_server.run(command[command.index(processes.APPLICATION) :])


if __name__ == "__main__":
    main()
