"""Keep sums beside the counts of days, and floods apart from both.

The sums of what is counted already are written here; standings are, day by day, by the nightly job.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

_TOTALS = """
INSERT INTO sharing_sharetotal (target_id, intent, handed_over, arrival, observed, mention)
SELECT target_id,
  SUM(CASE WHEN share_class = 'intent' THEN count ELSE 0 END),
  SUM(CASE WHEN share_class = 'handed_over' THEN count ELSE 0 END),
  SUM(CASE WHEN share_class = 'arrival' THEN count ELSE 0 END),
  SUM(CASE WHEN share_class = 'observed' THEN count ELSE 0 END),
  SUM(CASE WHEN share_class = 'mention' THEN count ELSE 0 END)
FROM sharing_sharecount GROUP BY target_id
"""
_DAYS = """
INSERT INTO sharing_shareday (day, channel, share_class, count)
SELECT day, channel, share_class, SUM(count) FROM sharing_sharecount GROUP BY day, channel, share_class
"""


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0006_share_target_by_page"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ShareTotal",
            fields=[
                ("intent", models.PositiveBigIntegerField(default=0)),
                ("handed_over", models.PositiveBigIntegerField(default=0)),
                ("arrival", models.PositiveBigIntegerField(default=0)),
                ("observed", models.PositiveBigIntegerField(default=0)),
                ("mention", models.PositiveBigIntegerField(default=0)),
                (
                    "target",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="total",
                        serialize=False,
                        to="sharing.sharetarget",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="StandingDay",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
            ],
        ),
        migrations.AddField(
            model_name="inboxevent",
            name="accepted_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="ShareBurst",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("limit", models.PositiveBigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("held", "Held back"),
                            ("accepted", "Counted"),
                            ("dropped", "Dropped"),
                        ],
                        default="held",
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="sharing.sharetarget",
                    ),
                ),
            ],
            options={
                "verbose_name": "flood of shares",
                "verbose_name_plural": "floods of shares",
            },
        ),
        migrations.CreateModel(
            name="HeldCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=40)),
                ("share_class", models.CharField(max_length=20)),
                ("day", models.DateField()),
                ("count", models.PositiveBigIntegerField()),
                (
                    "burst",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="held",
                        to="sharing.shareburst",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ShareDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("channel", models.CharField(max_length=40)),
                ("share_class", models.CharField(max_length=20)),
                ("count", models.PositiveBigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("day", "channel", "share_class"),
                        name="share_day_once_per_channel_class",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ShareHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("accepted", models.PositiveBigIntegerField()),
                ("counted", models.PositiveBigIntegerField()),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="sharing.sharetarget",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ShareStanding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("intent", models.PositiveBigIntegerField(default=0)),
                ("handed_over", models.PositiveBigIntegerField(default=0)),
                ("arrival", models.PositiveBigIntegerField(default=0)),
                ("observed", models.PositiveBigIntegerField(default=0)),
                ("mention", models.PositiveBigIntegerField(default=0)),
                ("day", models.DateField()),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="sharing.sharetarget",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UncountedShare",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("reason", models.CharField(max_length=20)),
                ("source", models.CharField(max_length=36)),
                ("count", models.PositiveBigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("day", "reason", "source"),
                        name="uncounted_once_per_reason_day_source",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="shareburst",
            index=models.Index(fields=["state"], name="share_burst_by_state"),
        ),
        migrations.AddConstraint(
            model_name="shareburst",
            constraint=models.UniqueConstraint(
                fields=("target", "hour"), name="share_burst_once_per_hour"
            ),
        ),
        migrations.AddConstraint(
            model_name="heldcount",
            constraint=models.UniqueConstraint(
                fields=("burst", "channel", "share_class", "day"), name="held_count_once_per_burst"
            ),
        ),
        migrations.AddIndex(
            model_name="sharehour",
            index=models.Index(fields=["hour"], name="share_hour_by_hour"),
        ),
        migrations.AddConstraint(
            model_name="sharehour",
            constraint=models.UniqueConstraint(
                fields=("target", "hour"), name="share_hour_once_per_target"
            ),
        ),
        migrations.AddConstraint(
            model_name="sharestanding",
            constraint=models.UniqueConstraint(
                fields=("day", "target"), name="share_standing_once_per_day"
            ),
        ),
        migrations.RunSQL(_TOTALS, migrations.RunSQL.noop),
        migrations.RunSQL(_DAYS, migrations.RunSQL.noop),
    ]
