"""What a Team says against its log-in stands at the log-in from now on."""

from typing import Any

from django.db import migrations
from django.db.models import F

REFUSED = ("access_lost", "insufficient_role")


def note_refusals(apps: Any, schema_editor: Any) -> None:
    logins = apps.get_model("teampool", "TeamLogin").objects.using(schema_editor.connection.alias)
    for state in REFUSED:
        teams = logins.filter(owner=F("team__owner"), team__workspace_state=state)
        logins.filter(pk__in=list(teams.values_list("pk", flat=True))).update(problem=state)


class Migration(migrations.Migration):
    dependencies = [("teampool", "0018_sign_in")]

    operations = [migrations.RunPython(note_refusals, migrations.RunPython.noop)]
