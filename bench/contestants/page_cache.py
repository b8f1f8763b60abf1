"""The same project behind Django's page cache."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.contestants.page_cache_settings"

from django.core.wsgi import get_wsgi_application

from healthsite.supervisor.parent_death import bind_to_main_process

bind_to_main_process()
application = get_wsgi_application()
