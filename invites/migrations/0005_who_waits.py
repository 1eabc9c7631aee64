from django.db import migrations
from django.db.models import Exists, OuterRef

LIVE = ("reserved", "inviting", "invited", "verified", "joined")


def mark(apps, schema_editor):
    """Open claims without a live seat wait."""
    seated = apps.get_model("invites", "SeatGrant").objects.using(schema_editor.connection.alias)
    claims = apps.get_model("invites", "Redemption").objects.using(schema_editor.connection.alias)
    live = seated.filter(redemption=OuterRef("pk"), state__in=LIVE)
    claims.filter(~Exists(live), state="open").update(is_waiting=True)


class Migration(migrations.Migration):

    dependencies = [("invites", "0004_waiting")]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
