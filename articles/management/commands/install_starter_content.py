"""`manage.py install_starter_content`"""

from typing import Any

from django.core.management.base import BaseCommand

from articles import actions


class Command(BaseCommand):
    help = "Create the home page and the starter article, once; an editor's work is never touched."

    def handle(self, *args: Any, **options: Any) -> None:
        article = actions.install_starter_content()
        if article is None:
            self.stdout.write("starter content: there already")
        else:
            self.stdout.write(f"starter content: “{article.title}” published")
