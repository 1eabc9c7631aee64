"""Places that emptied and wait for a read of the seats."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("teampool", "0006_seats_as_read")]

    operations = [
        migrations.CreateModel(
            name="Vacancy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("member", "member"), ("invite", "pending invite")], max_length=8)),
                ("upstream_id", models.CharField(max_length=80)),
                ("email", models.CharField(blank=True, db_index=True, max_length=254)),
                ("gone_by", models.DateTimeField()),
                ("place_back_at", models.DateTimeField(blank=True, null=True)),
                ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="vacancies", to="teampool.team")),
            ],
            options={
                "indexes": [models.Index(condition=models.Q(("place_back_at", None)), fields=["team"], name="teampool_vacancy_waiting")],
            },
        ),
    ]
