"""The mail server of the settings."""

from urllib.parse import urlsplit

from django.conf import settings

from healthsite.mail.smtp import Server


def server() -> Server | None:
    """Return the configured mail server, or None: then mails are kept and not sent."""
    if not settings.EMAIL_HOST:
        return None
    return Server(
        host=settings.EMAIL_HOST,
        port=settings.EMAIL_PORT,
        security="ssl" if settings.EMAIL_USE_SSL else "tls" if settings.EMAIL_USE_TLS else "none",
        user=settings.EMAIL_HOST_USER,
        password=settings.EMAIL_HOST_PASSWORD,
        timeout=settings.EMAIL_TIMEOUT,
        name=urlsplit(settings.SITE_URL).hostname or "localhost",
    )
