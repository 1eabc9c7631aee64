"""The states of a Redemption, a SeatGrant and a Departure, and groups of them (design §4)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class RedemptionState(models.TextChoices):
    OPEN = "open", _("open")
    REFUSED = "refused", _("refused")
    ENDED = "ended", _("ended")
    ALREADY = "already", _("already seated")


HOLDS_CODE = (RedemptionState.OPEN, RedemptionState.ENDED)


class GrantState(models.TextChoices):
    RESERVED = "reserved", _("reserved")
    INVITING = "inviting", _("inviting")
    INVITED = "invited", _("invited, not listed yet")
    VERIFIED = "verified", _("listed, not accepted yet")
    JOINED = "joined", _("joined")
    CANCELLED = "cancelled", _("cancelled")
    ENDED = "ended", _("ended")


HOLDS_SEAT = (GrantState.RESERVED, GrantState.INVITING, GrantState.INVITED, GrantState.VERIFIED, GrantState.JOINED)
BEFORE_INVITED = (GrantState.RESERVED, GrantState.INVITING)
CONFIRMED = (GrantState.VERIFIED, GrantState.JOINED)
UNCONFIRMED = tuple(state for state in HOLDS_SEAT if state not in CONFIRMED)

# ChatGPT says the person is a member already: do not leave this Team, even if its lists hide them.
SAID_MEMBER = "said_member"
# ChatGPT accepted the invite but no list ever showed it.
GHOST = "never_listed"
# Ours, before the call: the seats of that Team became fewer, or their number too old, since this one was taken.
NO_PLACE = "no_place"


class Refusal(models.TextChoices):
    """Why a Redemption was refused: its public `error_code`."""

    NO_SEAT = "no_seat", _("no seat free")
    EMAIL_REFUSED = "email_refused", _("ChatGPT does not accept this e-mail")
    TEAM_UNAVAILABLE = "team_unavailable", _("no Team available")
    WITHDRAWN = "withdrawn", _("invitation withdrawn")
    OTHER_SEAT = "other_seat", _("in a seat of another kind")


class DepartureState(models.TextChoices):
    OPEN = "open", _("open")
    DONE = "done", _("done")
    DROPPED = "dropped", _("dropped")


class DepartureReason(models.TextChoices):
    TEAM_GONE = "team_gone", _("the Team was lost")
    WITHDRAWN = "withdrawn", _("invite withdrawn")
    RECLAIMED = "reclaimed", _("invite not accepted in time")
    TAKEN_BACK = "taken_back", _("seat taken back")
    RESEATED = "reseated", _("moved to another Team")
    OVERDUE = "overdue", _("time over")
    STRANGER = "stranger", _("no seat")
    DUPLICATE = "duplicate", _("seat in another Team")
