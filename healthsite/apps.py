"""The app that composes the others."""

from django.apps import AppConfig


class HealthsiteConfig(AppConfig):
    name = "healthsite"
    verbose_name = "Site"

    def ready(self) -> None:
        # Makes ours the current Celery app, so that shared tasks find its broker; registers the checks.
        from django.db.models.signals import pre_delete  # noqa: PLC0415
        from wagtail.signals import page_slug_changed  # noqa: PLC0415

        from articles.models import ArticlePage  # noqa: PLC0415
        from articles.signals import names_changed, names_touched  # noqa: PLC0415
        from healthsite import celery, checks  # noqa: F401, PLC0415
        from healthsite.delivery import signal_handlers as delivery  # noqa: PLC0415
        from healthsite.purging import signal_handlers as purging  # noqa: PLC0415
        from healthsite.uploads import signal_handlers, unpacking  # noqa: PLC0415

        signal_handlers.connect()
        unpacking.connect()
        names_changed.connect(delivery.names_changed, dispatch_uid="healthsite.delivery")
        names_touched.connect(purging.names_touched, dispatch_uid="healthsite.purging")
        pre_delete.connect(
            purging.article_deleted, sender=ArticlePage, dispatch_uid="healthsite.purging"
        )
        page_slug_changed.connect(purging.slug_changed, dispatch_uid="healthsite.purging")
