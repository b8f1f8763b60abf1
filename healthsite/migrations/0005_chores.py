"""What a save leaves behind for the workers, the search index above all."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("healthsite", "0004_outgoing_mail"),
    ]

    operations = [
        migrations.CreateModel(
            name="Chore",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("task", models.CharField(max_length=200)),
                ("arguments", models.JSONField()),
                ("key", models.CharField(max_length=64)),
                ("queued_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("not_before", models.DateTimeField(blank=True, null=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("problem", models.TextField(blank=True)),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["key"], name="chore_by_key"),
                    models.Index(
                        condition=models.Q(("failed_at__isnull", True)),
                        fields=["id"],
                        name="chore_waiting",
                    ),
                ],
            },
        ),
    ]
