"""`python -m healthsite.supervisor`: run the site until somebody stops it."""

import signal
import sys

from healthsite.supervisor.children import Children
from healthsite.supervisor.failure import Failure
from healthsite.supervisor.parent_death import Parent
from healthsite.supervisor.screen import progress, say
from healthsite.supervisor.signals import Signals, StopWanted
from healthsite.supervisor.site import Site


def main() -> int:
    """Run the site; return 0 after a clean stop and 1 when it could not start or go on."""
    signals = Signals()
    parent = Parent()
    parent.bind(signal.SIGTERM)
    children = Children(signals, parent)
    ending = "everything is stopped"
    status = 0
    site: Site | None = None
    try:
        site = Site(children)
        site.start()
        site.welcome()
        children.watch()
    except StopWanted as stop:
        progress(f"stopping ({stop})")
    except Failure as failure:
        ending, status = f"\n{failure}", 1
    except PermissionError as error:
        ending = (
            f"\n{error.filename} belongs to another user, perhaps from a start with sudo: "
            f"{error.strerror}.\nNothing runs and no data is lost. Give it back to this user "
            "(chown), or set HEALTHSITE_DATA to another folder."
        )
        status = 1
    finally:
        children.stop()
        if site:
            site.release()
    say(ending)
    return status


if __name__ == "__main__":
    sys.exit(main())
