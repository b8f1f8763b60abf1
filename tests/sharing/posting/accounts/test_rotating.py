"""Keys can be changed: every secret gets the newest one, and older keys can then be thrown away."""

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django import Settings

from sharing.models import NetworkApp, SocialAccount
from sharing.posting import rotating, vault
from tests.sharing.posting.conftest import add_account

SECRETS = {"access": "s3cr3t-t0ken"}


def key() -> str:
    return Fernet.generate_key().decode()


def rotate(*, fails: bool = False) -> str:
    said = StringIO()
    if fails:
        with pytest.raises(CommandError) as raised:
            call_command("rotate_posting_keys", stdout=said)
        return f"{said.getvalue()}\n{raised.value}"
    call_command("rotate_posting_keys", stdout=said)
    return said.getvalue()


@pytest.fixture
def keys(settings: Settings, db: None) -> list[str]:
    """Return the keys in use: a new one, and the one that two secrets rest under."""
    old, new = key(), key()
    settings.POSTING_KEYS = [old]
    add_account(secrets=vault.seal(SECRETS))
    NetworkApp.objects.create(origin="https://a.example", redirect_uri="x", secrets=vault.seal({}))
    add_account("gone", state=SocialAccount.State.DISCONNECTED)
    settings.POSTING_KEYS = [new, old]
    return [new, old]


def test_every_secret_gets_the_newest_key_once(settings: Settings, keys: list[str]) -> None:
    said = rotate()
    assert "1 of 2: sleep@social.example on Mastodon: encrypted with the newest key" in said
    assert "2 of 2: registration at https://a.example" in said
    settings.POSTING_KEYS = keys[:1]
    account = SocialAccount.objects.exclude(secrets="").get()
    assert vault.open_(account.secrets) == SECRETS
    assert "0 encrypted, 2 had the newest key" in rotate()
    assert SocialAccount.objects.exclude(secrets="").get().secrets == account.secrets


def test_the_first_key_of_a_site_takes_over_from_the_secret_key(
    settings: Settings, db: None
) -> None:
    account = add_account(secrets=vault.seal(SECRETS))
    settings.POSTING_KEYS = [key()]
    assert vault.open_(account.secrets) == SECRETS
    rotate()
    settings.SECRET_KEY = "another key of the site, with at least fifty characters in it"
    account.refresh_from_db()
    assert vault.open_(account.secrets) == SECRETS


def test_what_no_key_opens_is_named_and_left(settings: Settings, keys: list[str]) -> None:
    lost = add_account("lost@social.example", secrets="of a key that is gone")
    said = rotate(fails=True)
    assert "lost@social.example on Mastodon: UNREADABLE" in said
    assert "2 encrypted" in said
    assert "Cannot be read: lost@social.example on Mastodon" in said
    assert "of a key" not in said
    lost.refresh_from_db()
    assert lost.secrets == "of a key that is gone"


def test_what_a_worker_renewed_meanwhile_is_kept(
    keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rotated = vault.rotate
    renewed = {"access": "renewed"}

    def slowly(sealed: str) -> str:
        monkeypatch.setattr(vault, "rotate", rotated)
        SocialAccount.objects.filter(secrets=sealed).update(secrets=vault.seal(renewed))
        return rotated(sealed)

    monkeypatch.setattr(vault, "rotate", slowly)
    list(rotating.rotate_all())
    assert vault.open_(SocialAccount.objects.exclude(secrets="").get().secrets) == renewed
