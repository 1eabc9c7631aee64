"""Lets time pass for everything a sweep reads: every moment in our rows moves into the past, and the sandbox on."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import DateTimeField, F

from guardian.models import Finding, Sweep
from invites.models import Departure, Redemption, SeatGrant
from sandbox.server import SandboxServer
from teampool.models import Member, Team, Vacancy

MODELS = (Team, Member, Vacancy, Redemption, SeatGrant, Departure, Finding, Sweep)


def pass_time(sandbox: SandboxServer, seconds: float) -> None:
    by = timedelta(seconds=seconds)
    for model in MODELS:
        names = [field.attname for field in model._meta.concrete_fields if isinstance(field, DateTimeField)]
        model.objects.update(**{name: F(name) - by for name in names})
    sandbox.advance(seconds)
