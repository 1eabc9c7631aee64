"""What a finding can be, and how far it got."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    STRANGER = "stranger", _("stranger")
    OVERDUE = "overdue", _("overdue")
    DUPLICATE = "duplicate", _("duplicate")
    VANISHED = "vanished", _("vanished")


# Whoever is one of these may be somebody an operator knows: seen several times, and taken out in enforce mode only.
NEEDS_CARE = (Kind.STRANGER, Kind.DUPLICATE)


class State(models.TextChoices):
    OPEN = "open", _("watched")
    HELD = "held", _("waits for a person")
    APPROVED = "approved", _("approved")
    REMOVING = "removing", _("being removed")
    FAILED = "failed", _("not removed")
    DISMISSED = "dismissed", _("dismissed")
    ALLOWED = "allowed", _("allowed")
    REMOVED = "removed", _("removed")
    GONE = "gone", _("no longer so")


# One of these a person and a Team at a time; a dismissed one stays for as long as the person does.
STANDING = (State.OPEN, State.HELD, State.APPROVED, State.REMOVING, State.FAILED, State.DISMISSED)
# What an operator may still decide.
UNDECIDED = (State.OPEN, State.HELD, State.FAILED)
ASKS_FOR_SOMEONE = (State.OPEN, State.HELD, State.APPROVED, State.FAILED)


class SweepState(models.TextChoices):
    LOOKING = "looking", _("looking")
    ACTING = "acting", _("removing")
    DONE = "done", _("done")
    ABANDONED = "abandoned", _("given up")
