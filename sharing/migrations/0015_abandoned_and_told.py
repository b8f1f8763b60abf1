"""Count how many workers in a row ended while they prepared a delivery, and note that publishers know of a flood.

The database fills the first column in by itself: a worker of the version before goes on writing deliveries
meanwhile. Floods that are older than a day are never told of, so that no old one makes a mail.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add two columns; PostgreSQL rewrites no row for them."""

    dependencies = [("sharing", "0014_standings_by_number")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="abandoned",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="shareburst",
            name="told_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
