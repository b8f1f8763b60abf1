"""Let counts that grow be rewritten where they stand.

An index that another one begins with is written for nothing. PostgreSQL keeps the new version of a row on the
row's own page, and leaves all indexes alone, if there is room: counts of today are written at every sweep.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# In per cent of a page; what a table has now keeps its pages.
_FILLED = {
    "sharing_sharehour": 50,
    "sharing_sharetotal": 50,
    "sharing_shareday": 50,
    "sharing_sharecount": 70,
}


def leave_room(apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Fill new pages only so far."""
    if schema_editor.connection.vendor == "postgresql":
        for table, filled in _FILLED.items():
            schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = {filled})")


def fill_pages(apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Fill new pages as before."""
    if schema_editor.connection.vendor == "postgresql":
        for table in _FILLED:
            schema_editor.execute(f"ALTER TABLE {table} RESET (fillfactor)")


class Migration(migrations.Migration):
    """Drop two indexes, and leave room."""

    dependencies = [("sharing", "0009_posting")]

    operations = [
        migrations.AlterField(
            "sharecount",
            "target",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="counts",
                to="sharing.sharetarget",
            ),
        ),
        migrations.AlterField(
            "sharehour",
            "target",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="sharing.sharetarget",
            ),
        ),
        migrations.RunPython(leave_room, fill_pages, elidable=True),
    ]
