"""Run the whole suite: everything on SQLite, and all that has to do with a database on PostgreSQL.

Both runs go on at once; the second's output follows the first's. Arguments go to both.
"""

import os
import subprocess
import sys
import tempfile

from healthsite.supervisor.parent_death import binder

WITH_A_DATABASE = ["tests/articles", "tests/sharing", "tests/site"]


def main(arguments: list[str]) -> int:
    """Return 0 when both runs passed."""
    pytest = [sys.executable, "-m", "pytest", *arguments]
    with tempfile.TemporaryFile() as log:
        on_postgres = subprocess.Popen(
            [
                *pytest,
                *WITH_A_DATABASE,
                "--ignore=tests/sharing/networks",
                "-p",
                "no:cacheprovider",
            ],
            env=os.environ | {"TEST_DATABASE": "postgres"},
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=binder(),
        )
        try:
            on_sqlite = subprocess.run(pytest, check=False, preexec_fn=binder()).returncode
            postgres = on_postgres.wait()
        except KeyboardInterrupt:
            on_postgres.wait()
            return 130
        log.seek(0)
        sys.stdout.write(log.read().decode(errors="replace"))
    # 5: nothing was selected by the arguments, which one of two runs may well say.
    results = {on_sqlite, postgres}
    return 0 if 0 in results and results <= {0, 5} else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
