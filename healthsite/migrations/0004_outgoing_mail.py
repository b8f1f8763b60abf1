"""Every mail that the site sends, and the attempts; administrators see both."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

CODENAMES = ["view_outgoingmail", "change_outgoingmail"]


def let_administrators_see_mails(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # Django makes permissions only after all migrations.
    config = apps.get_app_config("healthsite")
    config.models_module = True
    create_permissions(config, apps=apps, using=schema_editor.connection.alias, verbosity=0)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="healthsite", codename__in=CODENAMES
    )
    for group in apps.get_model("auth", "Group").objects.filter(name="Administrators"):
        group.permissions.add(*permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("healthsite", "0003_share_card_permission"),
    ]

    operations = [
        migrations.CreateModel(
            name="OutgoingMail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("unknown", "Unknown"),
                            ("kept", "Kept, not sent"),
                        ],
                        max_length=10,
                    ),
                ),
                ("subject", models.TextField()),
                ("sender", models.CharField(max_length=320)),
                ("to_line", models.TextField(verbose_name="to")),
                ("recipients", models.JSONField()),
                ("outstanding", models.JSONField()),
                ("refused", models.JSONField(default=list)),
                ("message", models.BinaryField()),
                ("problem", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(verbose_name="written")),
                ("changed_at", models.DateTimeField(db_index=True, verbose_name="changed")),
                ("queued_at", models.DateTimeField()),
                ("not_before", models.DateTimeField()),
                ("tries", models.PositiveIntegerField(default=0)),
                ("fence", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField(null=True)),
                ("armed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "mail",
                "verbose_name_plural": "mails",
                "default_permissions": ("view", "change"),
                "indexes": [
                    models.Index(fields=["state", "not_before"], name="mail_by_state_and_time")
                ],
            },
        ),
        migrations.CreateModel(
            name="MailAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("under_way", "Under way"),
                            ("sent", "The server took it"),
                            ("later", "The server said: later"),
                            ("refused", "The server refused"),
                            ("unreachable", "The server could not be used"),
                            ("unknown", "Handed over, without an answer"),
                            ("interrupted", "Interrupted before it was handed over"),
                            ("again", "Sent again by a person"),
                        ],
                        default="under_way",
                        max_length=12,
                    ),
                ),
                ("words", models.TextField(blank=True)),
                (
                    "mail",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attempts",
                        to="healthsite.outgoingmail",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["outcome", "ended_at"], name="attempt_by_outcome_and_time")
                ],
            },
        ),
        migrations.RunPython(let_administrators_see_mails, migrations.RunPython.noop),
    ]
