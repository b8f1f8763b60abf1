"""What we publish: articles and their sections."""

from django.apps import AppConfig


class ArticlesConfig(AppConfig):
    name = "articles"
    verbose_name = "Articles"

    def ready(self) -> None:
        from wagtail.signals import page_unpublished  # noqa: PLC0415

        from articles import signal_handlers  # noqa: PLC0415

        page_unpublished.connect(
            signal_handlers.page_unpublished, dispatch_uid="articles.page_unpublished"
        )
