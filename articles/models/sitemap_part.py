"""What search engines are told of the site, in parts."""

from django.db import models


class SitemapPart(models.Model):
    """One part of the sitemap: the live pages whose ids lie in one range, with their sections.

    Written in the transaction that changes a page, so that the index reads one short row a part.
    """

    # The page ids from `number * PAGES_A_PART` on (articles.sitemap): a page never changes its part.
    number = models.PositiveBigIntegerField(primary_key=True)
    # How many addresses it has; 0 once nothing in it is published.
    addresses = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = "sitemap part"

    def __str__(self) -> str:
        return str(self.number)
