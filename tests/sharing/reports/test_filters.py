"""What the report's form offers to choose from."""

from datetime import date
from typing import Any

import pytest
from django.http import QueryDict

from sharing.models import ShareTarget
from sharing.reports.filters import ReportFilters
from sharing.tallies import published

pytestmark = pytest.mark.django_db


@pytest.fixture
def articles(db: None) -> list[ShareTarget]:
    return [
        ShareTarget.objects.create(page_id=page_id, label=label)
        for page_id, label in ((3, "A < B"), (1, "Rest"), (2, "Sleep"))
    ]


@pytest.mark.parametrize(("page_id", "name"), [(3, "A < B"), (2, "Sleep"), (9, None)])
def test_the_article_that_is_chosen_is_offered_wherever_it_stands(
    articles: list[ShareTarget], page_id: int, name: str | None, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        found = published(page_id, 2)
    assert [row.label for row in found.articles] == ["A < B", "Rest"]
    assert found.more
    assert [row.label for row in found.chosen] == ([name] if name else [])
    form = ReportFilters(QueryDict(f"article={page_id}"), published=found, today=date(2026, 11, 26))
    written = str(form["article"])
    offered = ["All articles", "A &lt; B", "Rest", *(["Sleep"] if name == "Sleep" else [])]
    assert [line.split(">")[1].split("</")[0] for line in written.splitlines()[1:-1]] == offered
    assert ('<option value="3" selected>A &lt; B</option>' in written) == (page_id == 3)
    assert written.count(" selected") == (1 if name else 0)


def test_the_list_begins_with_all_and_says_so(articles: list[ShareTarget]) -> None:
    form = ReportFilters(QueryDict(), published=published(None, 5), today=date(2026, 11, 26))
    assert '<option value="" selected>All articles</option>' in str(form["article"])
    assert ' name="article"' in str(form["article"])
    assert "disabled" in str(form["section"])
