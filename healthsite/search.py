"""Wagtail's search on SQLite, for words as people type them.

The library puts typed words between double quotes and does not escape any in them, so that `a"b` is a
syntax error, and it builds no query at all from blanks (modelsearch 1.x, tried November 2026).
"""

from typing import Any

from modelsearch.backends.database.sqlite.query import Lexeme, SearchQueryExpression
from modelsearch.backends.database.sqlite.sqlite import (
    SQLiteAutocompleteQueryCompiler,
    SQLiteSearchBackend,
    SQLiteSearchQueryCompiler,
)
from modelsearch.query import Phrase, PlainText


class _WordsOnly:
    """Take double quotes out of typed words; they are no part of any word in the index."""

    def build_search_query_content(self, query: Any, config: Any = None) -> Any:
        """Return the query's expression; one without a word matches nothing."""
        if isinstance(query, PlainText | Phrase):
            words = " ".join(query.query_string.replace('"', " ").split())
            if not words:
                return SearchQueryExpression(Lexeme(""), config=config)
            if isinstance(query, PlainText):
                query = PlainText(words, operator=query.operator, boost=query.boost)
            else:
                query = Phrase(words)
        return super().build_search_query_content(query, config=config)  # type: ignore[misc]  # a mixin


class _SearchCompiler(_WordsOnly, SQLiteSearchQueryCompiler):
    pass


class _AutocompleteCompiler(_WordsOnly, SQLiteAutocompleteQueryCompiler):
    pass


class SearchBackend(SQLiteSearchBackend):
    """The database search backend for SQLite."""

    query_compiler_class = _SearchCompiler
    autocomplete_query_compiler_class = _AutocompleteCompiler
