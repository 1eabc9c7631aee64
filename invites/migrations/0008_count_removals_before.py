"""Removals that ChatGPT accepted before they were counted: those of the last 72 hours count towards the limit."""

from django.db import migrations
from django.db.models import F


def count_removals_before(apps, schema_editor):
    departures = apps.get_model("invites", "Departure").objects.using(schema_editor.connection.alias)
    told = departures.exclude(told_at=None)
    told.filter(evidence__saw="member", removed_at=None).update(removed_at=F("told_at"))


class Migration(migrations.Migration):
    dependencies = [("invites", "0007_removal_notices")]

    operations = [migrations.RunPython(count_removals_before, migrations.RunPython.noop)]
