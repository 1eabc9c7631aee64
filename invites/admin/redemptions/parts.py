"""What both the list and the page of redemptions show: state, Team, end, "send again"."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from base.operator_pages import badge, row_button, row_link
from base.times import tag
from invites import words
from invites.admin.reasons import reason
from invites.admin.redemptions.standing import REVOKED, live_grant, standing_of
from invites.models import Redemption, SeatGrant
from invites.seats.resend import MOST_RESENDS, Resend, resend_view
from invites.states import RedemptionState


def state_badge(redemption: Redemption) -> SafeString:
    """The state, with the reason of a refusal."""
    stands = standing_of(redemption)
    text = str(stands.word)
    if redemption.refusal and stands is not REVOKED:
        text = f"{text} · {reason(redemption.refusal)}"
    return badge(text, stands.tone, stands.icon)


def reference(redemption: Redemption) -> SafeString:
    return format_html('<code class="code">{}</code>', redemption.reference)


def team_name(redemption: Any) -> str:
    """The Team it sits in or sat in last; for an `already` redemption, the Team of that seat; – for none."""
    tries = _tries(redemption)
    return str(tries[0].team) if tries else "–"


def team_link(redemption: Any) -> SafeString | str:
    tries = _tries(redemption)
    return row_link("teampool_team", tries[0].team_id, tries[0].team) if tries else "–"


def _tries(redemption: Any) -> list[SeatGrant]:
    tries: list[SeatGrant] = redemption.tries or (redemption.seated_by.tries if redemption.seated_by else [])
    return tries


def until(redemption: Redemption) -> SafeString | str:
    """When the seat ends or ended; before the confirmation, how long it will last."""
    if redemption.state == RedemptionState.OPEN and redemption.ends_at is None and redemption.seat_time is not None:
        return words.duration(redemption.seat_time)
    return tag(redemption.ends_at)


def resend_button(redemption: Redemption, now: datetime) -> SafeString | str:
    """A button that posts the page's hidden form, or why the mail cannot be sent again now."""
    if resend_view(redemption, live_grant(redemption), now).state is not Resend.AVAILABLE:
        return resend_words(redemption, now)
    return row_button(reverse("admin:redemption_resend", args=[redemption.pk]), _("Send again"))


def resend_words(redemption: Redemption, now: datetime) -> str:
    view = resend_view(redemption, live_grant(redemption), now)
    match view.state:
        case Resend.QUEUED:
            return _("Sending again…")
        case Resend.NONE_LEFT:
            return ngettext("Sent again %(n)s time", "Sent again %(n)s times", MOST_RESENDS) % {"n": MOST_RESENDS}
        case Resend.WAIT if view.wait_until is not None:
            return _("Send again from %(time)s") % {"time": f"{timezone.localtime(view.wait_until):%H:%M}"}
    return "–"
