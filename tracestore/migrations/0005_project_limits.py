import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracestore", "0004_api_key_last_used"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProjectLimits",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("spans_per_second", models.PositiveBigIntegerField(blank=True, null=True)),
                ("burst", models.PositiveBigIntegerField(blank=True, null=True)),
                ("bytes_per_second", models.PositiveBigIntegerField(blank=True, null=True)),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="limits", to="tracestore.project"
                    ),
                ),
            ],
        ),
    ]
