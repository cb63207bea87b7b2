import django.db.models.deletion
from django.db import migrations, models

import tracestore.models.tenancy


class Migration(migrations.Migration):
    dependencies = [("tracestore", "0010_default_organisation")]
    operations = [
        migrations.AlterField(
            model_name="project",
            name="organisation",
            field=models.ForeignKey(
                default=tracestore.models.tenancy.default_organisation,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="projects",
                to="tracestore.organisation",
            ),
        ),
    ]
