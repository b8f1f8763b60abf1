"""Share cards; what was published before gets a card too."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone

import sharing.card_models


def want_cards_of_what_is_published(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make empty cards: the first sweep reads from the published articles what they show."""
    ShareCard = apps.get_model("sharing", "ShareCard")
    targets = apps.get_model("sharing", "ShareTarget").objects.order_by("pk")
    now = timezone.now()
    ShareCard.objects.bulk_create(
        (ShareCard(target=target, title=target.label, wanted_at=now) for target in targets),
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0003_campaign_links"),
        ("wagtailimages", "0027_image_description"),
    ]

    operations = [
        migrations.CreateModel(
            name="CardFile",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("unused_since", models.DateTimeField(blank=True, db_index=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="ShareCardSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "accent",
                    models.CharField(
                        default="#005e5a",
                        help_text="Of the panel and the small words. It must be dark enough to be read on paper.",
                        max_length=7,
                        validators=[sharing.card_models.validate_accent],
                        verbose_name="colour",
                    ),
                ),
                (
                    "logo",
                    models.ForeignKey(
                        blank=True,
                        help_text="Stands at the foot of each card. Without one the site’s mark does.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="wagtailimages.image",
                    ),
                ),
            ],
            options={
                "verbose_name": "share cards",
            },
        ),
        migrations.CreateModel(
            name="ShareCard",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=300)),
                ("eyebrow", models.CharField(blank=True, max_length=300)),
                ("position", models.PositiveIntegerField(default=0)),
                ("parts", models.PositiveIntegerField(default=0)),
                ("design", models.CharField(blank=True, max_length=64)),
                ("wanted", models.CharField(blank=True, max_length=64)),
                ("wanted_at", models.DateTimeField()),
                ("made", models.CharField(blank=True, db_index=True, max_length=64)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("retry_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.CharField(blank=True, max_length=300)),
                (
                    "target",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="card",
                        to="sharing.sharetarget",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("made", models.F("wanted")), _negated=True),
                        fields=["wanted_at"],
                        name="share_card_unmade",
                    )
                ],
            },
        ),
        migrations.RunPython(want_cards_of_what_is_published, migrations.RunPython.noop),
    ]
