"""Puts the kill points into the drain once the site is loaded."""

from django.apps import AppConfig


class FaultsConfig(AppConfig):
    """Where this app is installed a drainer can be told to kill itself; the site's settings never do."""

    name = "tests.faults"
    label = "faults"

    def ready(self) -> None:
        """Install the kill points."""
        from tests.faults import kill_points  # noqa: PLC0415 - needs the models

        kill_points.install()
