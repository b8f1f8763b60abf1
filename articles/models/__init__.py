"""Pages and section rows."""

from articles.models.article import ArticlePage
from articles.models.changed_name import ChangedName
from articles.models.home import HomePage
from articles.models.section import RetiredSlug, Section
from articles.models.sitemap_part import SitemapPart

__all__ = ["ArticlePage", "ChangedName", "HomePage", "RetiredSlug", "Section", "SitemapPart"]
