"""The list of templates: what it says while it is empty, and the icons that lead to it."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from wagtail.admin.icons import get_icons

from sharing.models import PostTemplate

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def test_an_empty_list_says_what_templates_are_for_and_leads_to_the_first(
    publisher: Client,
) -> None:
    page = publisher.get(reverse("post_templates:index")).content.decode()
    assert "A template is the text that a new post begins with." in page
    add = reverse("post_templates:add")
    assert f'<a class="button" href="{add}">Write the first template</a>' in page
    assert publisher.get(add).status_code == 200
    nothing = publisher.get(reverse("post_templates:index_results"), {"q": "x"}).content.decode()
    assert "There are no templates yet" in nothing, "templates are not searched"

    PostTemplate.objects.create(name="Short", text="{title} {link}")
    assert "A template is" not in publisher.get(reverse("post_templates:index")).content.decode()


@pytest.mark.parametrize(
    "address",
    ["post_templates:index", "post_new", "posts", "posts_calendar"],
)
def test_the_pages_of_posts_show_icons_that_there_are(administrator: Client, address: str) -> None:
    answer = administrator.get(reverse(address))
    assert answer.status_code == 200
    assert answer.context_data is not None
    icon = answer.context_data["header_icon"]
    assert f'id="icon-{icon}"' in get_icons()
    assert icon != "mail", "nothing here is a mail"


def test_automatic_posts_have_an_icon_of_their_own(administrator: Client) -> None:
    page = administrator.get(
        reverse("wagtailsettings:edit", args=["sharing", "autopostrule"]), follow=True
    )
    content = page.content.decode()
    assert "#icon-rotate" in content
    assert 'id="icon-rotate"' in get_icons()


def test_the_list_says_which_is_the_default_and_when_each_was_changed(publisher: Client) -> None:
    for name in ("Short", "Long"):
        PostTemplate.objects.create(name=name, text="{title}", is_default=name == "Long")
    PostTemplate.objects.update(changed_at="2026-11-26T10:41:00Z")
    page = publisher.get(reverse("post_templates:index")).content.decode()
    cells = [" ".join(each.split()) for each in re.findall(r"<td[^>]*>([^<]*)</td>", page)]
    assert cells == ["Yes", "26 November 2026, 10:41 (UTC)", "No", "26 November 2026, 10:41 (UTC)"]


@pytest.mark.parametrize("text", ["\u202e{title}", "\x07{title}", "\u200b\u200b"])
def test_a_template_hides_nothing(publisher: Client, text: str) -> None:
    answer = publisher.post(reverse("post_templates:add"), {"name": "Hidden", "text": text})
    assert answer.context_data is not None
    assert answer.context_data["form"].errors["text"]
    assert not PostTemplate.objects.exists()


def test_a_template_may_have_several_lines_and_words_from_the_right(publisher: Client) -> None:
    text = "خذ \u2066Vitamin D\u2069\r\n\r\n{title} ❤️"
    publisher.post(reverse("post_templates:add"), {"name": "Lines", "text": text})
    assert PostTemplate.objects.get().text.startswith("خذ")
