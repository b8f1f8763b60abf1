"""Note how many arrivals a target had in an hour: who judges a flood of shares wants to know."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sharing", "0007_sums_and_floods")]

    operations = [
        migrations.AddField(
            model_name="sharehour",
            name="arrivals",
            field=models.PositiveBigIntegerField(default=0),
        ),
    ]
