"""Lines of log-ins that have ended, or whose token ends without a renewal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from base.times import full
from config.backoffice.overview.line import Line, changed_at, paste, sign_in, those_teams
from notifications.texts import notices
from teampool.models import Owner, Team, lacking_client, renewing
from teampool.teams.words import client_problem

TOKEN_ENDS_SOON = timedelta(hours=24)


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
