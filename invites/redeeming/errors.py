"""Refusals at the redeem form and API: the public `error_code`, and the sentence for a person."""

from __future__ import annotations

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext


class RedeemError(Exception):
    """Nothing was taken and no code was used. `str()` is the sentence in the active language."""

    error_code: ClassVar[str]
    text: ClassVar[str | Promise]
    http_status: ClassVar[int] = 422
    # The form field where the sentence is shown; None: above the form.
    field: ClassVar[str | None] = "code"
    # Seconds until a program may try again.
    retry_after: int | None = None

    def __str__(self) -> str:
        return str(self.text)


class CodeUnknown(RedeemError):
    error_code = "code_unknown"
    text = _("No such code. Check it against the original, or ask the person who gave it to you.")


class CodeUsed(RedeemError):
    """Another e-mail holds the code; nothing about that person is said."""

    error_code = "code_used"
    text = _("This code has been used. If it was you, enter the e-mail you used then.")


class CodeExpired(RedeemError):
    error_code = "code_expired"
    text = _("This code has expired. Ask the person who gave it to you for a new one.")


class CodeVoid(RedeemError):
    error_code = "code_void"
    text = _("This code has been cancelled. Ask the person who gave it to you for a new one.")


class NoSeat(RedeemError):
    error_code = "no_seat"
    http_status = 409
    field = None
    text = _("No seat is free right now. Your code has not been used; please submit it again later.")


class OtherSeat(RedeemError):
    """The e-mail is in a Team in a Premium, Codex or automation seat, which we neither give nor take."""

    error_code = "other_seat"
    http_status = 409
    field = "email"
    text = _(
        "This e-mail is in a Team already, in a seat of another kind. Your code has not been used; contact the person "
        "who gave it to you."
    )


class Paused(RedeemError):
    """An operator paused redemptions; existing ones go on."""

    error_code = "paused"
    http_status = 503
    field = None
    retry_after = 600  # a guess: nobody knows how long a pause lasts
    text = _("Redemptions are paused right now. Your code has not been used; please submit it again later.")


class EmailInvalid(RedeemError):
    error_code = "email_invalid"
    field = "email"
    text = _("This e-mail address is not complete. Example: name@example.com")


class TooMany(RedeemError):
    """Too many tries; the next is possible in `minutes` (1 or more)."""

    error_code = "too_many"
    http_status = 429
    field = None
    text = ""

    def __init__(self, minutes: int) -> None:
        super().__init__(minutes)
        self.minutes = minutes
        self.retry_after = minutes * 60

    def __str__(self) -> str:
        return ngettext(
            "Too many tries. Try again in %(minutes)d minute. No code was used this time.",
            "Too many tries. Try again in %(minutes)d minutes. No code was used this time.",
            self.minutes,
        ) % {"minutes": self.minutes}
