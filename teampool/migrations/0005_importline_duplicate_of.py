"""Which line a duplicate repeats: it ends as that one does."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("teampool", "0004_stock_alert_and_warnings")]

    operations = [
        migrations.AddField(
            model_name="importline",
            name="duplicate_of",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to="teampool.importline"
            ),
        ),
    ]
