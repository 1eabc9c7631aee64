"""What a line that came in says of its refresh token."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("teampool", "0019_log_ins_refused")]

    operations = [
        migrations.AddField(
            model_name="importline",
            name="note",
            field=models.CharField(blank=True, max_length=40),
        ),
    ]
