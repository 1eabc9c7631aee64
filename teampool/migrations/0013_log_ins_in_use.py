"""The log-in of each Team is its first one."""

from typing import Any

from django.db import migrations


def note_owners(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("teampool", "TeamLogin").objects.using(schema_editor.connection.alias)
    teams = apps.get_model("teampool", "Team").objects.using(schema_editor.connection.alias)
    rows.bulk_create(
        rows.model(team_id=team_id, owner_id=owner_id) for team_id, owner_id in teams.values_list("pk", "owner_id")
    )


class Migration(migrations.Migration):
    dependencies = [("teampool", "0012_team_login")]

    operations = [migrations.RunPython(note_owners, migrations.RunPython.noop)]
