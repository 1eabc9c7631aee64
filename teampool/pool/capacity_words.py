"""The one line that explains a Team's number of places, so that an operator can check it at ChatGPT."""

from __future__ import annotations

from django.utils.translation import gettext as _

from base.times import full
from teampool.known import Known
from teampool.pool.capacity import Capacity, Reading


def explain(capacity: Capacity) -> str:
    """For example `Seats 4 = bought 5 − owner 1 · Premium 3 not counted · read 2026-11-30 14:02`."""
    if capacity.is_codex_only:
        return _("Codex seats only, nobody can be placed")
    match capacity.known:
        case Known.ASSUMED:
            return _("Seats {n}, the default: an assumption, the number bought was never read ({reason})").format(
                n=capacity.places, reason=_reason(capacity)
            )
        case Known.UNREAD:
            return _("Seats 0: the number bought was not read yet")
        case Known.STALE if capacity.since is not None:
            return _("Seats last read {time}, more than 24 h ago: nobody is placed until they are read.").format(
                time=full(capacity.since)
            )
        case Known.CAP if capacity.reading is not None and capacity.is_capped and capacity.seats_bought is not None:
            return _("Seats {n} = your cap (there are {there})").format(
                n=capacity.places, there=capacity.reading.places
            )
        case Known.CAP:
            return _("Seats {n} = your cap; the number bought was not read").format(n=capacity.places)
    return " · ".join(_parts(capacity.reading)) if capacity.reading is not None else ""


def _reason(capacity: Capacity) -> str:
    if capacity.refusals is not None and capacity.refusals.status == 404:
        return _("ChatGPT knows no subscription of this Team")
    return _("ChatGPT does not show it to this log-in")


def _parts(reading: Reading) -> list[str]:
    parts = [_sum(reading)]
    if not reading.own:
        parts.append(_("the owner takes no standard seat"))
    if reading.premium:
        parts.append(_("Premium {n} not counted").format(n=reading.premium))
    parts.append(_("read {time}").format(time=full(reading.read_at)))
    return parts


def _sum(reading: Reading) -> str:
    """The term that decided, as a sum that adds up."""
    by_seats, by_people = reading.bought_term, reading.people_term
    if by_people is not None and (by_seats is None or by_people < by_seats):
        return _("Seats {n} = people {people} + available at ChatGPT {available} (bought {bought})").format(
            n=reading.places, people=reading.members, available=reading.available, bought=reading.bought
        )
    values = {"n": reading.places, "bought": reading.bought, "held": reading.held, "own": reading.own}
    if reading.held and reading.own:
        return _("Seats {n} = bought {bought} − held at ChatGPT {held} − owner {own}").format(**values)
    if reading.held:
        return _("Seats {n} = bought {bought} − held at ChatGPT {held}").format(**values)
    if reading.own:
        return _("Seats {n} = bought {bought} − owner {own}").format(**values)
    return _("Seats {n} = bought {bought}").format(**values)
