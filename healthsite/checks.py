"""What must hold before the site may start, as Django's system checks.

`manage.py check` shows them; healthsite/startup.py enforces them in every process. An error is a state
in which the site would leak, lose its queue or answer nobody; a warning is one that may be meant.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.http.request import validate_host
from redis.backoff import NoBackoff
from redis.retry import Retry

from healthsite import paths

TAG = "startup"

SHORTEST_KEY = 50
FEWEST_CHARACTERS = 5
SHORTEST_TOKEN = 20
# What examples, tutorials and generators leave in a secret key, in lower case.
_PLACEHOLDERS = ("django-insecure", "changeme", "change-me", "change_me", "change this", "secret-key",
                 "secret_key", "your-secret", "placeholder", "example")  # fmt: skip

_MAKE_A_KEY = (
    "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
)

# A start may wait this long for a server's answer about itself, in seconds.
_ASK_WITHIN = 2.0


def debug_is_off(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse debug pages, which show settings and code, on a public address."""
    if not settings.DEBUG or settings.EMBEDDED:
        return []
    return [
        Error(
            f"DEBUG is on, and SITE_URL is {settings.SITE_URL}, a public address.",
            hint="Unset DEBUG: its error pages show code and settings to everybody.",
            id="healthsite.E001",
        )
    ]


