from typing import Any

from django.db import migrations

from tracestore.alerts import sealed


def seal(apps: Any, schema_editor: Any) -> None:
    change(apps, lambda config: sealed.sealed(sealed.unsealed(config)))


def unseal(apps: Any, schema_editor: Any) -> None:
    def opened(config: dict[str, Any]) -> dict[str, Any]:
        # What cannot be read stays sealed: an older version calls it a bad address, and nothing is lost.
        kept = set(sealed.unreadable(sealed.unsealed(config)))
        return {name: config[name] if name in kept else value for name, value in sealed.unsealed(config).items()}

    change(apps, opened)


def change(apps: Any, of: Any) -> None:
    Channel = apps.get_model("alerts", "Channel")
    for row in Channel.objects.all():
        if isinstance(row.config, dict):
            row.config = of(row.config)
            row.save(update_fields=["config"])


class Migration(migrations.Migration):
    dependencies = [("alerts", "0001_initial")]
    operations = [migrations.RunPython(seal, unseal)]
