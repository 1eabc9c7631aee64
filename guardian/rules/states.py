"""Kinds and states of findings, and states of sweeps."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    STRANGER = "stranger", _("stranger")
    OVERDUE = "overdue", _("overdue")
    DUPLICATE = "duplicate", _("duplicate")
    VANISHED = "vanished", _("vanished")
    OTHER_SEAT = "other_seat", _("in a seat of another kind")


# An operator may know these people: they must be seen several times, and only enforce mode removes them.
NEEDS_CARE = (Kind.STRANGER, Kind.DUPLICATE)
# Nobody there to remove, or nobody we remove.
ONLY_REPORTED = (Kind.VANISHED, Kind.OTHER_SEAT)
# About a person a list shows, who may become another kind and is still the same.
OF_A_PERSON = (*NEEDS_CARE, Kind.OTHER_SEAT)


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


# At most one finding in these states per person and Team. A dismissed one stands while the person stays.
STANDING = (State.OPEN, State.HELD, State.APPROVED, State.REMOVING, State.FAILED, State.DISMISSED)
# An operator may still decide these.
UNDECIDED = (State.OPEN, State.HELD, State.FAILED)
ASKS_FOR_SOMEONE = (State.OPEN, State.HELD, State.APPROVED, State.FAILED)


class SweepState(models.TextChoices):
    LOOKING = "looking", _("looking")
    ACTING = "acting", _("removing")
    DONE = "done", _("done")
    ABANDONED = "abandoned", _("given up")
