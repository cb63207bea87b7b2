import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tracestore', '0002_price_overrides'),
    ]

    operations = [
        migrations.CreateModel(
            name='ProjectRetention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('payload_days', models.PositiveIntegerField(blank=True, null=True)),
                ('span_days', models.PositiveIntegerField(blank=True, null=True)),
                ('tool_call_days', models.PositiveIntegerField(blank=True, null=True)),
                ('project', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='retention', to='tracestore.project')),
            ],
        ),
    ]
