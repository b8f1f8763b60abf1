"""What we publish: articles and their sections."""

from django.apps import AppConfig


class ArticlesConfig(AppConfig):
    name = "articles"
    verbose_name = "Articles"

    def ready(self) -> None:
        from django.db.models.signals import post_delete, post_save  # noqa: PLC0415
        from wagtail.documents import get_document_model  # noqa: PLC0415
        from wagtail.images import get_image_model  # noqa: PLC0415
        from wagtail.models import Page, Site  # noqa: PLC0415
        from wagtail.signals import page_unpublished  # noqa: PLC0415

        from articles import signal_handlers, signals  # noqa: PLC0415
        from articles.models import ArticlePage, HomePage  # noqa: PLC0415

        page_unpublished.connect(
            signal_handlers.page_unpublished, dispatch_uid="articles.page_unpublished"
        )
        for signal, model, handler in (
            (post_save, Page, signal_handlers.plain_page_saved),
            (post_delete, Page, signal_handlers.page_deleted),
            (post_save, get_image_model(), signal_handlers.picture_changed),
            (post_delete, get_image_model(), signal_handlers.picture_changed),
            (
                post_delete,
                get_image_model().get_rendition_model(),
                signal_handlers.rendition_deleted,
            ),
            (post_save, get_document_model(), signal_handlers.document_changed),
            (post_delete, get_document_model(), signal_handlers.document_changed),
            (post_save, Site, signal_handlers.site_changed),
            (post_delete, Site, signal_handlers.site_changed),
        ):
            signal.connect(handler, sender=model, dispatch_uid=f"articles.{handler.__name__}")
        signals.article_state_saved.connect(
            signal_handlers.article_state_saved, dispatch_uid="articles.sitemap"
        )
        post_save.connect(
            signal_handlers.home_saved, sender=HomePage, dispatch_uid="articles.home_saved"
        )
        for listed in (ArticlePage, HomePage):
            post_delete.connect(
                signal_handlers.listed_page_deleted,
                sender=listed,
                dispatch_uid=f"articles.{listed.__name__}.listed_page_deleted",
            )
