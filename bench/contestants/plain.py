"""The same project and templates without delivery: Wagtail as it comes, debug off, cached loaders."""

from django.core.wsgi import get_wsgi_application

from healthsite.supervisor.parent_death import bind_to_main_process

bind_to_main_process()
application = get_wsgi_application()
