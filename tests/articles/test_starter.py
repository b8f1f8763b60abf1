"""A new site begins with one article, and what editors do with it is theirs."""

from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.test import Client
from wagtail.models import Page, Site

from articles import actions
from articles.models import ArticlePage, HomePage, Section
from tests.factories import edit, section

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

CAUSES = [
    "Anxiety",
    "Elevated stress",
    "Electrolytes",
    "Vitamin deficiency",
    "Motor neuron disease",
]
# The sources that were read for this article; no other may be cited.
CHECKED = {
    "www.nhs.uk",
    "medlineplus.gov",
    "doi.org",
    "ods.od.nih.gov",
    "www.ninds.nih.gov",
    "www.aafp.org",
}


@pytest.fixture
def starter() -> ArticlePage:
    """Return the starter article, as a new site gets it."""
    article = actions.install_starter_content()
    assert article is not None
    return article


def everything() -> list[object]:
    """Return the state of all pages and sections."""
    pages = Page.objects.order_by("pk").values_list(
        "pk", "title", "live", "slug", "latest_revision_id", "live_revision_id"
    )
    articles = ArticlePage.objects.order_by("pk").values_list("pk", "standfirst")
    return [*pages, *articles, *Section.objects.order_by("pk").values_list("pk", "live", "heading")]


def test_a_new_site_shows_the_article_on_its_home_page(
    starter: ArticlePage, reader: Client
) -> None:
    site = Site.objects.get()
    assert isinstance(site.root_page.specific, HomePage)
    assert starter.get_parent().specific == site.root_page.specific
    assert starter.title in reader.get("/").content.decode()
    assert reader.get("/causes-of-muscle-twitching/").status_code == 200


def test_wagtails_welcome_page_is_gone(starter: ArticlePage) -> None:
    assert not Page.objects.filter(title__startswith="Welcome to your new Wagtail").exists()
    assert Page.find_problems() == ([], [], [], [], [])


def test_it_tells_of_five_causes_in_order_each_at_its_address(
    starter: ArticlePage, reader: Client
) -> None:
    assert [part.heading for part in starter.parts] == CAUSES
    assert list(starter.sections.live().values_list("heading", flat=True)) == CAUSES
    for part in starter.parts:
        answer = reader.get(f"{starter.url}{part.slug}/")
        assert answer.status_code == 200
        assert f"<h1>{part.heading}</h1>" in answer.content.decode()


def test_it_ends_with_the_call_to_share(starter: ArticlePage, reader: Client) -> None:
    last = list(starter.body)[-1]
    assert last.block_type == "share_call"
    assert last.value["text"] == "Love it? Why not share?"
    assert "Love it? Why not share?" in reader.get(starter.url).content.decode()


def test_it_says_when_to_see_a_doctor_before_the_first_cause(starter: ArticlePage) -> None:
    first = starter.body[0]
    assert first.block_type == "care_card"
    assert first.value["level"] == "see-doctor-soon"


def test_it_does_not_claim_to_be_medically_reviewed(starter: ArticlePage, reader: Client) -> None:
    assert starter.reviewed_on is None
    assert starter.reviewed_by == ""
    assert "not yet medically reviewed" in reader.get(starter.url).content.decode().lower()


def test_every_section_names_its_sources_and_a_reader_sees_them(
    starter: ArticlePage, reader: Client
) -> None:
    for part in starter.parts:
        assert part.references
        page = reader.get(f"{starter.url}{part.slug}/").content.decode()
        for reference in part.references:
            assert reference["citation"]
            assert f'href="{reference["url"]}"' in page


def test_it_cites_checked_sources_alone(starter: ArticlePage) -> None:
    hosts = {urlsplit(reference["url"]).netloc for reference in starter.references}
    assert hosts <= CHECKED
    assert all(reference["url"].startswith("https://") for reference in starter.references)


def test_every_section_has_what_a_card_needs(starter: ArticlePage) -> None:
    for part in starter.parts:
        assert part.aspect == "CausesHealthAspect"
        assert 0 < len(part.summary) <= 155
    assert 0 < len(starter.description) <= 155


def test_an_editor_can_save_it_without_an_error(starter: ArticlePage, publisher: Client) -> None:
    starter.body.stream_block.clean(starter.body)
    starter.full_clean()
    assert publisher.get(f"/admin/pages/{starter.pk}/edit/").status_code == 200


def _change(article: ArticlePage) -> None:
    edit(article, section("An editor's own"), title="Another title", standfirst="Another beginning")


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda article: None, id="nothing"),
        pytest.param(_change, id="changed it"),
        pytest.param(lambda article: article.unpublish(), id="unpublished it"),
        pytest.param(lambda article: article.delete(), id="deleted it"),
    ],
)
def test_a_second_run_changes_nothing_whatever_an_editor_did(
    work: object, starter: ArticlePage, capsys: pytest.CaptureFixture[str]
) -> None:
    work(starter)  # type: ignore[operator]
    before = everything()
    call_command("install_starter_content")
    assert everything() == before
    assert capsys.readouterr().out == "starter content: there already\n"


def test_a_site_with_a_home_page_of_its_own_gets_nothing(home: HomePage) -> None:
    before = everything()
    assert actions.install_starter_content() is None
    assert everything() == before


def test_the_command_says_what_it_did(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("install_starter_content")
    assert "“What Are the Causes of Muscle Twitching?” published" in capsys.readouterr().out
