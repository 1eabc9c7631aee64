"""Nobody is placed by a number of the old rule, which counted Premium seats too: every Team is unread until its next sync.

`seat_cap` follows by the rule of the guard: GREATEST(0 - outsiders, seats_held). Each Team is due for a sync at once.
Undone, nothing changes: the old code counts anew with its next sync.
"""

from django.db import migrations
from django.db.models import F


def make_unread(apps, schema_editor):
    Team = apps.get_model("teampool", "Team")
    teams = Team.objects.using(schema_editor.connection.alias)
    teams.update(seat_total=0, seat_cap=F("seats_held"), seats_known="unread", sync_tried_at=None)


class Migration(migrations.Migration):
    dependencies = [("teampool", "0007_vacancy")]

    operations = [migrations.RunPython(make_unread, migrations.RunPython.noop)]
