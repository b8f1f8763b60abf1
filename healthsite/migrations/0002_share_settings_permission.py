"""Administrators decide which networks readers are offered."""

from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def allow(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    config = apps.get_app_config("sharing")
    # Django creates permissions only after all migrations.
    config.models_module = True
    create_permissions(config, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    config.models_module = None
    for group in _administrators(apps):
        group.permissions.add(*_permissions(apps))


def disallow(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for group in _administrators(apps):
        group.permissions.remove(*_permissions(apps))


def _administrators(apps: Apps) -> list:
    return list(apps.get_model("auth", "Group").objects.filter(name="Administrators"))


def _permissions(apps: Apps) -> list:
    return list(
        apps.get_model("auth", "Permission").objects.filter(
            content_type__app_label="sharing", codename="change_sharesettings"
        )
    )


class Migration(migrations.Migration):
    dependencies = [
        ("healthsite", "0001_roles"),
        ("sharing", "0002_share_settings"),
    ]

    operations = [migrations.RunPython(allow, disallow)]
