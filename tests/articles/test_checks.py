"""What editors are told to mend."""

import pytest
from django.test import Client

from articles.checks import FindingCode, findings
from articles.importing.imported import ImportedArticle
from articles.importing.rich_text import paragraph
from articles.models import ArticlePage, HomePage
from tests.articles.editing import form, post_edit, saved, section_block
from tests.factories import add_draft, section

pytestmark = pytest.mark.any_database


def slips(title: str, text: str) -> list[str]:
    """Return the sentences about a title above a text."""
    article = ImportedArticle(title=title, introduction=(paragraph(text),))
    return [f.sentence for f in findings(article) if f.code == FindingCode.TITLE_SLIP]


@pytest.mark.parametrize(
    ("title", "text", "shown", "meant"),
    [
        ("Muscle Twisting", "Twitching is common. Why twitching stops.", "Twisting", "Twitching"),
        ("Headeche at night", "A headache hurts, and a HEADACHE tires.", "Headeche", "Headache"),
        ("About diabtes", "Diabetes: what diabetes is.", "diabtes", "diabetes"),
        ("Alergies?", "Allergies come; “allergies” go.", "Alergies", "Allergies"),
        ("The child’s ashtma", "Asthma (asthma).", "ashtma", "asthma"),
        ("ANXEITY", "Anxiety, and anxiety's end.", "ANXEITY", "ANXIETY"),
    ],
)
def test_a_slip_in_the_title_is_told_with_what_may_be_meant(
    title: str, text: str, shown: str, meant: str
) -> None:
    (sentence,) = slips(title, text)
    assert f"“{shown}”" in sentence
    assert f"Is “{meant}” meant?" in sentence


@pytest.mark.parametrize(
    ("title", "text"),
    [
        pytest.param("Twisting", "Twitching once.", id="used once is not often"),
        pytest.param("Twisting", "Twitching, twitching, twisting.", id="the body uses it"),
        pytest.param("Headache", "Headaches and headaches.", id="another form of the word"),
        pytest.param("Twitch", "Twitching and twitching.", id="its verb"),
        pytest.param("Cat", "Cut, cut.", id="three letters"),
        pytest.param("When", "Then then, when.", id="stop words"),
        pytest.param("Where", "There, there.", id="stop words that are alike"),
        pytest.param("Sleep", "Rest and rest.", id="nothing alike"),
        pytest.param("", "", id="nothing at all"),
    ],
)
def test_no_slip_is_seen_where_there_is_none(title: str, text: str) -> None:
    assert slips(title, text) == []


def test_the_nearest_word_is_suggested() -> None:
    (sentence,) = slips("Stressd", "Stresses and stresses. Stressed, stressed.")
    assert "Is “Stressed” meant?" in sentence


@pytest.mark.django_db
def test_an_articles_words_count_wherever_they_stand(home: HomePage) -> None:
    article = add_draft(
        home,
        section("Throat", "A throat."),
        title="Throot",
        standfirst="",
    )
    (finding,) = findings(article)
    assert "Is “Throat” meant?" in finding.sentence


@pytest.mark.django_db
def test_a_missing_heading_and_a_missing_text_are_told_with_their_blocks(home: HomePage) -> None:
    article = add_draft(home, section("Why"), section(""), section("How", body=[]))
    found = findings(article)
    assert [(f.code, f.position) for f in found] == [
        (FindingCode.HEADING_MISSING, 2),
        (FindingCode.TEXT_MISSING, 3),
    ]
    assert [f.block_id for f in found] == [part.block_id for part in article.parts[1:]]


@pytest.mark.django_db
def test_the_editor_shows_what_is_to_mend_until_it_is_mended(
    home: HomePage, editor: Client
) -> None:
    article = add_draft(home, section("Sleep"), section(""), slug="sleep")
    block_id = article.parts[1].block_id
    address = f"/admin/pages/{article.pk}/edit/"
    page = editor.get(address).content.decode()
    assert "To mend" in page
    assert "/static/articles/admin.css" in page
    assert "Part 2: heading missing." in page
    assert f'href="#block-{block_id}-section"' in page
    assert saved(post_edit(editor, article, form(section_block("Sleep"), section_block("How"))))
    page = editor.get(address).content.decode()
    assert "To mend" not in page
    assert 'id="to-mend"' in page


@pytest.mark.django_db
def test_an_autosave_sends_the_newest_list_for_the_editor(home: HomePage, editor: Client) -> None:
    article = add_draft(home, section("Sleep"), section(""), slug="sleep")

    def autosave(*headings: str) -> str:
        data = form(*map(section_block, headings))
        response = editor.post(
            f"/admin/pages/{article.pk}/edit/", data, headers={"accept": "application/json"}
        )
        assert response.status_code == 200, response.content
        html: str = response.json()["html"]
        return html

    assert "Part 1: heading missing" in autosave("")
    html = autosave("Sleep")
    assert "heading missing" not in html
    assert 'data-w-teleport-target-value="#to-mend"' in html


@pytest.mark.django_db
def test_pages_of_another_kind_have_no_such_panel(home: HomePage, superuser: Client) -> None:
    response = superuser.post(
        f"/admin/pages/{home.pk}/edit/",
        {"title": "Health", "slug": "health-home", "introduction": "", "comments-TOTAL_FORMS": 0,
         "comments-INITIAL_FORMS": 0},
        headers={"accept": "application/json"},
    )  # fmt: skip
    assert response.status_code == 200
    assert "to-mend" not in response.content.decode()


@pytest.mark.django_db
def test_a_new_article_has_nothing_to_mend() -> None:
    assert findings(ArticlePage()) == []
