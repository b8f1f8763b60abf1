"""The Celery app and its timetable.

The database is the truth and a task is only a wake-up: each entry below sweeps for work, so a lost, late
or doubled message costs a few seconds and nothing else.
"""

import os
import sys
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init, celeryd_init
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from healthsite import startup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthsite.settings")

try:
    _BROKER = settings.REDIS_URL
except ImproperlyConfigured as error:
    # Celery's command line would print a traceback around the one sentence that matters.
    sys.exit(f"Configuration: {error}")

DRAIN_EVERY = 2.0
SWEEP_FILTERED_EVERY = 10.0
TELL_OF_FLOODS_EVERY = 60.0
PUBLISH_SCHEDULED_EVERY = 20.0
MAKE_CARDS_EVERY = 3.0
SEND_MAIL_EVERY = 5.0
SEND_POSTS_EVERY = 2.0
FOLLOW_POSTS_EVERY = 5.0
OBSERVE_POSTS_EVERY = 30.0
WARM_PAGES_EVERY = 2.0
DO_CHORES_EVERY = 2.0

app = Celery("healthsite")
app.conf.update(
    # Celery names the unix socket transport of redis-py in its own way.
    broker_url=_BROKER.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host="),
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    timezone="UTC",
    imports=[
        "healthsite.chores.tasks",
        "healthsite.delivery.tasks",
        "healthsite.mail.tasks",
        "sharing.posting.after_tasks",
        "sharing.posting.tasks",
    ],
    beat_schedule={
        # A sweep that waited longer than this is replaced by a later one.
        "drain share events": {
            "task": "sharing.drain_events",
            "schedule": DRAIN_EVERY,
            "options": {"expires": 10},
        },
        "write down what was filtered": {
            "task": "sharing.sweep_filtered",
            "schedule": SWEEP_FILTERED_EVERY,
            "options": {"expires": 10},
        },
        "tell publishers of floods": {
            "task": "sharing.tell_of_floods",
            "schedule": TELL_OF_FLOODS_EVERY,
            "options": {"expires": 30},
        },
        "publish and expire scheduled pages": {
            "task": "articles.publish_scheduled",
            "schedule": PUBLISH_SCHEDULED_EVERY,
            "options": {"expires": 60},
        },
        "draw share cards": {
            "task": "sharing.make_cards",
            "schedule": MAKE_CARDS_EVERY,
            "options": {"expires": 10},
        },
        "remove unused share cards": {
            "task": "sharing.tidy_cards",
            "schedule": crontab(hour="3", minute="40"),
            "options": {"expires": 3600},
        },
        "warm changed pages": {
            "task": "healthsite.warm_pages",
            "schedule": WARM_PAGES_EVERY,
            "options": {"expires": 10},
        },
        "write the search index, and other chores": {
            "task": "healthsite.do_chores",
            "schedule": DO_CHORES_EVERY,
            "options": {"expires": 10},
        },
        "forget old chores": {
            "task": "healthsite.prune_chores",
            "schedule": 3600.0,
            "options": {"expires": 1800},
        },
        "send posts": {
            "task": "sharing.send_posts",
            "schedule": SEND_POSTS_EVERY,
            "options": {"expires": 10},
        },
        "delete and correct posts": {
            "task": "sharing.follow_posts",
            "schedule": FOLLOW_POSTS_EVERY,
            "options": {"expires": 10},
        },
        "read the numbers of posts": {
            "task": "sharing.observe_posts",
            "schedule": OBSERVE_POSTS_EVERY,
            "options": {"expires": 25},
        },
        "follow the rules of time zones": {
            "task": "sharing.recompute_post_times",
            "schedule": 3600.0,
            "options": {"expires": 1800},
        },
        "look after social accounts": {
            "task": "sharing.look_after_accounts",
            "schedule": 3600.0,
            "options": {"expires": 1800},
        },
        "send mail": {
            "task": "healthsite.send_mail",
            "schedule": SEND_MAIL_EVERY,
            "options": {"expires": 10},
        },
        "forget old mail": {
            "task": "healthsite.prune_mail",
            "schedule": 3600.0,
            "options": {"expires": 1800},
        },
        "forget old changes": {
            "task": "articles.forget_changes",
            "schedule": 3600.0,
            "options": {"expires": 1800},
        },
        "write the standings of days that are over": {
            "task": "sharing.write_standings",
            "schedule": crontab(minute="7"),
            "options": {"expires": 1800},
        },
        "forget old event ids": {
            "task": "sharing.prune_events",
            "schedule": 3600.0,
            "options": {"expires": 1800},
        },
        "add up old days of share counts": {
            "task": "sharing.forget_days",
            "schedule": crontab(hour="3", minute="10"),
            "options": {"expires": 3600},
        },
        "compare sums of share counts with the counts": {
            "task": "sharing.verify_counts",
            "schedule": crontab(hour="4", minute="20"),
            "options": {"expires": 3600},
        },
    },
)
app.autodiscover_tasks()


@celeryd_init.connect
@beat_init.connect
def refuse_unsafe_start(**kwargs: Any) -> None:
    """End a worker or beat before it works where the site must not start."""
    startup.refuse_unsafe()
