"""Getting articles onto networks, and counting."""

from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "sharing"
    verbose_name = "Sharing"

    def ready(self) -> None:
        from django.db.models.signals import post_delete, post_save  # noqa: PLC0415

        from articles.signals import article_deleted, article_state_saved  # noqa: PLC0415
        from sharing import signal_handlers  # noqa: PLC0415
        from sharing.card_models import ShareCardSettings  # noqa: PLC0415
        from sharing.share_settings import ShareSettings  # noqa: PLC0415

        article_state_saved.connect(
            signal_handlers.article_state_saved, dispatch_uid="sharing.article_state_saved"
        )
        article_deleted.connect(
            signal_handlers.article_deleted, dispatch_uid="sharing.article_deleted"
        )
        for signal in (post_save, post_delete):
            for settings in (ShareSettings, ShareCardSettings):
                signal.connect(
                    signal_handlers.share_settings_changed,
                    sender=settings,
                    dispatch_uid="sharing.share_settings_changed",
                )
