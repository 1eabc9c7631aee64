"""The numbers of the old rule, which nothing reads any more."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("teampool", "0008_seats_unread")]

    operations = [
        migrations.RemoveField(
            model_name="team",
            name="seats_entitled",
        ),
        migrations.RemoveField(
            model_name="team",
            name="vacancies_held",
        ),
    ]
