"""Lets time pass for what waits in our rows: every moment they hold moves into the past."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain

from django.db.models import DateTimeField

from invites.models import Departure, Redemption, SeatGrant
from teampool.models import Member, Team, Vacancy


def pass_time(seconds: float) -> None:
    by = timedelta(seconds=seconds)
    for row in chain(*(model.objects.all() for model in (Team, Member, Vacancy, Redemption, SeatGrant, Departure))):
        moments = {
            field.attname: getattr(row, field.attname) - by
            for field in row._meta.concrete_fields
            if isinstance(field, DateTimeField) and getattr(row, field.attname) is not None
        }
        type(row).objects.filter(pk=row.pk).update(**moments)
