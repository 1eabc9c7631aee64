"""How a refresh token's client id is known. Version 0.2.0 took the web session's for it, which no refresh token has."""

from typing import Any

from django.db import migrations, models

WEB = "app_X8zY6vW2pQ9tR3dE7nK1jL5gH"


def forget_the_web_client(apps: Any, schema_editor: Any) -> None:
    """The tokens stay; the client id is to be asked for."""
    owners = apps.get_model("teampool", "Owner").objects.using(schema_editor.connection.alias)
    owners.filter(client_id=WEB).update(client_id="")


class Migration(migrations.Migration):
    dependencies = [("teampool", "0016_look_again")]

    operations = [
        migrations.AddField(
            model_name="owner",
            name="client_state",
            field=models.CharField(
                choices=[
                    ("given", "given with the token"),
                    ("named", "named by its access token"),
                    ("proven", "proven"),
                    ("wrong", "wrong"),
                ],
                default="given",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="senttoken",
            name="client_id",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="senttoken",
            name="refused_ids",
            field=models.JSONField(default=list),
        ),
        migrations.RunPython(forget_the_web_client, migrations.RunPython.noop),
    ]
