"""Publishers and administrators keep the templates of posts; administrators decide what is posted by itself."""

from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TEMPLATES = ["add_posttemplate", "change_posttemplate", "delete_posttemplate", "view_posttemplate"]
ALLOWED = {
    "Publishers": TEMPLATES,
    "Administrators": [*TEMPLATES, "change_autopostrule"],
}


def allow(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    config = apps.get_app_config("sharing")
    # Django creates permissions only after all migrations.
    config.models_module = True
    create_permissions(config, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    config.models_module = None
    for group, permissions in _allowed(apps):
        group.permissions.add(*permissions)


def disallow(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for group, permissions in _allowed(apps):
        group.permissions.remove(*permissions)


def _allowed(apps: Apps) -> list:
    Permission = apps.get_model("auth", "Permission")
    return [
        (
            group,
            list(
                Permission.objects.filter(
                    content_type__app_label="sharing", codename__in=ALLOWED[group.name]
                )
            ),
        )
        for group in apps.get_model("auth", "Group").objects.filter(name__in=ALLOWED)
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("healthsite", "0006_account_permission"),
        ("sharing", "0012_composing"),
    ]

    operations = [migrations.RunPython(allow, disallow)]
