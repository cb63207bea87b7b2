from typing import Any

from django.db import migrations

from tracestore.models import append_only


def put_up(apps: Any, schema_editor: Any) -> None:
    append_only.put_up(schema_editor.connection)


def take_down(apps: Any, schema_editor: Any) -> None:
    append_only.take_down(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("tracestore", "0011_project_organisation")]
    operations = [migrations.RunPython(put_up, take_down)]
