"""What needs a person now, a line per kind, worst first. Reads only, a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from base.times import full
from config.backoffice.overview import guardian, notices, people, stock, teams
from config.backoffice.overview.lines import Line, changed_at, paste, those_teams
from notifications.texts import notices as operator_notices
from teampool.models import Team, renewing

__all__ = ["TOKEN_ENDS_SOON", "WORKER_SILENT", "Line", "lines"]

WORKER_SILENT = timedelta(minutes=2)
TOKEN_ENDS_SOON = timedelta(hours=24)


def lines(now: datetime, *, heartbeat: datetime | None) -> list[Line]:
    """`heartbeat`: the newest sign of life of the background work, None when there never was one."""
    pool = teams.troubled(now)
    waiting = guardian.counts()
    return [
        *_worker_silent(now, heartbeat),
        *teams.gone(pool),
        *_logins_expired(),
        *teams.unpaid(pool, now),
        *teams.role_too_low(pool),
        *teams.untrusted(pool),
        *people.waiting_for_a_seat(now),
        *_tokens_ending(now),
        *teams.subscription_ends(pool, now),
        *guardian.removals_paused(),
        *guardian.capped(waiting),
        *teams.restricted(pool),
        *people.unresolved(now),
        *people.removals_failed(now),
        *guardian.overdue_seats(now),
        *guardian.strangers(waiting, now),
        *guardian.vanished(waiting),
        *teams.over_full(pool),
        *stock.low_stock(now),
        *notices.messages_failed(),
        *guardian.too_slow(),
    ]


def _worker_silent(now: datetime, newest: datetime | None) -> Iterable[Line]:
    if newest is None:
        text = _("Background work has not started; no invitation goes out")
    elif now - newest > WORKER_SILENT:
        minutes = int((now - newest).total_seconds() // 60)
        text = _("Background work stopped {n} min ago; no invitation goes out").format(n=minutes)
    else:
        return
    yield Line("worker", text, link=reverse("admin:doctor"), button=_("How to restart"))


def _logins_expired() -> Iterable[Line]:
    stopped = list(
        Team.objects.filter(archived_at=None)
        .exclude(token_state=Team.Token.HEALTHY)
        .order_by("owner__email", "pk")
        .values_list("pk", "owner_id", "owner__email")
    )
    if not stopped:
        return
    owners = {owner: email for _pk, owner, email in stopped}
    since = changed_at("owner", "owner_changed", list(owners))
    if len(owners) == 1:
        ((owner, email),) = owners.items()
        text = operator_notices.line("login_expired", {"owner": email, "teams": len(stopped)})
        yield Line("login", text, link=paste(owner), button=_("Paste new session"), since=since)
    else:
        text = _("{owners} logins expired; {n} Teams take no one").format(owners=len(owners), n=len(stopped))
        link = those_teams([pk for pk, _owner, _email in stopped])
        yield Line("login", text, link=link, button=_("See"), since=since)


def _tokens_ending(now: datetime) -> Iterable[Line]:
    rows = (
        Team.objects.filter(
            archived_at=None,
            token_state=Team.Token.HEALTHY,
            access_expires_at__gt=now,
            access_expires_at__lte=now + TOKEN_ENDS_SOON,
        )
        .exclude(renewing("owner__"))
        .order_by("access_expires_at", "pk")
        .values_list("pk", "owner_id", "owner__email", "access_expires_at")
    )
    ending = [(at, pk, owner, email) for pk, owner, email, at in rows if at is not None]
    if not ending:
        return
    owners = {owner for _at, _pk, owner, _email in ending}
    first, _pk, owner, email = ending[0]
    if len(owners) == 1:
        text = _("Token of {owner} ends {time} and cannot renew itself").format(owner=email, time=full(first))
        yield Line("token", text, is_red=False, link=paste(owner), button=_("Paste new session"))
    else:
        text = _("{owners} logins end soon, the first {time}, and cannot renew themselves").format(
            owners=len(owners), time=full(first)
        )
        link = those_teams([pk for _at, pk, _owner, _email in ending])
        yield Line("token", text, is_red=False, link=link, button=_("See"))
