"""`manage.py sync_site`"""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand
from wagtail.models import Site


class Command(BaseCommand):
    help = "Make Wagtail's default site follow SITE_URL and carry the site's name."

    def handle(self, *args: Any, **options: Any) -> None:
        site = Site.objects.filter(is_default_site=True).first()
        if site is None:
            self.stdout.write("site: none yet")
            return
        parts = urlsplit(settings.SITE_URL)
        wanted = {
            "hostname": parts.hostname,
            "port": parts.port or {"http": 80, "https": 443}[parts.scheme],
            "site_name": settings.SITE_NAME,
        }
        changed = [name for name, value in wanted.items() if getattr(site, name) != value]
        if changed:
            was_ours = bool(site.site_name)
            for name, value in wanted.items():
                setattr(site, name, value)
            site.save()
        said = " (was another)" if changed and was_ours else ""
        self.stdout.write(f"site: {settings.SITE_URL}{said}")
