"""People who wait for somebody: invited and not seen, without a seat, or still in although they were to leave."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Min
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.backoffice.overview.line import Line, redemptions, those_teams
from invites.admin.redemptions.standing import unseen, without_seat
from invites.models import Redemption
from invites.queries import lost
from notifications.texts import notices


def waiting_for_a_seat(now: datetime) -> Iterable[Line]:
    facts = Redemption.objects.filter(without_seat(now)).aggregate(n=Count("pk"), since=Min("created_at"))
    if facts["n"]:
        text = ngettext(
            "{n} person has waited more than 10 min for a free seat",
            "{n} people have waited more than 10 min for a free seat",
            facts["n"],
        ).format(n=facts["n"])
        yield Line("waiting", text, link=redemptions("seat=none"), button=_("See"), since=facts["since"])


def unresolved(now: datetime) -> Iterable[Line]:
    facts = Redemption.objects.filter(unseen(now)).aggregate(n=Count("pk"), since=Min("created_at"))
    if facts["n"]:
        text = notices.line("invite_unresolved", {"count": facts["n"], "minutes": 10})
        yield Line(
            "unresolved",
            text,
            is_red=False,
            link=redemptions("unconfirmed=yes"),
            posts_to=reverse("admin:redemptions_check"),
            button=_("Check again"),
            since=facts["since"],
        )


def removals_failed(now: datetime) -> Iterable[Line]:
    """ChatGPT refused, or nobody could be asked for an hour; the person is still in."""
    failed = lost.failed_removals(now)
    facts = list(failed.values_list("team_id", "email", "opened_at").order_by("opened_at"))
    if not facts:
        return
    team_ids = sorted({team_id for team_id, _email, _at in facts})
    text = ngettext(
        "The removal of {n} person did not work", "The removal of {n} people did not work", len(facts)
    ).format(n=len(facts))
    link = those_teams(team_ids)
    yield Line("removal", text, is_red=False, link=link, button=_("See people"), since=facts[0][2])
