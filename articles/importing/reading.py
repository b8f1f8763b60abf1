"""Read an article in whichever format it is written down."""

from articles.importing.imported import ImportedArticle
from articles.importing.markdown import read_markdown
from articles.importing.plain_text import read_plain_text
from articles.importing.source import Source, SourceFormat


def read_article(source: Source, source_format: SourceFormat) -> ImportedArticle:
    """Return the article that a source tells; raises ImportRefused."""
    if source_format == SourceFormat.MARKDOWN:
        return read_markdown(source)
    return read_plain_text(source)
