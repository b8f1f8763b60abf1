"""`python -m healthsite.serve`: ask whether the site may start, then become its web server.

For containers and service managers. `make run` asks in `manage.py prepare`, before anything else.
"""

import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured

from healthsite import env, startup
from healthsite.supervisor import processes


def main() -> None:
    """Replace this process by granian on every interface; end with one sentence where refused."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthsite.settings")
    try:
        django.setup()
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
    # The same process goes on, so signals of the container reach the server.
    os.execv(command[0], command)  # noqa: S606 - no shell wanted


if __name__ == "__main__":
    main()
