"""The rows follow the page: one per section of what is published, whatever an editor does."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.models import Page
from wagtail.signals import page_unpublished

from articles import actions
from articles.models import ArticlePage, HomePage, RetiredSlug, Section
from tests.factories import add_article, add_draft, edit, section

pytestmark = pytest.mark.django_db


def live_slugs(article: ArticlePage) -> list[str]:
    return list(article.sections.live().order_by("position").values_list("slug", flat=True))


def test_a_draft_has_no_rows(home: HomePage) -> None:
    assert live_slugs(add_draft(home)) == []


def test_publishing_makes_one_row_a_section_in_order(home: HomePage) -> None:
    article = add_article(home, section("Why we sleep"), section("How long"), section("When"))
    assert live_slugs(article) == ["why-we-sleep", "how-long", "when"]
    assert list(article.sections.values_list("position", flat=True)) == [1, 2, 3]


def test_saving_a_draft_of_a_live_page_shows_nothing_of_it(home: HomePage) -> None:
    why = section("Why")
    article = add_article(home, why)
    before = Section.objects.values().get()
    why["value"]["heading"] = "A secret"
    edit(article, why, section("Another"), title="Secret", publish=False)
    assert list(Section.objects.values()) == [before]


def test_publishing_the_draft_later_shows_it(home: HomePage) -> None:
    why = section("Why")
    article = add_article(home, why)
    draft = edit(article, why, section("Another"), publish=False)
    draft.get_latest_revision().publish()
    assert live_slugs(article) == ["why", "another"]


def test_unpublishing_takes_the_rows_away_and_publishing_brings_the_same_back(
    home: HomePage,
) -> None:
    article = add_article(home)
    ids = set(article.sections.values_list("pk", flat=True))
    article.unpublish()
    assert live_slugs(article) == []
    article.save_revision().publish()
    assert set(article.sections.live().values_list("pk", flat=True)) == ids


def test_a_scheduled_article_gets_its_rows_when_it_goes_live(home: HomePage) -> None:
    article = add_draft(home, go_live_at=timezone.now() + timedelta(hours=1))
    article.save_revision(approved_go_live_at=article.go_live_at).publish()
    assert live_slugs(article) == []
    revision = article.get_latest_revision()
    past = timezone.now() - timedelta(minutes=1)
    revision.content["go_live_at"] = past.isoformat()
    revision.approved_go_live_at = past
    revision.save()
    call_command("publish_scheduled")
    assert live_slugs(article) == ["why", "how"]


def test_an_expired_article_loses_its_rows(home: HomePage) -> None:
    article = add_article(home)
    ArticlePage.objects.filter(pk=article.pk).update(
        expire_at=timezone.now() - timedelta(minutes=1)
    )
    call_command("publish_scheduled")
    assert live_slugs(article) == []


def test_a_revert_revives_a_removed_section_with_its_row(home: HomePage) -> None:
    why, how = section("Why"), section("How")
    article = add_article(home, why, how)
    first = article.get_latest_revision()
    row = article.sections.get(slug="how")
    article = edit(article, why)
    removed = Section.objects.get(pk=row.pk)
    assert not removed.live
    assert removed.removed_at is not None
    first.as_object().save_revision().publish()
    revived = Section.objects.get(pk=row.pk)
    assert revived.live
    assert revived.removed_at is None


def test_on_a_slug_clash_the_live_section_wins(home: HomePage) -> None:
    old = section("Why", slug="why")
    article = add_article(home, old)
    article = edit(article, section("Why again", slug="why"))
    assert live_slugs(article) == ["why"]
    assert article.sections.live().get().heading == "Why again"


def test_a_copy_has_rows_of_its_own_with_the_same_block_ids(home: HomePage) -> None:
    article = add_article(home)
    copy = article.copy(update_attrs={"slug": "sleep-too"}, keep_live=True)
    assert live_slugs(copy) == live_slugs(article)
    ids = {row.block_id for row in article.sections.all()}
    assert ids == {row.block_id for row in copy.sections.all()}


def test_a_copy_as_a_draft_has_no_live_rows(home: HomePage) -> None:
    copy = add_article(home).copy(update_attrs={"slug": "sleep-too"}, keep_live=False)
    assert live_slugs(copy) == []


def test_an_alias_follows_its_article(home: HomePage) -> None:
    why = section("Why")
    article = add_article(home, why)
    alias = article.create_alias(update_slug="sleep-alias", parent=Page.objects.get(pk=home.pk))
    assert live_slugs(alias) == ["why"]
    edit(article, why, section("More"))
    assert live_slugs(alias) == ["why", "more"]


def test_deleting_an_article_deletes_its_rows(home: HomePage) -> None:
    article = add_article(home)
    article.delete()
    assert not Section.objects.exists()


def test_moving_sections_keeps_their_rows(home: HomePage) -> None:
    why, how = section("Why"), section("How")
    article = add_article(home, why, how)
    ids = dict(article.sections.values_list("slug", "pk"))
    article = edit(article, how, why)
    assert live_slugs(article) == ["how", "why"]
    assert dict(article.sections.values_list("slug", "pk")) == ids


def test_two_sections_may_swap_their_slugs(home: HomePage) -> None:
    one, two = section("One", slug="one"), section("Two", slug="two")
    article = add_article(home, one, two)
    one["value"]["slug"], two["value"]["slug"] = "two", "one"
    article = edit(article, one, two)
    assert live_slugs(article) == ["two", "one"]
    assert not RetiredSlug.objects.exists(), "a slug that is in use is not retired"


def test_changed_at_moves_only_when_the_words_change(home: HomePage) -> None:
    why, how = section("Why", text="Old words."), section("How")
    article = add_article(home, why, how)
    before = dict(article.sections.values_list("slug", "changed_at"))
    why["value"]["body"][0]["value"] = "<p>New words.</p>"
    article = edit(article, how, why)
    after = dict(article.sections.values_list("slug", "changed_at"))
    assert after["how"] == before["how"], "moving a section is no change of it"
    assert after["why"] > before["why"]


def test_a_new_slug_alone_changes_no_date(home: HomePage) -> None:
    why = section("Why", slug="why")
    article = add_article(home, why)
    before = article.sections.get().changed_at
    why["value"]["slug"] = "wherefore"
    edit(article, why)
    assert article.sections.get().changed_at == before


def test_a_section_without_heading_is_a_numbered_part(home: HomePage) -> None:
    article = add_article(home, section("Why"), section(), title="Sleep")
    row = article.sections.get(position=2)
    assert (row.slug, row.title) == ("part-2", "Part 2 of Sleep")


def test_a_block_id_that_repeats_gets_a_new_one(home: HomePage) -> None:
    why = section("Why")
    again = section("Why again", id=why["id"])
    article = add_article(home, why, again)
    assert live_slugs(article) == ["why", "why-again"]
    assert len({row.block_id for row in article.sections.all()}) == 2


def test_blocks_without_ids_keep_the_ids_they_are_given(home: HomePage) -> None:
    why = section("Why")
    why.pop("id")
    article = add_article(home, why)
    assert str(article.sections.get().block_id) == article.body[0].id


def test_rows_and_page_are_saved_together_or_not_at_all(
    home: HomePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    article = add_article(home, section("Why"))
    monkeypatch.setattr("articles.models.article.synchronise_sections", _fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        edit(article, section("Whither"))
    stored = ArticlePage.objects.get(pk=article.pk)
    assert [part.heading for part in stored.parts] == ["Why"]
    assert live_slugs(stored) == ["why"]


def _fail(*args: object, **kwargs: object) -> None:
    raise RuntimeError("killed in the middle")


def test_publishing_costs_the_same_number_of_queries_with_many_sections(
    home: HomePage,
) -> None:
    counts = []
    for number in (2, 20):
        article = add_draft(
            home, *[section(f"Part {n}") for n in range(number)], title=f"N{number}"
        )
        with CaptureQueriesContext(connection) as queries:
            article.synchronise_sections()
            article.live = True
            article.synchronise_sections()
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_rebuild_sections_repairs_rows_and_says_what_it_changed(
    home: HomePage, capsys: pytest.CaptureFixture[str]
) -> None:
    article = add_article(home, section("Why"), section("How"), title="Sleep")
    call_command("rebuild_sections")
    assert "0 repaired" in capsys.readouterr().out
    article.sections.filter(slug="why").update(heading="Broken", position=9)
    article.sections.filter(slug="how").delete()
    call_command("rebuild_sections")
    said = capsys.readouterr().out
    assert "Sleep" in said
    assert "created how" in said
    assert "updated why" in said
    assert live_slugs(article) == ["why", "how"]


def test_of_two_sections_that_give_up_one_slug_the_live_one_keeps_its_readers(
    home: HomePage,
) -> None:
    first, second = section("A", slug="why"), section("B", slug="b")
    article = add_article(home, first, second)
    second["value"]["slug"] = "why"
    article = edit(article, second)
    first["value"]["slug"], second["value"]["slug"] = "a", "b-again"
    article = edit(article, first, second)
    assert live_slugs(article) == ["a", "b-again"]
    assert RetiredSlug.objects.get(slug="why").section.heading == "B"


def test_a_publish_that_comes_before_the_news_of_an_unpublish_stands(home: HomePage) -> None:
    article = add_article(home)
    stale = ArticlePage.objects.get(pk=article.pk)
    stale.live = False
    page_unpublished.send(sender=ArticlePage, instance=stale)
    assert live_slugs(article) == ["why", "how"]


def test_rebuild_sections_reads_each_article_at_its_turn(home: HomePage) -> None:
    one = add_article(home, section("One"), title="One")
    two = add_article(home, section("Two"), title="Two")
    rebuilding = actions.rebuild_sections()
    assert next(rebuilding)[0] == one
    edit(two, section("Newer"))
    list(rebuilding)
    assert live_slugs(two) == ["newer"]


def test_a_heading_that_no_editor_would_type_is_cut_to_fit(home: HomePage) -> None:
    article = add_article(home, section("Long " * 200))
    row = article.sections.get()
    assert len(row.heading) <= 150
    assert row.heading.endswith("…")
