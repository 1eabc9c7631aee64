"""Compare this machine's clock with another clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from config.service.doctor.answer import Answer, failed, ok, warning

ODD, WRONG = timedelta(seconds=10), timedelta(minutes=2)


def compare(check: str, theirs: datetime, ours: datetime, *, whose: str) -> Answer:
    """A warning from 10 s apart, a failure from 2 min: leases, ends of seats and tokens depend on the clock."""
    apart = abs(theirs - ours)
    text = _("The clock here and that of {whose} are {n} s apart.").format(whose=whose, n=round(apart.total_seconds()))
    if apart <= ODD:
        return ok(check, text)
    advice = _("Let the machine keep its time by NTP: timedatectl set-ntp true")
    return (failed if apart > WRONG else warning)(check, text, advice)
