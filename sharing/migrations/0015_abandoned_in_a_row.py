"""Count how many workers in a row ended while they prepared a delivery.

The database fills the column in by itself: a worker of the version before goes on writing deliveries meanwhile.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add a column with a default: PostgreSQL rewrites no row for it."""

    dependencies = [("sharing", "0014_standings_by_number")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="abandoned",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
