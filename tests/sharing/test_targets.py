"""Share targets: one an article, one a section, and found without reading all of them."""

import pytest
from django.db import connection

from sharing.models import ShareTarget


@pytest.mark.django_db
def test_the_targets_of_an_article_are_found_by_an_index() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table this small would be read whole.
            cursor.execute("SET LOCAL enable_seqscan = off")
    assert "share_target_by_page" in ShareTarget.objects.filter(page_id=1).explain()
    assert "share_target_by_page" in ShareTarget.objects.filter(page_id__in=[1, 2]).explain()
