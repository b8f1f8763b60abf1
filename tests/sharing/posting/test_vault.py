"""Secrets of accounts are unreadable where they rest, and outlive a change of keys."""

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from sharing.posting import vault

TOKEN = {"access_token": "s3cr3t-t0ken"}


def test_secrets_come_back_and_are_not_to_be_seen() -> None:
    sealed = vault.seal(TOKEN)
    assert "s3cr3t" not in sealed
    assert vault.open_(sealed) == TOKEN
    assert vault.seal(TOKEN) != sealed


def test_nothing_sealed_is_nothing() -> None:
    assert vault.open_("") == {}
    assert vault.rotate("") == ""


def test_an_old_key_reads_and_a_new_one_writes(settings: Settings) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.POSTING_KEYS = [old]
    sealed = vault.seal(TOKEN)
    settings.POSTING_KEYS = [new, old]
    assert vault.open_(sealed) == TOKEN
    rotated = vault.rotate(sealed)
    settings.POSTING_KEYS = [new]
    assert vault.open_(rotated) == TOKEN
    with pytest.raises(vault.Sealed) as raised:
        vault.open_(sealed)
    assert sealed not in str(raised.value)
    with pytest.raises(vault.Sealed):
        vault.rotate(sealed)


def test_without_keys_the_secret_key_is_one(settings: Settings) -> None:
    sealed = vault.seal(TOKEN)
    settings.SECRET_KEY = "another key of the site, with at least fifty characters in it"
    with pytest.raises(vault.Sealed):
        vault.open_(sealed)
