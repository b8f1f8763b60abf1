"""`manage.py export_article PK_OR_SLUG [FILE]`"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from articles import queries
from articles.importing.drafts import imported_from
from articles.importing.writer import write_markdown


class Command(BaseCommand):
    help = "Write an article's newest draft as Markdown, to a file that is not there yet or to the screen."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("article", help="its page id or slug")
        parser.add_argument("file", nargs="?", help="where to; without it, standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(queries.articles_named(options["article"])[:2])
        if not found:
            raise CommandError(f"There is no article “{options['article']}”.")
        if len(found) > 1:
            raise CommandError(f"“{options['article']}” names two articles; give the page id.")
        article = found[0].get_latest_revision_as_object()
        text = write_markdown(imported_from(article))
        if not options["file"]:
            self.stdout.write(text, ending="")
            return
        try:
            # Never over a file that is there: it may hold somebody's work.
            with Path(options["file"]).open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise CommandError(
                f"{options['file']}: {error.strerror}. Nothing was written."
            ) from error
        self.stdout.write(f"“{article.title}” written to {options['file']}")
