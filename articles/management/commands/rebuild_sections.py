"""`manage.py rebuild_sections`"""

from typing import Any

from django.core.management.base import BaseCommand

from articles import actions


class Command(BaseCommand):
    help = "Repair the section rows of every article from its published body, and say what changed."

    def handle(self, *args: Any, **options: Any) -> None:
        articles = changed = 0
        for article, changes in actions.rebuild_sections():
            articles += 1
            if not changes:
                continue
            changed += 1
            said = [
                f"{word} {', '.join(slugs)}"
                for word, slugs in (
                    ("created", changes.created),
                    ("updated", changes.updated),
                    ("removed", changes.removed),
                )
                if slugs
            ]
            self.stdout.write(f"{article.title} ({article.pk}): {'; '.join(said)}")
        self.stdout.write(f"{articles} articles read, {changed} repaired.")
