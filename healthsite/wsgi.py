"""The WSGI application that granian serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from healthsite import startup
from healthsite.supervisor import parent_death

# A worker of granian must not outlive a main process that is killed.
parent_death.bind_to_main_process()

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthsite.settings")

django_application = get_wsgi_application()

from django.conf import settings  # noqa: E402 - once the settings are known

from healthsite.delivery.following import Follower  # noqa: E402
from healthsite.delivery.wrapper import Application, Delivery  # noqa: E402
from healthsite.sharing_handler import SharesApart  # noqa: E402

# granian would bring a refused worker back and only then give up: healthsite/serve.py asks first.
startup.refuse_unsafe()

application: Application = SharesApart(django_application)
# Whoever changes a template in debug mode wants to see it.
if not settings.DEBUG:
    follower = Follower(every=settings.DELIVERY_SWEEP_EVERY)
    follower.start()
    application = Delivery(application, follower=follower)

# What is here stays: a collection need not look through it again, in the middle of somebody's request.
gc.collect()
gc.freeze()
