#!/usr/bin/env python3
"""Install what is missing into .venv, then run the site or its tests: see `--help`.

Every Python can read this file, so that an old one can say that it is too old. The work is in
healthsite/supervisor/virtualenv.py, which needs the standard library alone.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this is where the version is enforced
    sys.exit(
        "This needs Python 3.11 or newer; "
        + (sys.executable + " is " + sys.version.split()[0] + ". ")
        + "Install one (Debian, Ubuntu: apt install python3 python3-venv), or name one that is "
        + "there: make run PYTHON=python3.12"
    )

from healthsite.supervisor.virtualenv import main

if __name__ == "__main__":
    main(sys.argv[1:])
