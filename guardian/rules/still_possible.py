"""Whether an earlier decision about a person still applies, judged by everybody a Team's list shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guardian.rules.rules import TeamView, hides_someone
from guardian.rules.states import Kind
from invites import matching


@dataclass(frozen=True, slots=True)
class Shown:
    """`people`: every e-mail and id in the list. `over`: e-mails whose seat in the Team has ended."""

    people: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()
    hides_someone: bool = False

    def may_hold(self, kind: str, email: str, upstream_id: str) -> bool:
        """True if the person may still be in the Team although this list does not prove it; their finding is then kept.

        For example they are listed as an admin for a day, have an open redemption, or a row hides its e-mail.
        """
        if kind == Kind.OVERDUE:
            return email in self.over
        is_shown = matching.is_any_of(upstream_id, email, ids=self.people, emails=self.people)
        if kind == Kind.VANISHED:
            return self.hides_someone and not is_shown
        return is_shown or self.hides_someone


def read(team: TeamView, now: datetime) -> Shown:
    names = {name for row in team.rows for name in (row.email, row.upstream_id) if name}
    over = {seat.email for seat in team.seats if seat.is_overdue(now)}
    return Shown(frozenset(names), frozenset(over), hides_someone(team))
