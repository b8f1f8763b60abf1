"""Three roles: editors write, publishers publish, administrators run the site."""

from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

WORKFLOW = "Moderators approval"
PUBLISHER_WORKFLOW = "Publisher's approval"

# What administrators may do beyond pages: accounts, sites, redirects, pictures, documents, workflows.
ADMINISTERED = {
    "auth": ["user", "group"],
    "wagtailcore": ["site", "collection", "workflow", "task"],
    "wagtailredirects": ["redirect"],
}
FILES = {"wagtailimages": "image", "wagtaildocs": "document"}


def create_roles(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    _create_permissions(apps, alias)
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    GroupPagePermission = apps.get_model("wagtailcore", "GroupPagePermission")
    GroupCollectionPermission = apps.get_model("wagtailcore", "GroupCollectionPermission")
    Page = apps.get_model("wagtailcore", "Page")
    Collection = apps.get_model("wagtailcore", "Collection")

    # Wagtail's own migrations made Editors and Moderators, with their permissions on all pages.
    Group.objects.filter(name="Moderators").update(name="Publishers")
    for model in ("Workflow", "Task"):
        apps.get_model("wagtailcore", model).objects.filter(name=WORKFLOW).update(
            name=PUBLISHER_WORKFLOW
        )

    administrators, _ = Group.objects.get_or_create(name="Administrators")
    wanted = [
        permission
        for app_label, models in ADMINISTERED.items()
        for model in models
        for permission in Permission.objects.filter(
            content_type__app_label=app_label, content_type__model=model
        )
    ]
    wanted += Permission.objects.filter(codename="access_admin")
    administrators.permissions.add(*wanted)

    root = Page.objects.filter(depth=1).first()
    for permission in Permission.objects.filter(
        content_type__app_label="wagtailcore",
        content_type__model="page",
        codename__in=[
            f"{verb}_page" for verb in ("add", "change", "publish", "bulk_delete", "lock", "unlock")
        ],
    ):
        if root is not None:
            GroupPagePermission.objects.get_or_create(
                group=administrators, page=root, permission=permission
            )
    collection = Collection.objects.filter(depth=1).first()
    for app_label, model in FILES.items():
        for permission in Permission.objects.filter(
            content_type__app_label=app_label, content_type__model=model
        ).exclude(codename__startswith="view_"):
            if collection is not None:
                GroupCollectionPermission.objects.get_or_create(
                    group=administrators, collection=collection, permission=permission
                )


def remove_roles(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    Group = apps.get_model("auth", "Group")
    Group.objects.filter(name="Administrators").delete()
    Group.objects.filter(name="Publishers").update(name="Moderators")
    for model in ("Workflow", "Task"):
        apps.get_model("wagtailcore", model).objects.filter(name=PUBLISHER_WORKFLOW).update(
            name=WORKFLOW
        )


def _create_permissions(apps: Apps, alias: str) -> None:
    """Create the permissions now; Django does so only after all migrations."""
    for app_label in (*ADMINISTERED, *FILES, "wagtailadmin"):
        config = apps.get_app_config(app_label)
        config.models_module = True
        create_permissions(config, apps=apps, using=alias, verbosity=0)
        config.models_module = None


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("wagtailcore", "0098_apitoken"),
        ("wagtailadmin", "0006_formstate"),
        ("wagtailimages", "0027_image_description"),
        ("wagtaildocs", "0014_alter_document_file_size"),
        ("wagtailredirects", "0008_add_verbose_name_plural"),
    ]

    operations = [migrations.RunPython(create_roles, remove_roles)]
