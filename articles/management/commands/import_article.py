"""`manage.py import_article FILE [--format text|markdown] [--slug SLUG] [--publish]`"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import pluralize

from articles import actions, queries
from articles.checks import findings
from articles.importing.pictures import with_known_pictures_only
from articles.importing.reading import read_article
from articles.importing.source import (
    ImportRefused,
    SourceFormat,
    format_of,
    read_file,
    source_from_bytes,
)


class Command(BaseCommand):
    help = "Make a draft from a text or Markdown file, and say what was understood."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a .txt or .md file, or - for standard input")
        parser.add_argument(
            "--format",
            choices=[*SourceFormat],
            help="how the file is written; known from .txt, .md and .markdown",
        )
        parser.add_argument("--slug", default="", help="the article's address; from its title")
        parser.add_argument("--publish", action="store_true", help="publish it at once")

    def handle(self, *args: Any, **options: Any) -> None:
        name: str = options["file"]
        source_format = SourceFormat(options["format"]) if options["format"] else format_of(name)
        if source_format is None:
            raise CommandError(
                f"{name}: is this text or Markdown? Say --format text or --format markdown."
            )
        try:
            understood = read_article(source_from_bytes(read_file(name)), source_format)
            understood = with_known_pictures_only(understood)
            with _pages_logged_by_nobody_else():
                article = actions.import_article(
                    article=understood, slug=options["slug"], publish=options["publish"]
                )
        except ImportRefused as refusal:
            raise CommandError(f"{name}: nothing was created. {refusal}") from refusal
        state = "published" if options["publish"] else "draft"
        sections, words = len(understood.sections), understood.word_count
        self.stdout.write(
            f"{state}: “{article.title}”, {sections} section{pluralize(sections)}, "
            f"{words} word{pluralize(words)}"
        )
        self.stdout.write(f"address: {article.full_url}")
        self.stdout.write(f"edit: {queries.edit_url(article.pk)}")
        for said, lines in (("to mend", findings(understood)), ("note", understood.notes)):
            for line in lines:
                self.stdout.write(f"{said}: {line}")


@contextmanager
def _pages_logged_by_nobody_else() -> Iterator[None]:
    """Keep Wagtail from logging what is said here in plain words."""
    logger = logging.getLogger("wagtail")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
