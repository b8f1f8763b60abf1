"""Mail goes to the outbox here, and to a server of our own where a test asks for one."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.mail.server import MailServer, mail_server


@pytest.fixture(autouse=True)
def _to_the_outbox(settings: Any) -> None:
    settings.EMAIL_BACKEND = "healthsite.mail.backend.OutboxBackend"
    settings.EMAIL_HOST = ""


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    """Return the mail server that the settings name."""
    with mail_server() as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        settings.EMAIL_TIMEOUT = 2
        yield running
