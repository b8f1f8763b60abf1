"""Which tables and migrations a database has, and which this code knows."""

from collections.abc import Iterable, Mapping, Sequence

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from healthsite.backup.problem import BackupProblem

# A session's key is a password for as long as it lasts: no backup carries one.
LEFT_OUT = frozenset({"django_session"})


def tables() -> list[str]:
    """Return the tables of all installed apps and of the migrations, in a steady order."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted({*names, MigrationRecorder.Migration._meta.db_table})


def of_installed_apps(applied: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the migrations of each installed app among (app, name) pairs."""
    installed = MigrationLoader(None).migrated_apps
    found: dict[str, list[str]] = {}
    for app, name in sorted(applied):
        if app in installed:
            found.setdefault(app, []).append(name)
    return found


def refuse_unknown(migrations: Mapping[str, Sequence[str]], made_by: str) -> None:
    """Raise BackupProblem where a backup is ahead of this code."""
    loader = MigrationLoader(None)
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known |= set(migration.replaces)
    unknown = sorted(
        f"{app}.{name}" for app, names in migrations.items() for name in names
        if (app, name) not in known
    )  # fmt: skip
    if unknown:
        raise BackupProblem(
            f"The backup was made by healthsite {made_by or 'of another version'}, whose database is "
            f"ahead of this code: {', '.join(unknown[:5])}{' …' if len(unknown) > 5 else ''} "
            "is not known here. Nothing was touched. Restore it with that version or a newer one."
        )


def migrate_exactly(migrations: Mapping[str, Sequence[str]]) -> None:
    """Bring an empty database to exactly these migrations; raises BackupProblem where it is ahead."""
    wanted = {(app, name) for app, names in migrations.items() for name in names}
    executor = MigrationExecutor(connection)
    if ahead := sorted(set(executor.loader.applied_migrations) - wanted):
        raise BackupProblem(
            f"The database is ahead of the backup: it has {'.'.join(ahead[0])}. Nothing was "
            "restored. Name an empty database with DATABASE_URL."
        )
    graph = executor.loader.graph
    last = [
        key for key in sorted(wanted)
        if key in graph.nodes
        and not any(child.key in wanted for child in graph.node_map[key].children if child.key[0] == key[0])
    ]  # fmt: skip
    executor.migrate([key for key in last if key not in executor.loader.applied_migrations])
