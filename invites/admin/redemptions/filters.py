"""Filters of the list of redemptions."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from base.list_filters import ChoiceFilter
from invites.admin.redemptions import standing


class StateFilter(ChoiceFilter):
    title = _("State")
    parameter_name = "state"
    offers = {one.key: (one.word, standing.standing_in(one.key)) for one in standing.ALL}


class UnconfirmedFilter(ChoiceFilter):
    title = _("Confirmation")
    parameter_name = "unconfirmed"
    offers = {"yes": (_("not confirmed for 10 minutes"), standing.unseen)}


class SeatFilter(ChoiceFilter):
    """`waiting`: a seat is held and not joined, as the first screen counts them; `none`: no seat for 10 minutes."""

    title = _("Seat")
    parameter_name = "seat"
    offers = {
        "waiting": (_("held, not joined yet"), standing.waiting()),
        "none": (_("none for 10 minutes"), standing.without_seat),
    }


class KindFilter(ChoiceFilter):
    title = _("Kind")
    parameter_name = "kind"
    offers = {
        "generic": (_("generic"), Q(code__isnull=False, bound_team=None, seat_time=None)),
        "bound": (_("bound"), Q(code__isnull=False, bound_team__isnull=False)),
        "temporary": (_("temporary"), Q(seat_time__isnull=False)),
        "operator": (_("without a code"), Q(code=None)),
    }
