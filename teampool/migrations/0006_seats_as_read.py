"""How many places a Team has, how that is known and since when, and what it was read from."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("teampool", "0005_importline_duplicate_of")]

    operations = [
        migrations.AddField(
            model_name="team",
            name="cancellation_outcome",
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name="team",
            name="cap_set_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="features_read_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="is_codex_only",
            field=models.BooleanField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="pools",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="team",
            name="reading",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="seats_bought",
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="seats_elsewhere",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="team",
            name="seats_known",
            field=models.CharField(choices=[("pools", "read"), ("entitled", "read, one kind of seat"), ("cap", "your cap"), ("assumed", "assumed"), ("unread", "not read yet"), ("stale", "read too long ago")], default="unread", max_length=8),
        ),
        migrations.AddField(
            model_name="team",
            name="seats_read_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="seats_refused_again_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="seats_refused_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="seats_refused_status",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="seats_taken",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
