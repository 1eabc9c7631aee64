"""Several log-ins of one Team; when a log-in ended."""

import base.encryption
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("teampool", "0011_entrance")]

    operations = [
        migrations.AddField(
            model_name="owner",
            name="login_ended_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="TeamLogin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("access_token", base.encryption.EncryptedTextField(blank=True, default="")),
                ("access_expires_at", models.DateTimeField(blank=True, null=True)),
                ("problem", models.CharField(blank=True, choices=[("", "none"), ("access_lost", "no access"), ("insufficient_role", "role too low"), ("exchange_refused", "no token for this Team"), ("token_refused", "token refused")], default="", max_length=20)),
                ("problem_since", models.DateTimeField(blank=True, null=True)),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("owner", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="team_logins", to="teampool.owner", verbose_name="owner")),
                ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="logins", to="teampool.team")),
            ],
            options={
                "verbose_name": "log-in of a Team",
                "verbose_name_plural": "log-ins of Teams",
                "constraints": [models.UniqueConstraint(fields=("team", "owner"), name="teampool_teamlogin_once")],
            },
        ),
    ]
