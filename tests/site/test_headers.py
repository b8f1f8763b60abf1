"""What every answer carries, and what it must not."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as site_settings
from django.core.files.base import ContentFile
from django.test import Client
from wagtail.documents import get_document_model

from articles.models import ArticlePage, HomePage
from sharing import queries
from tests.factories import add_article, edit, section
from tests.markup import tags_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

STRICT = {
    "default-src": {"'none'"},
    "script-src": {"'self'"},
    "style-src": {"'self'"},
    "img-src": {"'self'", "data:"},
    "font-src": {"'self'"},
    "connect-src": {"'self'"},
    "form-action": {"'self'"},
    "base-uri": {"'none'"},
    "frame-ancestors": {"'none'"},
    "manifest-src": {"'self'"},
}


@pytest.fixture
def addresses(home: HomePage) -> list[str]:
    """Return one address of every kind that a reader can open, errors and redirects too."""
    why, how = section("Why", text='<a href="https://www.nhs.uk/">x</a>'), section("How")
    article = edit(add_article(home, why, how), why)
    code = queries.identities(article.pk)[None].code
    return [
        "/",
        "/?after=1-1",
        "/sleep/",
        "/sleep",
        "/sleep/why/",
        "/sleep/how/",
        "/sleep/print/",
        "/nowhere/",
        "/%00",
        "/privacy/",
        "/robots.txt",
        "/favicon.ico",
        "/healthz",
        "/readyz",
        f"/share/{code}/",
        f"/share/{code}/qr.svg",
        f"/share/{code}/qr.png",
        f"/share/{code}/bluesky/",
        f"/share/{code}/mastodon/",
        f"/share/{code}/mastodon/?instance=mastodon.social",
        f"/share/{code}/mastodon/?instance=nonsense",
        f"/s/{code}cl/",
        f"/s/{code}zz/",
        "/api/v1/",
        "/api/v1/articles/",
        "/api/v1/articles/sleep/",
        f"/api/v1/share-counts/?code={code}",
        f"/api/v1/share-counts/{code}/",
        "/api/v1/nowhere/",
        "/api/v1/schema/",
        "/api/v1/docs/",
        "/admin/login/",
    ]


def policy(response: Any) -> dict[str, set[str]]:
    """Return a Content-Security-Policy by directive; there is exactly one."""
    header: str = response.headers["Content-Security-Policy"]
    parts = [directive.split() for directive in header.split(";") if directive.strip()]
    directives = {name: set(values) for name, *values in parts}
    assert len(directives) == len(parts)
    return directives


def test_every_public_answer_has_the_strict_policy(addresses: list[str], reader: Client) -> None:
    for path in addresses:
        assert policy(reader.get(path)) == STRICT, path


def test_every_public_answer_keeps_its_reader_private(addresses: list[str], reader: Client) -> None:
    for path in addresses:
        answer = reader.get(path)
        assert answer.headers["Referrer-Policy"] == "same-origin", path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", path
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", path
        permissions = answer.headers["Permissions-Policy"]
        for feature in ("camera", "geolocation", "microphone", "browsing-topics"):
            assert f"{feature}=()" in permissions, path


def test_no_reader_gets_a_cookie(addresses: list[str], reader: Client) -> None:
    for path in addresses:
        if path == "/admin/login/":
            continue
        answer = reader.get(path)
        assert not answer.cookies, path
        assert "Set-Cookie" not in answer.headers, path
        assert "Cookie" not in answer.headers.get("Vary", ""), path
    assert not reader.cookies


def test_no_public_page_has_inline_code_or_asks_another_site(
    addresses: list[str], reader: Client
) -> None:
    pages = 0
    for path in addresses:
        answer = reader.get(path)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        # Wagtail's log-in page carries its own small initialiser; its policy keeps it from running.
        if path == "/admin/login/" or not answer.content:
            continue
        pages += 1
        for name, attributes in tags_of(answer.content.decode()):
            assert name != "style", path
            assert name != "script" or "src" in attributes, path
            for attribute, value in attributes.items():
                assert attribute != "style", path
                assert not attribute.startswith("on"), path
                # What a browser fetches by itself; a link waits for a click.
                fetched = attribute in {"src", "srcset", "poster", "data"} or (
                    name == "link" and attribute == "href" and attributes.get("rel") != "canonical"
                )
                if fetched:
                    assert urlsplit(value).netloc == "", f"{path} asks {value}"
    assert pages >= 12


def test_the_admin_has_the_laxer_policy_and_stays_within_the_site(
    addresses: list[str], publisher: Client
) -> None:
    article = ArticlePage.objects.get()
    for path in ("/admin/", f"/admin/pages/{article.pk}/edit/", "/admin/sections/"):
        directives = policy(publisher.get(path))
        assert "'unsafe-inline'" in directives["script-src"]
        assert directives["frame-ancestors"] == {"'self'"}
        for values in directives.values():
            assert values <= {"'self'", "'none'", "'unsafe-inline'", "data:", "blob:"}


def test_the_admin_policy_does_not_leak_to_look_alikes(
    addresses: list[str], reader: Client
) -> None:
    for path in (
        "/administration/",
        "/sleep/admin/",
        "/admin/login/",
        "/admin/login/?next=/admin/",
    ):
        assert policy(reader.get(path)) == STRICT, path


def test_a_signed_in_editor_reads_public_pages_under_the_strict_policy(
    addresses: list[str], publisher: Client
) -> None:
    for path in ("/", "/sleep/", "/sleep/why/"):
        answer = publisher.get(path)
        assert policy(answer) == STRICT
        assert "wagtail-userbar" not in answer.content.decode()


def test_without_https_no_browser_is_told_to_insist_on_it(
    addresses: list[str], reader: Client
) -> None:
    assert "Strict-Transport-Security" not in reader.get("/").headers


def test_with_https_browsers_insist_on_it(home: HomePage, settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.SECURE_HSTS_PRELOAD = True
    settings.SECURE_SSL_REDIRECT = True
    secure = Client(headers={"host": "127.0.0.1:8000"})
    answer = secure.get("/", secure=True)
    assert answer.status_code == 200
    assert (
        answer.headers["Strict-Transport-Security"]
        == "max-age=31536000; includeSubDomains; preload"
    )
    plain = secure.get("/privacy/")
    assert plain.status_code == 301
    assert plain.headers["Location"] == "https://127.0.0.1:8000/privacy/"
    assert secure.get("/healthz").status_code == 200, "probes ask by plain http"
    assert secure.get("/readyz").status_code == 200


# Uploaded files


@pytest.fixture
def upload() -> Path:
    """Put a page with a script among the uploaded files."""
    file = Path(site_settings.MEDIA_ROOT) / "images" / "evil.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("<script>alert(1)</script>")
    return file


def test_an_uploaded_file_is_never_a_page_of_ours(upload: Path, reader: Client) -> None:
    answer = reader.get("/media/images/evil.html")
    assert b"".join(answer) == upload.read_bytes()
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_a_document_is_read_through_its_own_view_alone(reader: Client) -> None:
    file = Path(site_settings.MEDIA_ROOT) / "documents" / "private.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("private")
    assert reader.get("/media/documents/private.txt").status_code == 404


def test_pictures_may_be_shown_by_others(upload: Path, reader: Client) -> None:
    answer = reader.get("/media/images/evil.html")
    b"".join(answer)
    assert "Cross-Origin-Resource-Policy" not in answer.headers


def test_a_document_is_served_by_its_own_view_alone(reader: Client) -> None:
    file = Path(site_settings.MEDIA_ROOT) / "documents" / "private.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("for some eyes only")
    assert reader.get("/media/documents/private.txt").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["../secret_key", "..%2fsecret_key", "%2e%2e/secret_key", "images/../../secret_key",
     "images/%2e%2e/%2e%2e/secret_key", "..\\secret_key", "..%5csecret_key", "/etc/passwd",
     "%2fetc/passwd", "//etc/passwd", "images/", "images", ".", "....//secret_key"],
)  # fmt: skip
def test_no_path_leads_out_of_the_uploaded_files(path: str, upload: Path, reader: Client) -> None:
    secret = Path(site_settings.DATA_DIR) / "secret_key"
    secret.write_text("a secret")
    answer = reader.generic("GET", f"/media/{path}")
    assert answer.status_code in {301, 302, 400, 404}
    assert b"a secret" not in answer.content
    assert b"root:" not in answer.content


def test_a_documents_answer_is_no_page_either(home: HomePage, reader: Client) -> None:
    document = get_document_model()(title="Evil")
    document.file.save("evil.html", ContentFile(b"<script>alert(1)</script>"))
    document.save()
    answer = reader.get(document.url)
    body = b"".join(answer)
    assert b"<script>" in body
    directives = policy(answer)
    assert directives["default-src"] == {"'none'"}
    assert "attachment" in answer.headers["Content-Disposition"] or "sandbox" in directives
