"""The sitemap's parts, with what is published already; the index that the feed reads."""

from collections import Counter

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone

# As in articles/sitemap.py.
PAGES_A_PART = 50


def count_what_is_published(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    addresses: Counter[int] = Counter()
    for model in ("ArticlePage", "HomePage"):
        pages = apps.get_model("articles", model).objects.filter(live=True)
        addresses.update(pk // PAGES_A_PART for pk in pages.values_list("pk", flat=True))
    sections = apps.get_model("articles", "Section").objects.filter(live=True, page__live=True)
    addresses.update(pk // PAGES_A_PART for pk in sections.values_list("page_id", flat=True))
    part = apps.get_model("articles", "SitemapPart")
    now = timezone.now()
    part.objects.bulk_create(
        part(number=number, addresses=count, changed_at=now) for number, count in addresses.items()
    )


class Migration(migrations.Migration):
    dependencies = [
        ("articles", "0002_changed_name"),
    ]

    operations = [
        migrations.CreateModel(
            name="SitemapPart",
            fields=[
                ("number", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("addresses", models.PositiveIntegerField(default=0)),
                ("changed_at", models.DateTimeField()),
            ],
            options={"verbose_name": "sitemap part"},
        ),
        migrations.AddIndex(
            model_name="section",
            index=models.Index(
                condition=models.Q(("live", True)),
                fields=["-changed_at", "-id"],
                name="section_changed_last",
            ),
        ),
        migrations.RunPython(count_what_is_published, migrations.RunPython.noop),
    ]
