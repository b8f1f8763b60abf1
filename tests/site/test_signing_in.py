"""Passwords cannot be guessed at the log-in, and nobody can keep its owner out."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings as site_settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from redis import Redis
from wagtail.models import Collection, CollectionViewRestriction

from articles.models import HomePage
from healthsite.signing_in import attempts
from healthsite.signing_in.attempts import (
    ADDRESS,
    DEVICE,
    NAME_FROM_ADDRESS,
    RESET_FROM_ADDRESS,
    RESET_TO_MAILBOX,
    SHARED_PASSWORD,
)
from tests.conftest import READER, new_reader
from tests.services import cache_server

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

LOGIN = "/admin/login/"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    attempts._own_memory.clear()
    yield
    attempts._own_memory.clear()


@pytest.fixture
def owner(db: None) -> User:
    """Return the first administrator."""
    return User.objects.create_superuser("admin", "admin@example.org", "right")


def browser(address: str = "192.0.2.1", **headers: str) -> Client:
    """Return a browser at an address of its own."""
    return Client(
        headers={"user-agent": READER, "host": "127.0.0.1:8000"} | headers, REMOTE_ADDR=address
    )


def try_(client: Client, password: str, name: str = "admin") -> Any:
    """Send the log-in form."""
    return client.post(LOGIN, {"username": name, "password": password, "next": "/admin/"})


def stranger_tries(times: int, address: str = "192.0.2.1", name: str = "admin") -> list[int]:
    """Return the answers to that many wrong passwords."""
    client = browser(address)
    return [try_(client, f"wrong-{number}", name).status_code for number in range(times)]


# Guessing


def test_of_a_thousand_wrong_passwords_five_are_looked_at(owner: User) -> None:
    with patch.object(MD5PasswordHasher, "verify", return_value=False) as verify:
        statuses = stranger_tries(1000)
    assert statuses == [200] * NAME_FROM_ADDRESS.tries + [429] * (1000 - NAME_FROM_ADDRESS.tries)
    assert verify.call_count == NAME_FROM_ADDRESS.tries


def test_a_wait_says_how_long_it_is_and_keeps_the_name_that_was_typed(owner: User) -> None:
    stranger_tries(5)
    answer = try_(browser(), "wrong")
    assert answer.status_code == 429
    left = int(answer.headers["Retry-After"])
    assert 0 < left <= 60
    page = unescape(answer.content.decode())
    assert f"Too many tries. Wait {left} seconds, then try again." in page
    assert 'value="admin"' in page
    assert "wrong" not in page.replace("wrong-", ""), "a password is never written back"
    assert "Sign in to Healthsite" in page
    assert "no-store" in answer.headers["Cache-Control"]


def test_even_the_right_password_waits_at_an_unknown_device(owner: User) -> None:
    stranger_tries(5)
    client = browser()
    assert try_(client, "right").status_code == 429
    assert site_settings.SESSION_COOKIE_NAME not in client.cookies


def test_trying_during_a_wait_does_not_make_it_longer(owner: User) -> None:
    server = Redis.from_url(f"unix://{cache_server.socket}?db=0")
    stranger_tries(5)
    [key] = server.scan_iter(b"try:name:*")
    server.pexpire(key, 30_000)
    stranger_tries(50)
    assert 0 < server.pttl(key) <= 30_000


def test_after_the_wait_the_right_password_is_taken(owner: User) -> None:
    stranger_tries(50)
    server = Redis.from_url(f"unix://{cache_server.socket}?db=0")
    for key in server.scan_iter(b"try:name:*"):
        server.pexpire(key, 1)
        while server.exists(key):
            pass
    assert try_(browser(), "right").status_code == 302


def test_every_counter_ends_by_itself(owner: User) -> None:
    stranger_tries(50)
    try_(browser("198.51.100.7"), "right")
    browser().post("/admin/password_reset/", {"email": "admin@example.org"})
    server = Redis.from_url(f"unix://{cache_server.socket}?db=0")
    lives = {bytes(key): server.pttl(key) for key in server.scan_iter(b"try:*")}
    assert len(lives) >= 3
    assert all(0 < life <= 900_000 for life in lives.values()), lives


def test_spelling_a_name_otherwise_buys_no_more_tries(owner: User) -> None:
    for name in ("admin", "Admin", "ADMIN", " admin ", "admin"):
        assert stranger_tries(1, name=name) == [200]
    assert stranger_tries(1, name="aDmin") == [429]


def test_many_names_from_one_address_wait_too(owner: User) -> None:
    statuses = [stranger_tries(1, name=f"user-{number}")[0] for number in range(ADDRESS.tries + 5)]
    assert statuses == [200] * ADDRESS.tries + [429] * 5
    assert stranger_tries(1, address="198.51.100.7", name="user-99") == [200]


def test_one_ipv6_network_is_one_address(owner: User) -> None:
    for number in range(5):
        assert stranger_tries(1, address=f"2001:db8::{number:x}:1") == [200]
    assert stranger_tries(1, address="2001:db8:0:0:ffff::9") == [429]
    assert stranger_tries(1, address="2001:db8:0:1::9") == [200]
    assert stranger_tries(5, address="192.0.2.9") == [200] * 5
    assert stranger_tries(1, address="::ffff:192.0.2.9") == [429]


def test_many_tries_at_once_are_not_all_the_first(owner: User) -> None:
    with ThreadPoolExecutor(16) as pool:
        waits = list(
            pool.map(lambda _: attempts.take(NAME_FROM_ADDRESS, "admin", "192.0.2.1"), range(200))
        )
    assert sum(wait == 0 for wait in waits) == NAME_FROM_ADDRESS.tries


def test_a_forwarded_address_is_believed_from_our_proxy_alone(owner: User, settings: Any) -> None:
    for number in range(5):
        assert try_(browser(**{"x-forwarded-for": f"203.0.113.{number}"}), "no").status_code == 200
    assert try_(browser(**{"x-forwarded-for": "203.0.113.9"}), "no").status_code == 429
    settings.TRUST_PROXY_HEADERS = True
    assert try_(browser(**{"x-forwarded-for": "203.0.113.9"}), "no").status_code == 200
    for number in range(5):
        forged = {"x-forwarded-for": f"10.0.0.{number}, 203.0.113.50"}
        assert try_(browser(**forged), "no").status_code == 200
    assert try_(browser(**{"x-forwarded-for": "10.0.0.9, 203.0.113.50"}), "no").status_code == 429


# The owner


def test_the_owner_signs_in_from_elsewhere_at_once_while_a_stranger_tries(owner: User) -> None:
    stranger_tries(100)
    assert try_(browser("198.51.100.7"), "right").status_code == 302


def test_the_owners_own_browser_does_not_wait_even_behind_the_same_address(owner: User) -> None:
    own = browser()
    assert try_(own, "right").status_code == 302
    own.post("/admin/logout/")
    stranger_tries(100)
    stranger_tries(ADDRESS.tries, name="somebody")
    assert try_(own, "right").status_code == 302


def test_a_known_device_is_limited_by_itself(owner: User) -> None:
    own = browser()
    try_(own, "right")
    own.post("/admin/logout/")
    statuses = [try_(own, "wrong").status_code for _ in range(DEVICE.tries + 3)]
    assert statuses == [200] * DEVICE.tries + [429] * 3
    assert stranger_tries(1) == [200], "and takes no tries from others"


def test_a_device_is_known_for_the_names_that_signed_in_from_it_alone(owner: User) -> None:
    User.objects.create_superuser("other", "other@example.org", "right")
    own = browser()
    try_(own, "right")
    own.post("/admin/logout/")
    stranger_tries(5, name="other")
    assert try_(own, "right", "other").status_code == 429
    assert try_(browser("198.51.100.7"), "right", "other").status_code == 302


def test_two_who_share_a_browser_are_both_known(owner: User) -> None:
    User.objects.create_superuser("other", "other@example.org", "right")
    own = browser()
    for name in ("admin", "other"):
        assert try_(own, "right", name).status_code == 302
        own.post("/admin/logout/")
    for name in ("admin", "other"):
        stranger_tries(6, name=name)
        assert try_(own, "right", name).status_code == 302


@pytest.mark.parametrize(
    "cookie", ["", "x", "e30:1:forged", "\0", "x" * 10_000, "\xf0\x9f\x99\x82"]
)
def test_a_forged_cookie_is_a_strangers(cookie: str, owner: User) -> None:
    client = browser()
    client.cookies["known_device"] = cookie
    stranger_tries(5)
    assert try_(client, "right").status_code == 429


def test_the_device_cookie_opens_nothing_and_says_nothing(owner: User) -> None:
    own = browser()
    try_(own, "right")
    cookie = own.cookies["known_device"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/admin/"
    assert "admin" not in cookie.value
    other = browser()
    other.cookies["known_device"] = cookie.value
    assert other.get("/admin/").status_code == 302


def test_only_signing_in_sets_it(home: HomePage, owner: User) -> None:
    client = browser()
    for path in ("/", "/privacy/", LOGIN, "/admin/password_reset/"):
        client.get(path)
        assert "known_device" not in client.cookies
    try_(client, "wrong")
    assert "known_device" not in client.cookies


def test_signing_in_rightly_uses_up_no_tries(owner: User) -> None:
    for number in range(ADDRESS.tries + 5):
        assert try_(browser(), "right").status_code == 302, number


def test_hammering_one_name_does_not_keep_the_office_waiting(owner: User) -> None:
    User.objects.create_superuser("other", "other@example.org", "right")
    stranger_tries(100)
    assert try_(browser(), "right", "other").status_code == 302


# What it tells and what it keeps


def test_an_unknown_name_gets_the_same_answer_and_the_same_work(owner: User) -> None:
    User.objects.create_user("gone", password="right", is_active=False)
    pages, work = [], []
    for name in ("admin", "nobody", "gone"):
        with patch.object(
            MD5PasswordHasher, "encode", autospec=True, side_effect=MD5PasswordHasher.encode
        ) as encode:
            answers = [
                try_(
                    browser("192.0.2.77" if name == "admin" else f"192.0.2.{len(name)}"), "no", name
                )
                for _ in range(7)
            ]
        work.append(encode.call_count)
        pages.append([(answer.status_code, said(answer)) for answer in answers])
    assert [[status for status, _ in page] for page in pages] == [[200] * 5 + [429] * 2] * 3
    assert pages[0][0] == pages[1][0] == pages[2][0]
    assert len(set(work)) == 1


def said(answer: Any) -> str:
    """Return what the log-in form says of a mistake."""
    return str(answer.context["form"].non_field_errors())


def test_no_address_and_no_name_is_kept_or_logged(
    owner: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        stranger_tries(8, address="203.0.113.99", name="secretive")
        browser("203.0.113.99").post("/admin/password_reset/", {"email": "secretive@example.org"})
    logged = [
        record.getMessage() for record in caplog.records if record.name != "django.db.backends"
    ]
    assert not [line for line in logged if "203.0.113.99" in line or "secretive" in line]
    server = Redis.from_url(f"unix://{cache_server.socket}?db=0")
    kept = b" ".join(bytes(key) for key in server.scan_iter())
    assert b"203.0.113.99" not in kept
    assert b"secretive" not in kept


# While Valkey is silent


def test_signing_in_works_while_the_cache_is_silent(owner: User, frozen_cache: None) -> None:
    client = browser()
    assert try_(client, "wrong").status_code == 200
    assert try_(client, "right").status_code == 302


def test_guessing_is_limited_while_the_cache_is_silent(owner: User, frozen_cache: None) -> None:
    assert stranger_tries(12) == [200] * 5 + [429] * 7
    assert try_(browser("198.51.100.7"), "right").status_code == 302


def test_the_memory_of_a_process_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "LONGEST_MEMORY", 100)
    memory = attempts._OwnMemory()
    for number in range(1000):
        memory.count(str(number).encode(), 60)
    assert len(memory._counts) <= 100


# The operator


def unlock(*names: str) -> str:
    """Run the command."""
    out = StringIO()
    call_command("unlock_login", *names, stdout=out)
    return out.getvalue()


def test_an_operator_ends_the_waits_of_one_name(owner: User) -> None:
    stranger_tries(9)
    stranger_tries(9, name="other")
    assert "for admin." in unlock("admin")
    assert try_(browser(), "right").status_code == 302
    assert stranger_tries(1, name="other") == [429]


def test_an_operator_ends_all_waits(owner: User) -> None:
    stranger_tries(9)
    stranger_tries(9, name="other")
    assert "for everybody." in unlock()
    assert try_(browser(), "right").status_code == 302
    assert stranger_tries(1, name="other") == [200]


def test_an_operator_is_told_where_the_cache_is_silent(db: None, frozen_cache: None) -> None:
    with pytest.raises(CommandError, match="is silent"):
        unlock("admin")


# Other forms


def test_a_forgotten_password_is_asked_for_so_often_from_one_address(owner: User) -> None:
    client = browser()
    answers = [
        client.post("/admin/password_reset/", {"email": f"{number}@example.org"})
        for number in range(RESET_FROM_ADDRESS.tries + 2)
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [302] * RESET_FROM_ADDRESS.tries + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) <= 60
    assert "Too many tries." in answers[-1].content.decode()
    assert 'value="6@example.org"' in answers[-1].content.decode()


def test_a_mailbox_is_not_filled_and_the_answer_does_not_tell(owner: User) -> None:
    for number in range(10):
        answer = browser(f"192.0.2.{number}").post(
            "/admin/password_reset/", {"email": "Admin@example.org"}
        )
        assert answer.status_code == 302
        assert answer.headers["Location"] == "/admin/password_reset/done/"
    assert len(mail.outbox) == RESET_TO_MAILBOX.tries


def test_wagtails_second_log_in_form_leads_to_the_first(home: HomePage, reader: Client) -> None:
    answer = reader.get("/_util/login/?next=/sleep/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/admin/login/?next=/sleep/"
    assert reader.post("/_util/login/", {"username": "a", "password": "b"}).status_code == 405


def test_a_shared_password_cannot_be_guessed_either(home: HomePage) -> None:
    root = Collection.get_first_root_node()
    restriction = CollectionViewRestriction.objects.create(
        collection=root, restriction_type="password", password="open"
    )
    path = f"/documents/authenticate_with_password/{restriction.pk}/"
    client = new_reader()
    statuses = [
        client.post(path, {"password": "no", "return_url": "/"}).status_code
        for _ in range(SHARED_PASSWORD.tries + 2)
    ]
    assert statuses == [200] * SHARED_PASSWORD.tries + [429] * 2
