from typing import Any

import django.utils.timezone
from django.core.management import call_command
from django.db import migrations, models

CACHE_TABLE = "tracestore_cache"


def make_cache_table(apps: Any, schema_editor: Any) -> None:
    """Django has a command for it and no migration; nobody should have to know."""
    call_command("createcachetable", CACHE_TABLE, database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("tracestore", "0012_append_only_audit")]
    operations = [
        migrations.CreateModel(
            name="LoginFailure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name_digest", models.CharField(max_length=64)),
                ("address", models.CharField(blank=True, max_length=64)),
                ("at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [models.Index(fields=["name_digest", "at"], name="login_failures_of_a_name")],
            },
        ),
        migrations.RunPython(make_cache_table, migrations.RunPython.noop),
    ]
