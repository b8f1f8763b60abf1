"""What sharing changes is out of date wherever it is kept."""

from typing import Any

import pytest

from articles import freshness
from articles.models import ChangedName
from sharing import card_actions, card_files
from sharing.models import ShareCard, ShareCardSettings, ShareSettings
from tests.sharing.conftest import Shared

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def touched() -> set[str]:
    """Return the names that were touched since this was last asked."""
    names = set(ChangedName.objects.values_list("name", flat=True))
    ChangedName.objects.all().delete()
    return names


@pytest.mark.parametrize("model", [ShareSettings, ShareCardSettings])
def test_settings_that_are_saved_or_deleted_are_out_of_date(model: Any) -> None:
    row = model.load()
    touched()
    row.save()
    assert touched() == {freshness.SETTINGS}
    row.delete()
    assert touched() == {freshness.SETTINGS}


@pytest.mark.parametrize("model", [ShareSettings, ShareCardSettings])
def test_settings_are_saved_together_with_what_follows(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*names: str) -> None:
        raise KeyboardInterrupt

    row = model.load()
    monkeypatch.setattr("articles.freshness.touch", killed)
    changed, value = ("compact", 2) if model is ShareSettings else ("accent", "#123456")
    setattr(row, changed, value)
    with pytest.raises(KeyboardInterrupt):
        row.save()
    fresh = model.objects.get(pk=row.pk)
    assert getattr(fresh, changed) != getattr(row, changed)


def test_a_card_that_is_made_or_lost_changes_its_article(shared: Shared) -> None:
    touched()
    card_actions.make_cards(seconds=30)
    assert touched() == {freshness.article(shared.article.pk)}
    lost = ShareCard.objects.exclude(made="").first()
    assert lost is not None
    card_files.delete(lost.made)
    card_actions.tidy_cards()
    assert touched() == {freshness.article(shared.article.pk)}
    assert card_actions.make_cards(seconds=30) == 1
    assert touched() == {freshness.article(shared.article.pk)}
    assert card_actions.make_cards(seconds=30) == 0
    assert not touched(), "nothing was replaced"
