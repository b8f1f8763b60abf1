"""Django settings, in the order of Django's settings reference, driven by the environment.

Two ways of running differ by what is set. On one machine (`make run`) nothing need be: data, sockets and
a generated secret key lie in the data folder. In production `SITE_URL` names a public host; then
`SECRET_KEY` is required, and every insecure default is off.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from healthsite import env, paths
from healthsite.purging import configured as purging

DATA_DIR = paths.data_dir()

# --- Our own -------------------------------------------------------------------------------------

SITE_NAME = "Healthsite"
# The public origin; every absolute URL and Wagtail's Site row follow it.
SITE_URL = env.site_url("SITE_URL", f"http://127.0.0.1:{env.number('PORT', 8000)}")
_site = urlsplit(SITE_URL)
_LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]
EMBEDDED = _site.hostname in {"127.0.0.1", "localhost", "::1"}
HTTPS = _site.scheme == "https"

# The durable server: Celery's broker and the stream of share events.
REDIS_URL = env.text("REDIS_URL", f"unix://{paths.events_socket(DATA_DIR)}?db=0")
# The server that persists nothing: cache, daily salts, visitor tags.
CACHE_URL = env.text("CACHE_URL", f"unix://{paths.cache_socket(DATA_DIR)}?db=0")
# How long a reader may wait for either of them, in seconds.
VALKEY_TIMEOUT = 0.2

# Tells all processes of this host what was changed (docs/decisions/0014); on a disk of its own, not shared
# with other hosts.
FRESHNESS_FILE = env.text("FRESHNESS_FILE", str(DATA_DIR / "freshness"))

# So many bytes of pages are kept in each web process.
DELIVERY_MEMORY = env.number("DELIVERY_MEMORY_MB", 64, minimum=1) * 1024 * 1024
# Of the threads of a web process one is left to kept pages, whatever the others wait for.
DELIVERY_PLACES = max(1, env.number("WEB_THREADS", 4, minimum=1) - 1)
# Where nobody came or went for so long in all the others, they hang; in seconds.
DELIVERY_PATIENCE = 5.0
# How often each of them reads what was changed, should nobody have told it; in seconds.
DELIVERY_SWEEP_EVERY = 30.0

# Share events are accepted, and their ids remembered, for this long.
SHARE_EVENT_RETENTION = timedelta(
    days=env.number("SHARE_EVENT_RETENTION_DAYS", 7, minimum=7, maximum=3650)
)
# A sender's clock may be ahead of ours by this.
SHARE_EVENT_AHEAD = timedelta(minutes=5)
# Counts are kept by day for so many days, then as one sum; 0 is for ever.
SHARE_DAYS_RETENTION_DAYS = env.number("SHARE_DAYS_RETENTION_DAYS", 800, maximum=36_500)
if 0 < SHARE_DAYS_RETENTION_DAYS < SHARE_EVENT_RETENTION.days:
    raise ImproperlyConfigured(
        f"SHARE_DAYS_RETENTION_DAYS is {SHARE_DAYS_RETENTION_DAYS}: take 0 to keep days for ever, or at least "
        f"the {SHARE_EVENT_RETENTION.days} days of SHARE_EVENT_RETENTION_DAYS."
    )
# So many share events are counted in one transaction.
SHARE_EVENT_BATCH = 20_000
# Smaller counts are not shown to readers; 0 shows them all.
SHARE_COUNT_MIN = env.number("SHARE_COUNT_MIN", 0)
# More shares of one article or section in one hour wait for an editor; 0 counts them all at once.
SHARE_BURST_LIMIT = env.number("SHARE_BURST_LIMIT", 500)
# What an editor decided about them can be taken back for this long.
SHARE_BURST_RETENTION = timedelta(days=env.number("SHARE_BURST_RETENTION_DAYS", 90, minimum=1))

# Who sends it as `Authorization: Bearer` may read /metrics; without one only an administrator may.
METRICS_TOKEN = env.text("METRICS_TOKEN", "")

# Fernet keys for the secrets of social accounts, the newest first; without any, one comes from SECRET_KEY.
POSTING_KEYS = env.secrets("POSTING_KEYS")

# Servers that posts may go to although they are not on the public internet, as host:port: a demo network, or a
# server of one's own.
POSTING_TRUSTED_HOSTS = env.names("POSTING_TRUSTED_HOSTS")
# The demo network of this machine, as host:port; the supervisor sets it where it runs one.
DEMO_NETWORK_HOST = env.text("DEMO_NETWORK_HOST", "")
if DEMO_NETWORK_HOST:
    POSTING_TRUSTED_HOSTS.append(DEMO_NETWORK_HOST)
# Tells this installation from a copy of its database; without one a file in the data folder does.
INSTANCE_ID = env.text("INSTANCE_ID", "")
# Posts of an article or section that is taken down are deleted on their networks at once; else editors are asked.
DELETE_POSTS_OF_GONE_PAGES = env.flag("DELETE_POSTS_OF_GONE_PAGES")
# Called with the name of a place in the engine that posts (sharing/posting/kill_points.py); tests set it.
KILL_POINTS = None

# Mails that are sent, failed, unknown or kept are forgotten after this.
MAIL_RETENTION = timedelta(days=env.number("MAIL_RETENTION_DAYS", 30, minimum=1))

# The reader's address is taken from the last X-Forwarded-For hop, and https from
# X-Forwarded-Proto, only where a proxy of ours sets them.
TRUST_PROXY_HEADERS = env.flag("TRUST_PROXY_HEADERS")

# Chores that could not be done are shown to an operator for so long.
CHORE_RETENTION = timedelta(days=30)

# First parts of addresses in healthsite/urls.py: no article may take one.
RESERVED_ARTICLE_SLUGS = frozenset(
    {
        "admin",
        "api",
        "documents",
        "healthz",
        "media",
        "metrics",
        "privacy",
        "readyz",
        "s",
        "share",
        "static",
    }
)

# Public addresses are for reading; the views of these names alone take a POST as well.
PUBLIC_FORM_VIEWS = frozenset({"collection_password", "page_password"})

# Panels that other apps add to the article editor, as dotted paths (articles imports none of them).
ARTICLE_EXTRA_PANELS = [
    "sharing.panels.SharesPanel",
    "sharing.posting.admin.composer_panel.PostsPanel",
    "sharing.card_panels.CardsPanel",
]

# --- Core ----------------------------------------------------------------------------------------


def _secret_key() -> str:
    """Return SECRET_KEY, or on one machine the key that `make run` keeps in the data folder."""
    if value := env.secret("SECRET_KEY").strip():
        return value
    file = paths.secret_key_file(DATA_DIR)
    if not EMBEDDED:
        raise ImproperlyConfigured(f"Set SECRET_KEY: SITE_URL is {SITE_URL}, a public address.")
    try:
        return file.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"Set SECRET_KEY, or start once with `make run`, which makes one in {file}."
        ) from error


ALLOWED_HOSTS = sorted(
    {_site.hostname or "", *env.names("ALLOWED_HOSTS"), *(_LOOPBACK if EMBEDDED else [])} - {""}
)

CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "healthsite.cache.ForgivingCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "page",
        "TIMEOUT": 3600,
        "OPTIONS": {"socket_timeout": VALKEY_TIMEOUT, "socket_connect_timeout": VALKEY_TIMEOUT},
    }
}

CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "healthsite.views.csrf_failure"
CSRF_TRUSTED_ORIGINS = [SITE_URL]
# The longest article that can be imported (5 MB), and the form that edits it.
DATA_UPLOAD_MAX_MEMORY_SIZE = 25_000_000
# An article of many sections is a form of many fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

DATABASES: dict[str, Any] = {
    "default": env.database(
        "DATABASE_URL",
        f"sqlite:///{paths.database_file(DATA_DIR)}",
        password="DATABASE_PASSWORD",  # noqa: S106 - a variable's name
    )
}
_ON_SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
if _ON_SQLITE:
    DATABASES["default"]["OPTIONS"] = {
        # Writers queue at BEGIN instead of failing in the middle (docs/decisions/0002).
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }

DEBUG = env.flag("DEBUG")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"{SITE_NAME} <no-reply@{_site.hostname}>")
# Mails are written to the database and sent from there (docs/decisions/0012).
EMAIL_BACKEND = "healthsite.mail.backend.OutboxBackend"
# Without a host mails are kept in the outbox and not sent.
EMAIL_HOST = env.text("EMAIL_HOST", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_TIMEOUT = 10
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS")
EMAIL_PORT = env.number(
    "EMAIL_PORT", 465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25, minimum=1
)
if EMAIL_USE_SSL and EMAIL_USE_TLS:
    raise ImproperlyConfigured("Set EMAIL_USE_SSL or EMAIL_USE_TLS, not both.")
FILE_UPLOAD_PERMISSIONS = 0o644

INSTALLED_APPS = [
    "healthsite",
    "sharing",
    "articles",
    "wagtail.contrib.redirects",
    "wagtail.contrib.settings",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

LANGUAGE_CODE = "en-gb"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"foreign_host": {"()": "healthsite.foreign_hosts.AsOneWarning"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        # One line for each search index entry says nothing to an operator.
        "django_tasks": {"level": "WARNING"},
        "django.security.DisallowedHost": {"filters": ["foreign_host"]},
    },
}
MEDIA_ROOT = DATA_DIR / "media"
MEDIA_URL = "/media/"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "healthsite.security.ContentSecurityPolicy",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "healthsite.methods.refuse_other_methods",
    "healthsite.security.refuse_unusable_addresses",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "healthsite.delivery.compression.GZip",
    "healthsite.delivery.compression.ConditionalGet",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
    "healthsite.forged_forms.ForgedForms",
]
PERMISSIONS_POLICY: dict[str, Any] = {
    "browsing-topics": [],
    "camera": [],
    "geolocation": [],
    "microphone": [],
    "payment": [],
    "usb": [],
    "clipboard-write": "self",
}
ROOT_URLCONF = "healthsite.urls"
SECRET_KEY = _secret_key()
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY_HEADERS else None
# A network must not learn which health page was read.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
# Probes ask by plain http from inside.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$", r"^readyz$"]
SERVER_EMAIL = env.text("SERVER_EMAIL", DEFAULT_FROM_EMAIL)
SILENCED_SYSTEM_CHECKS: list[str] = []
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # Compressing takes about 20 s of CPU: worth it once an image, not at a first `make run`.
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if paths.built_static_dir()
        else "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    },
}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "healthsite.context.site",
            ],
        },
    }
]
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")
USE_TZ = True
WSGI_APPLICATION = "healthsite.wsgi.application"
X_FRAME_OPTIONS = "DENY"

# --- Auth, sessions, static files ----------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "wagtailadmin_login"
SESSION_COOKIE_SECURE = HTTPS
STATIC_ROOT = paths.built_static_dir() or DATA_DIR / "static"
STATIC_URL = "/static/"

# --- Libraries -----------------------------------------------------------------------------------

_NONE, _SELF = "'none'", "'self'"
_PUBLIC: dict[str, list[str]] = {
    "default-src": [_NONE],
    "script-src": [_SELF],
    "style-src": [_SELF],
    "img-src": [_SELF, "data:"],
    "font-src": [_SELF],
    "connect-src": [_SELF],
    "form-action": [_SELF],
    "base-uri": [_NONE],
    "frame-ancestors": [_NONE],
    "manifest-src": [_SELF],
}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": _PUBLIC}
# Wagtail's editing views carry a few inline initialisers, show previews in a frame, and its
# accessibility checker runs in that frame.
ADMIN_CONTENT_SECURITY_POLICY = _PUBLIC | {
    "default-src": [_SELF],
    "script-src": [_SELF, "'unsafe-inline'"],
    "style-src": [_SELF, "'unsafe-inline'"],
    "img-src": [_SELF, "data:", "blob:"],
    "frame-src": [_SELF],
    "frame-ancestors": [_SELF],
    "base-uri": [_SELF],
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # The document's `?version=` is none but this; a made-up one would reach a header.
    "ALLOWED_VERSIONS": ["1"],
    "EXCEPTION_HANDLER": "healthsite.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": f"{SITE_NAME} API",
    "DESCRIPTION": "Published articles, their sections, and how often each was shared.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["healthsite.api.only_this_api"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
}

TASKS: dict[str, Any] = {
    "default": {
        "BACKEND": "healthsite.chores.backend.ChoreBackend",
        # Who deletes a picture or a document must see where it is used, by articles saved just now too.
        "OPTIONS": {"at_once": ["wagtail.tasks.update_reference_index_task"]},
    }
}

# The caches in front that are told what to forget; none unless they are named.
WAGTAILFRONTENDCACHE = purging.backends(
    urls=env.names("PURGE_URLS"),
    zone=env.text("CLOUDFLARE_ZONE", ""),
    token=env.text("CLOUDFLARE_TOKEN", ""),
)
WAGTAIL_SITE_NAME = SITE_NAME
WAGTAILADMIN_BASE_URL = SITE_URL
WAGTAILADMIN_USER_LOGIN_FORM = "healthsite.signing_in.forms.SignInForm"
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
WAGTAIL_GRAVATAR_PROVIDER_URL = None
# A picture of 15 kB can unpack to 121 megapixels.
WAGTAILIMAGES_MAX_IMAGE_PIXELS = 40_000_000
WAGTAILIMAGES_MAX_UPLOAD_SIZE = 10 * 1024 * 1024
WAGTAILIMAGES_IMAGE_FORM_BASE = "healthsite.uploads.forms.PictureForm"
WAGTAILDOCS_MAX_UPLOAD_SIZE = 20 * 1024 * 1024
WAGTAILDOCS_DOCUMENT_FORM_BASE = "healthsite.uploads.forms.DocumentForm"
# A PDF too: nothing that was uploaded is shown as if it were a page of ours.
WAGTAILDOCS_INLINE_CONTENT_TYPES: list[str] = []
WAGTAILADMIN_RICH_TEXT_EDITORS = {"default": {"WIDGET": "healthsite.rich_text.RichTextArea"}}
WAGTAILIMAGES_EXTENSIONS = ["avif", "gif", "jpg", "jpeg", "png", "webp"]
WAGTAILDOCS_EXTENSIONS = ["csv", "docx", "odt", "pdf", "txt", "xlsx", "zip"]
WAGTAILEMBEDS_FINDERS: list[dict[str, str]] = []
WAGTAILSEARCH_BACKENDS = {
    "default": {
        "BACKEND": "healthsite.search" if _ON_SQLITE else "wagtail.search.backends.database"
    }
}