def secret_key_is_secret(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse, on a public address, a key that is short, monotonous or out of an example."""
    key = str(settings.SECRET_KEY)
    if settings.EMBEDDED:
        return []
    if len(key) < SHORTEST_KEY:
        problem = f"has {len(key)} characters and needs {SHORTEST_KEY}"
    elif len(set(key)) < FEWEST_CHARACTERS:
        problem = f"has fewer than {FEWEST_CHARACTERS} different characters"
    elif any(word in key.lower() for word in _PLACEHOLDERS):
        problem = "is that of an example"
    else:
        return []
    return [
        Error(
            f"SECRET_KEY {problem}, and SITE_URL is {settings.SITE_URL}, a public address.",
            hint="Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(64))'",
            id="healthsite.E002",
        )
    ]


def metrics_token_is_secret(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a token that can be guessed: who has it reads how the site is used."""
    token = str(settings.METRICS_TOKEN)
    if not token or (len(token) >= SHORTEST_TOKEN and len(set(token)) >= FEWEST_CHARACTERS):
        return []
    return [
        Error(
            f"METRICS_TOKEN can be guessed: it needs {SHORTEST_TOKEN} characters, "
            f"{FEWEST_CHARACTERS} of them different.",
            hint="Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
            id="healthsite.E010",
        )
    ]


def hosts_are_named(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse host names that answer everybody or nobody."""
    hosts: list[str] = settings.ALLOWED_HOSTS
    site = urlsplit(settings.SITE_URL).hostname or ""
    hint = f"ALLOWED_HOSTS takes more host names than {site}, separated by commas."
    found: list[CheckMessage] = []
    for host in hosts:
        if host == "*":
            found.append(
                Error(
                    "ALLOWED_HOSTS has *: links in pages and mail would name any host that a "
                    "request names.",
                    hint=hint,
                    id="healthsite.E003",
                )
            )
        elif "/" in host or (":" in host and not host.startswith("[")):
            found.append(
                Error(
                    f"ALLOWED_HOSTS has {host!r}, which is no host name: no scheme, no port.",
                    hint=hint,
                    id="healthsite.E004",
                )
            )
    name = f"[{site}]" if ":" in site else site
    if not validate_host(name, hosts):
        found.append(
            Error(
                f"ALLOWED_HOSTS lacks {name}, the host of SITE_URL: every page would answer 400.",
                hint=hint,
                id="healthsite.E005",
            )
        )
    return found


def public_parts_have_a_public_address(
    app_configs: Any = None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn where servers are named as in production while links lead to this machine alone."""
    on_one_machine = (
        settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
        or {settings.REDIS_URL, settings.CACHE_URL} & _own_servers()
    )
    if not settings.EMBEDDED or on_one_machine:
        return []
    return [
        Warning(
            f"Database and Valkeys are set as for production, and SITE_URL is {settings.SITE_URL}: "
            "links, share cards and mail lead to this machine alone.",
            hint="Set SITE_URL to the address that readers use.",
            id="healthsite.W001",
        )
    ]


def servers_keep_their_promises(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Ask both servers how they evict and persist; refuse what would lose the queue or keep salts.

    Servers that the supervisor starts have the right options and are not asked.
    """
    own = _own_servers()
    events = None if settings.REDIS_URL in own else _ask("REDIS_URL")
    cache = None if settings.CACHE_URL in own else _ask("CACHE_URL")
    found: list[CheckMessage] = []
    for answer in (events, cache):
        if answer and answer.silence:
            found.append(
                Warning(
                    f"{answer.variable}'s server could not be asked how it is set up: "
                    f"{answer.silence}.",
                    hint="The site starts, and readers are served without it.",
                    id="healthsite.W002",
                )
            )
    if events and events.policy.startswith("allkeys"):
        found.append(
            Error(
                f"REDIS_URL's server has maxmemory-policy {events.policy}: when it is full it would "
                "delete the queue and uncounted share events.",
                hint="Set `maxmemory-policy noeviction` there, or name another server.",
                id="healthsite.E006",
            )
        )
    if events and events.persists is False:
        found.append(
            Warning(
                "REDIS_URL's server writes nothing to disk: a restart would lose uncounted share "
                "events.",
                hint="Set `appendonly yes` and `appendfsync everysec` there.",
                id="healthsite.W003",
            )
        )
    if _location(settings.REDIS_URL) == _location(settings.CACHE_URL) or (
        events and cache and events.run_id and events.run_id == cache.run_id
    ):
        found.append(
            Error(
                "REDIS_URL and CACHE_URL name one server: the one must keep everything, and the "
                "other must never write readers' daily salts to a disk.",
                hint="Run two servers; another database number of one is not enough.",
                id="healthsite.E007",
            )
        )
    elif cache and cache.persists:
        found.append(
            Error(
                "CACHE_URL's server writes to disk, and the daily salts that hide who a reader was "
                "must not outlive the day.",
                hint='Set `save ""` and `appendonly no` there.',
                id="healthsite.E008",
            )
        )
    return found


def _own_servers() -> set[str]:
    return {
        f"unix://{socket(settings.DATA_DIR)}?db=0"
        for socket in (paths.events_socket, paths.cache_socket)
    }


def _location(url: str) -> tuple[str | None, int | None, str]:
    """Return which server an address names, whatever its user, password and database number."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return (None, None, parts.path)
    return (parts.hostname, parts.port or 6379, "")


@dataclass(frozen=True)
class _Answer:
    """What a server says of itself; `silence` says why it does not."""

    variable: str
    policy: str = ""
    persists: bool | None = None
    run_id: str = ""
    silence: str = ""


def _ask(variable: str) -> _Answer:
    client = redis.Redis.from_url(
        getattr(settings, variable),
        socket_timeout=_ASK_WITHIN,
        socket_connect_timeout=_ASK_WITHIN,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        told: dict[str, Any] = client.info()
        snapshots = _snapshots(client)
    except (redis.RedisError, OSError) as error:
        return _Answer(variable, silence=str(error).rstrip("."))
    finally:
        client.close()
    log = bool(told.get("aof_enabled"))
    return _Answer(
        variable,
        policy=str(told.get("maxmemory_policy", "")),
        persists=True if log else snapshots,
        run_id=str(told.get("run_id", "")),
    )


def _snapshots(client: redis.Redis) -> bool | None:
    """Return whether the server writes snapshots by itself; None where CONFIG is forbidden."""
    try:
        told = client.config_get("save")
    except redis.ResponseError:
        return None
    return bool(str(told.get("save", "")).strip())


def changes_can_be_told(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a freshness file that cannot be written: readers would go on seeing what was taken away."""
    file = Path(settings.FRESHNESS_FILE)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        return [
            Error(
                f"FRESHNESS_FILE {settings.FRESHNESS_FILE} cannot be used: {error.strerror or error}.",
                hint="Name a file on a local disk that this user may write, with 1 MB to spare.",
                id="healthsite.E009",
            )
        ]
    return []


def posting_keys_are_keys(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse keys that encrypt nothing; warn where a public site has none of its own.

    Without one no account can be connected there (sharing/posting/connecting.py).
    """
    for position, key in enumerate(settings.POSTING_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            return [
                Error(
                    f"POSTING_KEYS: key {position} of {len(settings.POSTING_KEYS)} is no key.",
                    hint=f"A key is 32 bytes in base64. Make one: {_MAKE_A_KEY}",
                    id="healthsite.E011",
                )
            ]
    if settings.EMBEDDED or settings.POSTING_KEYS:
        return []
    return [
        Warning(
            "POSTING_KEYS is not set: no social account can be connected.",
            hint=f"Make a key: {_MAKE_A_KEY}",
            id="healthsite.W004",
        )
    ]


# What each process asks before its work begins.
ALL: Sequence[Callable[..., list[CheckMessage]]] = (
    debug_is_off,
    secret_key_is_secret,
    metrics_token_is_secret,
    hosts_are_named,
    public_parts_have_a_public_address,
    servers_keep_their_promises,
    changes_can_be_told,
    posting_keys_are_keys,
)

for _check in ALL:
    register(_check, TAG)
