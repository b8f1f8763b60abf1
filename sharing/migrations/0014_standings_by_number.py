"""Give a standing the number that follows from its day and its target, and find titles in order.

Standings follow from the counts, and are not copied: seven million rows would hold up a site for minutes while it
changes its version. They begin anew, empty, in either direction; the hourly job writes them, a day in a
transaction, and until then reports add up days: slower, and with the same numbers.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models.functions import Upper


def forget_days(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Say of no day that its standings are written."""
    apps.get_model("sharing", "StandingDay").objects.all().delete()


class Migration(migrations.Migration):
    """Make the table anew: what is in it now is neither read nor rewritten."""

    dependencies = [("sharing", "0013_after_posting")]

    operations = [
        migrations.DeleteModel(name="ShareStanding"),
        migrations.RunPython(forget_days, forget_days),
        migrations.CreateModel(
            name="ShareStanding",
            fields=[
                ("intent", models.PositiveBigIntegerField(default=0)),
                ("handed_over", models.PositiveBigIntegerField(default=0)),
                ("arrival", models.PositiveBigIntegerField(default=0)),
                ("observed", models.PositiveBigIntegerField(default=0)),
                ("mention", models.PositiveBigIntegerField(default=0)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "target",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="sharing.sharetarget",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(target=models.F("id").bitand(2**32 - 1)),
                        name="share_standing_number_of_target",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="sharetarget",
            index=models.Index(Upper("label"), "id", name="share_target_by_title"),
        ),
    ]
