"""docker-compose.yml without an engine: all that it names is there, and nothing is left open."""

import importlib.util
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from django.core.management import get_commands

from healthsite.paths import PROJECT_ROOT
from tests.checks import COMPOSE_FILES

TEXTS = {name: (PROJECT_ROOT / name).read_text(encoding="utf-8") for name in COMPOSE_FILES}
FILES: dict[str, Any] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
COMPOSE = FILES["docker-compose.yml"]
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")
NGINX = (PROJECT_ROOT / "deploy/nginx.conf.template").read_text(encoding="utf-8")
ERRANDS = {"prepare"}
STORES = {"database", "events", "cache"}
OURS = {"web", "worker", "beat", "prepare"}

every_service = pytest.mark.parametrize("name", SERVICES)
every_file = pytest.mark.parametrize("file", COMPOSE_FILES)


def default_of(text: str) -> str:
    """Return a text as Compose makes it where no variable is set."""
    return re.sub(r"\$\{\w+(?::-([^}]*))?\}", lambda found: found[1] or "", text)


def test_these_are_the_parts() -> None:
    assert set(SERVICES) == {"nginx", *OURS, *STORES}


# --- Everything that is named exists ---


@every_service
def test_dependencies_exist_and_can_come_true(name: str) -> None:
    for other, wish in SERVICES[name].get("depends_on", {}).items():
        assert other in SERVICES
        if wish["condition"] == "service_healthy":
            assert "test" in SERVICES[other]["healthcheck"]
        else:
            assert wish["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"].startswith("on-failure"), "it would never complete"


def test_nothing_waits_in_a_circle() -> None:
    done: set[str] = set()
    while ready := {
        name
        for name, service in SERVICES.items()
        if name not in done and set(service.get("depends_on", {})) <= done
    }:
        done |= ready
    assert done == set(SERVICES)


@pytest.mark.parametrize("kind", ["volumes", "networks", "secrets"])
def test_what_is_declared_is_used_and_what_is_used_is_declared(kind: str) -> None:
    used: set[str] = set()
    for service in SERVICES.values():
        for entry in service.get(kind, []):
            source = entry.split(":")[0]
            if source.startswith("."):
                assert (PROJECT_ROOT / source).exists(), source
            else:
                used.add(source)
    assert used == set(COMPOSE[kind])


def test_the_files_of_the_tls_overlay_exist_and_its_secrets_are_declared() -> None:
    overlay = FILES["docker-compose.tls.yml"]
    assert set(overlay["services"]) <= set(SERVICES)
    nginx = overlay["services"]["nginx"]
    for volume in nginx["volumes"]:
        source, target, _ = volume.split(":")
        assert (PROJECT_ROOT / source).is_file()
        assert Path(target).match("/etc/nginx/site.d/*.conf")
    assert set(nginx["secrets"]) == set(overlay["secrets"])
    snippet = (PROJECT_ROOT / "deploy/nginx-tls.conf").read_text(encoding="utf-8")
    assert set(re.findall(r"/run/secrets/(\w+)", snippet)) == set(nginx["secrets"])


@every_service
def test_a_secret_that_a_variable_names_is_handed_to_the_service(name: str) -> None:
    service = SERVICES[name]
    named = {
        value.removeprefix("/run/secrets/")
        for value in service.get("environment", {}).values()
        if value.startswith("/run/secrets/")
    }
    assert named == set(service.get("secrets", []))


