"""What a line of the first screen is, where its button may lead, and the lines of the worker and of log-ins.

Every other line stands in the module of its topic; `dashboard.attention` lists them in order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _

from base.times import full
from notifications.models import AuditEvent
from notifications.texts import notices
from teampool.models import Owner, Team, lacking_client, renewing
from teampool.teams.words import client_problem

WORKER_SILENT = timedelta(minutes=2)
TOKEN_ENDS_SOON = timedelta(hours=24)
MOST_NAMED = 400  # Teams in one address


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to do. `is_red`: people are kept out by it. `since`: when it began, if that is known.

    `button` leads to `link`, or posts to `posts_to`; then the words lead to `link`.
    """

    kind: str
    text: str
    is_red: bool = True
    link: str = ""
    posts_to: str = ""
    button: str = ""
    since: datetime | None = None
    signs_in: str = ""
    """Where a second button, "Sign in", posts to."""


def those_teams(ids: list[int]) -> str:
    """The address of one Team's page, or of the list with just these. Not by badge: a Team shows only its first."""
    if len(ids) == 1:
        return reverse("admin:teampool_team_change", args=ids)
    # Servers refuse addresses of more than 4 kB: for more Teams the whole list, with red ones first.
    query = f"?id__in={','.join(map(str, ids))}" if len(ids) <= MOST_NAMED else ""
    return reverse("admin:teampool_team_changelist") + query


def redemptions(query: str) -> str:
    return f"{reverse('admin:invites_redemption_changelist')}?{query}"


def paste(owner_id: int) -> str:
    return f"{reverse('admin:import_teams')}?owner={owner_id}"


def sign_in(owner_id: int) -> str:
    return reverse("admin:begin_sign_in_of", args=[owner_id])


def changed_at(kind: str, action: str, ids: list[int]) -> datetime | None:
    """When the last of these changes was recorded in the audit."""
    rows = AuditEvent.objects.filter(object_kind=kind, action=action, object_id__in=[str(pk) for pk in ids])
    at: datetime | None = rows.aggregate(at=Max("at"))["at"]
    return at


def worker_silent(now: datetime, newest: datetime | None) -> Iterable[Line]:
    if newest is None:
        text = _("Background work has not started; no invitation goes out")
    elif now - newest > WORKER_SILENT:
        minutes = int((now - newest).total_seconds() // 60)
        text = _("Background work stopped {n} min ago; no invitation goes out").format(n=minutes)
    else:
        return
    yield Line("worker", text, link=reverse("admin:doctor"), button=_("How to restart"))


def logins_expired() -> Iterable[Line]:
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
        text = notices.line("login_expired", {"owner": email, "teams": len(stopped)})
        button = _("Paste new session")
        yield Line("login", text, link=paste(owner), button=button, since=since, signs_in=sign_in(owner))
    else:
        text = _("{owners} logins expired; {n} Teams take no one").format(owners=len(owners), n=len(stopped))
        link = those_teams([pk for pk, _owner, _email in stopped])
        yield Line("login", text, link=link, button=_("See"), since=since)


def tokens_ending(now: datetime) -> Iterable[Line]:
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
        if lacks := Owner.objects.filter(lacking_client(), pk=owner).only("client_id").first():
            text = _("{text}: {problem}").format(text=text, problem=client_problem(lacks))
        button = _("Paste new session")
        yield Line("token", text, is_red=False, link=paste(owner), button=button, signs_in=sign_in(owner))
    else:
        text = _("{owners} logins end soon, the first {time}, and cannot renew themselves").format(
            owners=len(owners), time=full(first)
        )
        link = those_teams([pk for _at, pk, _owner, _email in ending])
        yield Line("token", text, is_red=False, link=link, button=_("See"))
