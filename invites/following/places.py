"""Who takes a standard seat of a Team without a seat of ours, and who of ours takes none (design §3). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from invites.departures.confirm import count_outsiders
from invites.models import SeatGrant
from invites.states import CONFIRMED, GrantState
from teampool.models import Member, Vacancy
from teampool.pool.rows import Lists
from teampool.snapshot import Person


def outsiders(
    lists: Lists,
    live: Collection[SeatGrant],
    waiting: Collection[Vacancy],
    *,
    seated: Mapping[int, Person],
    hidden: Collection[Person],
) -> int:
    """Rows that take a place and belong to no live grant, and places that wait for a read of the seats.

    `seated`: whose row is whose grant's. `hidden`: rows nobody can name, each of which may be a live grant's person.
    """
    ours = {_key(person) for grant_id, person in seated.items() if any(one.pk == grant_id for one in live)}
    nameless = [person for person in hidden if _key(person) in _rows(lists)]
    strangers = _rows(lists) - ours - {_key(person) for person in nameless}
    absent = [grant for grant in live if grant.pk not in seated]
    counted = _still_counted(waiting, absent)
    # A hidden row can only belong to a grant that upstream may know, and that no waiting place counts already.
    unlisted = [grant for grant in absent if was_told(grant) and grant not in counted.values()]
    return len(strangers) + count_outsiders(nameless, unlisted) + len(waiting) - len(counted)


def elsewhere(lists: Lists, live: Collection[SeatGrant], *, seated: Mapping[int, Person]) -> int:
    """Live grants whose person joined, or was moved, into a seat of another kind: they take no standard seat."""
    joined = [seated[one.pk] for one in live if one.pk in seated and one.state == GrantState.JOINED]
    return sum(one.kind == Member.Kind.MEMBER and _key(one) not in _rows(lists) for one in joined)


def was_told(grant: SeatGrant) -> bool:
    """True when upstream may know this person here: something was sent, or they were there before."""
    return bool(grant.sends or grant.ask_first or grant.upstream_user_id)


def _key(person: Person) -> tuple[str, str]:
    return person.kind.value, person.upstream_id


def _rows(lists: Lists) -> set[tuple[str, str]]:
    members = {(Member.Kind.MEMBER.value, row.user_id) for row in lists.standard_members}
    return members | {(Member.Kind.INVITE.value, row.invite_id) for row in lists.standard_invites}


def _still_counted(waiting: Collection[Vacancy], absent: Collection[SeatGrant]) -> dict[int, SeatGrant]:
    """Waiting places whose person still has a live grant: that place is counted already, as a held seat.

    A grant made after they left is for another place, such as when they come back with a new code.
    """
    left = [grant for grant in absent if grant.state in CONFIRMED]
    counted: dict[int, SeatGrant] = {}
    for place in waiting:
        same = (one for one in left if one.created_at <= place.gone_by and _is_same(place, one))
        if (grant := next(same, None)) is not None:
            counted[place.pk] = grant
            left.remove(grant)
    return counted


def _is_same(place: Vacancy, grant: SeatGrant) -> bool:
    by_id = bool(grant.upstream_user_id) and grant.upstream_user_id == place.upstream_id
    return by_id or (bool(place.email) and place.email == grant.email)
