"""The same project and templates without delivery: Wagtail as it comes, debug off, cached loaders."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
