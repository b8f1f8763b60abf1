"""Pages and section rows."""

from articles.models.article import ArticlePage
from articles.models.changed_name import ChangedName
from articles.models.home import HomePage
from articles.models.section import RetiredSlug, Section

__all__ = ["ArticlePage", "ChangedName", "HomePage", "RetiredSlug", "Section"]
