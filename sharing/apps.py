"""Getting articles onto networks, and counting."""

from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "sharing"
    verbose_name = "Sharing"

    def ready(self) -> None:
        from articles.signals import article_state_saved  # noqa: PLC0415
        from sharing import signal_handlers  # noqa: PLC0415

        article_state_saved.connect(
            signal_handlers.article_state_saved, dispatch_uid="sharing.article_state_saved"
        )
