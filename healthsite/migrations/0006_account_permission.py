"""Administrators connect social accounts."""

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
    permission = _permission(apps)
    for group in apps.get_model("auth", "Group").objects.filter(name="Administrators"):
        group.permissions.add(*permission)


def disallow(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for group in apps.get_model("auth", "Group").objects.filter(name="Administrators"):
        group.permissions.remove(*_permission(apps))


def _permission(apps: Apps) -> list[object]:
    Permission = apps.get_model("auth", "Permission")
    return list(
        Permission.objects.filter(
            content_type__app_label="sharing", codename="change_socialaccount"
        )
    )


class Migration(migrations.Migration):
    dependencies = [
        ("healthsite", "0005_chores"),
        ("sharing", "0011_accounts"),
    ]

    operations = [migrations.RunPython(allow, disallow)]
