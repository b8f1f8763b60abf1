"""The same project behind Django's page cache."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.contestants.page_cache_settings"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
