"""Whoever manages accounts is told before an access ends, and when it is gone; each of it once."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from pytest_django import Settings

from healthsite.mail.models import OutgoingMail
from sharing.models import PostingSite, SocialAccount
from sharing.posting import warning
from sharing.posting.claims import clock
from sharing.posting.tasks import look_after_accounts
from tests.sharing.posting.conftest import Composed

S = SocialAccount.State
pytestmark = [pytest.mark.usefixtures("administrator"), pytest.mark.any_database]


def subjects() -> list[str]:
    told = [str(message.subject) for message in mail.outbox]
    mail.outbox.clear()
    return told


def ends_in(account: SocialAccount, days: float) -> None:
    SocialAccount.objects.filter(pk=account.pk).update(
        expires_at=clock() + timedelta(days=days, minutes=1)
    )


def test_mail_goes_out_at_14_7_and_1_days_and_at_the_end_each_once(account: SocialAccount) -> None:
    told = []
    for days in (20, 14.5, 13.9, 13, 8, 7, 6.9, 3, 1.5, 0.9, 0.1):
        ends_in(account, days)
        for _ in range(2):
            look_after_accounts()
        told.append(len(subjects()))
    assert told == [0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0]
    SocialAccount.objects.update(state=S.EXPIRED, problem="social.example says no.")
    look_after_accounts()
    (message,) = mail.outbox
    assert message.subject == "Connect sleep@social.example on Mastodon again"
    assert "social.example says no." in message.body
    assert f"/admin/social-accounts/{account.pk}/" in message.body
    look_after_accounts()
    assert len(mail.outbox) == 1


def test_a_warning_that_was_missed_is_not_sent_late(account: SocialAccount) -> None:
    ends_in(account, 6)
    assert warning.warn() == 1
    assert subjects() == ["The access to sleep@social.example on Mastodon ends in 6 days"]


def test_a_renewed_access_is_warned_of_again(account: SocialAccount) -> None:
    for days, told in ((6, 1), (100, 0), (6, 1)):
        ends_in(account, days)
        assert warning.warn() == told


def test_what_waits_is_counted(account: SocialAccount, composed: Composed) -> None:
    composed()
    SocialAccount.objects.update(state=S.EXPIRED)
    warning.warn()
    assert "1 post waits and goes out once" in " ".join(mail.outbox[0].body.split())


def test_an_access_without_an_end_and_a_disconnected_account_are_not_spoken_of(
    account: SocialAccount,
) -> None:
    warning.warn()
    SocialAccount.objects.update(state=S.DISCONNECTED, expires_at=clock())
    warning.warn()
    assert mail.outbox == []


def test_a_copy_of_the_site_warns_nobody(account: SocialAccount) -> None:
    PostingSite.objects.create(instance_id="another", site_url="https://other.example")
    SocialAccount.objects.update(state=S.EXPIRED)
    assert warning.warn() == 0
    assert mail.outbox == []


def test_it_is_told_to_those_who_manage_accounts_alone(
    account: SocialAccount, editor: Client, superuser: Client
) -> None:
    User.objects.create_user("nomail", "", is_superuser=True)
    User.objects.create_user("left", "left@example.org", is_superuser=True, is_active=False)
    SocialAccount.objects.update(state=S.EXPIRED)
    warning.warn()
    told: Sequence[str] = [address for message in mail.outbox for address in message.to]
    assert sorted(told) == ["ada@example.org", "admin@example.org"]


def test_the_mail_and_that_it_was_told_are_one_transaction(
    account: SocialAccount, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_BACKEND = "healthsite.mail.backend.OutboxBackend"
    ends_in(account, 3)

    def breaks(*args: object, **kwargs: object) -> None:
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr(warning, "get_connection", breaks)
        with pytest.raises(RuntimeError):
            warning.warn()
    account.refresh_from_db()
    assert account.warned_of == ""
    assert warning.warn() == 1
    assert OutgoingMail.objects.count() == 1


def test_a_handle_with_a_line_break_sends_its_mail(account: SocialAccount) -> None:
    SocialAccount.objects.update(handle="a\r\nBcc: everybody@example.org", state=S.EXPIRED)
    warning.warn()
    assert mail.outbox[0].subject == "Connect a Bcc: everybody@example.org on Mastodon again"