def test_every_secret_is_a_file_that_the_script_makes_and_git_ignores() -> None:
    script = runpy.run_path(str(PROJECT_ROOT / "deploy/make_secrets.py"))
    files = {secret["file"] for secret in COMPOSE["secrets"].values()}
    assert files == {f"./secrets/{name}" for name in script["BYTES"]}
    ignored = (PROJECT_ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/secrets/", "/.env"} <= set(ignored)


@every_file
def test_every_variable_of_the_file_is_documented_with_its_default(file: str) -> None:
    documented = dict(
        re.findall(r"\b([A-Z_]+)=(\S*)", TEXTS["docker-compose.yml"].split("\nx-")[0])
    )
    documented |= dict(re.findall(r"\b([A-Z_]+)=(\S*)", TEXTS["docker-compose.tls.yml"]))
    body = re.sub(r"(?m)^\s*#.*$", "", TEXTS[file])
    for name, default in re.findall(r"(?<!\$)\$\{(\w+):-([^}]*)\}", body):
        if name == "BASE":
            assert f"ARG BASE={default}\n" in DOCKERFILE
        else:
            assert documented[name] == default
    assert not re.search(r"(?<!\$)\$\w", body), "a variable without braces"
    assert not re.search(r"\$\{\w+(?!:-)\W", body), "a variable without a default"


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_site_knows_every_variable_that_it_is_given(name: str) -> None:
    code = "\n".join(
        file.read_text(encoding="utf-8") for file in Path(PROJECT_ROOT, "healthsite").rglob("*.py")
    )
    for variable in SERVICES[name]["environment"]:
        assert f'"{variable.removesuffix("_FILE")}"' in code, variable


@pytest.mark.parametrize("name", sorted(OURS))
def test_commands_name_modules_and_programs_that_exist(name: str) -> None:
    match SERVICES[name]["command"]:
        case ["python", "-m", module]:
            assert importlib.util.find_spec(module)
        case ["python", "manage.py", command]:
            assert command in get_commands()
        case ["celery", "-A", module, verb, *_]:
            assert importlib.util.find_spec(module)
            assert verb in {"worker", "beat"}
        case other:
            pytest.fail(f"unknown: {other}")
    for module in re.findall(r"-m,? ([\w.]+)", str(SERVICES[name]["healthcheck"].get("test", ""))):
        assert importlib.util.find_spec(module), module


def test_addresses_in_variables_are_services_on_a_common_network() -> None:
    for name in OURS:
        service = SERVICES[name]
        for variable in ("DATABASE_URL", "REDIS_URL", "CACHE_URL"):
            host = urlsplit(service["environment"][variable]).hostname
            assert host in STORES
            assert set(service["networks"]) & set(SERVICES[host]["networks"])
    database = urlsplit(SERVICES["web"]["environment"]["DATABASE_URL"])
    made = SERVICES["database"]["environment"]
    assert database.username == made["POSTGRES_USER"]
    assert database.path == f"/{made['POSTGRES_DB']}"


def test_nginx_leads_to_the_port_of_web() -> None:
    host, port = SERVICES["nginx"]["environment"]["SITE_UPSTREAM"].split(":")
    assert host == "web"
    assert f"PORT={port} " in DOCKERFILE
    assert set(SERVICES["nginx"]["networks"]) & set(SERVICES["web"]["networks"])


def test_every_variable_of_the_nginx_template_is_filled_in() -> None:
    environment = SERVICES["nginx"]["environment"]
    wanted = set(re.findall(r"\$\{(\w+)\}", NGINX))
    # The image sets it when it is asked to.
    assert environment["NGINX_ENTRYPOINT_LOCAL_RESOLVERS"]
    assert wanted == {"SITE_HOST", "SITE_UPSTREAM", "NGINX_LOCAL_RESOLVERS"}
    assert wanted - {"NGINX_LOCAL_RESOLVERS"} <= set(environment)
    assert all(re.search(environment["NGINX_ENVSUBST_FILTER"], name) for name in wanted)
    written = f"{environment['NGINX_ENVSUBST_OUTPUT_DIR']}/nginx.conf"
    assert written in SERVICES["nginx"]["command"]


# --- Nothing is left open ---


@every_service
def test_images_are_pinned_to_a_full_version(name: str) -> None:
    image = SERVICES[name]["image"]
    version = image.rpartition(":")[2]
    if name in OURS:
        project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        assert version == project["project"]["version"]
    else:
        # PostgreSQL's versions have two numbers.
        assert re.fullmatch(r"\d+\.\d+" if name == "database" else r"\d+\.\d+\.\d+", version)
        assert "/" in image, "which registry is meant is the engine's choice"


@every_file
def test_ports_are_published_on_loopback_unless_said_otherwise(file: str) -> None:
    published = [
        default_of(port)
        for service in FILES[file]["services"].values()
        for port in service.get("ports", [])
    ]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_nginx_alone_is_published() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]


@every_service
def test_every_service_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])
    if name != "database":
        assert "cap_add" not in service
    if name not in OURS | {"database"}:
        assert not service["user"].startswith("0")


@every_service
def test_every_service_that_stays_is_watched_and_brought_back(name: str) -> None:
    service = SERVICES[name]
    if name in ERRANDS:
        assert service["healthcheck"] == {"disable": True}
    else:
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        assert service["restart"] == "unless-stopped"


def test_only_the_site_reaches_the_stores_and_they_reach_nobody() -> None:
    for name in STORES:
        for network in SERVICES[name]["networks"]:
            assert COMPOSE["networks"][network]["internal"] is True
            users = {other for other, its in SERVICES.items() if network in its["networks"]}
            assert users <= OURS | STORES


def test_the_queue_is_kept_and_the_salts_are_not() -> None:
    events = " ".join(SERVICES["events"]["command"])
    assert "--appendonly yes --appendfsync everysec" in events
    assert "--maxmemory-policy noeviction" in events
    cache = " ".join(SERVICES["cache"]["command"])
    assert "--save  --appendonly no" in cache
    assert "--maxmemory-policy volatile-ttl" in cache
    assert "volumes" not in SERVICES["cache"]


def test_the_database_compiles_no_statement() -> None:
    assert SERVICES["database"]["command"] == ["postgres", "-c", "jit=off"]


def test_the_database_sorts_the_same_everywhere_and_its_volume_is_where_18_looks() -> None:
    assert "--builtin-locale=C.UTF-8" in SERVICES["database"]["environment"]["POSTGRES_INITDB_ARGS"]
    assert SERVICES["database"]["volumes"] == ["database:/var/lib/postgresql"]


def test_the_first_password_reaches_the_errand_alone() -> None:
    assert [name for name in SERVICES if "admin_password" in SERVICES[name].get("secrets", [])] == [
        "prepare"
    ]


# --- The image ---


def test_what_the_image_copies_is_let_through_and_nothing_else() -> None:
    lines = (PROJECT_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for name in line.split()
    }
    assert copied == allowed
    assert all((PROJECT_ROOT / name).exists() for name in copied)


def test_the_image_runs_as_nobody_in_particular_and_names_no_latest() -> None:
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    assert re.search(r"^ARG BASE=\S+:\d+\.\d+\.\d+-\S+$", DOCKERFILE, re.MULTILINE)
    assert "latest" not in DOCKERFILE
    assert "<<" not in DOCKERFILE
