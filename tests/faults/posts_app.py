"""Changes the site of a worker that posts, once it is loaded."""

from django.apps import AppConfig


class PostsConfig(AppConfig):
    """Where this app is installed a worker can be told to kill itself while it posts."""

    name = "tests.faults.posts_app"
    label = "faults_posts"

    def ready(self) -> None:
        """Change the site."""
        from tests.faults import posts_site  # noqa: PLC0415 - needs the models

        posts_site.change()
