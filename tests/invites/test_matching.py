"""Who in a list is whose: the rule as a table, and Python and SQL of one mind about random people."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from django.db.models import Exists, QuerySet

from invites import matching
from invites.models import Departure, SeatGrant
from invites.states import DepartureReason, DepartureState, GrantState, RedemptionState
from teampool.models import Member, Team
from teampool.upstream.readers import read_member
from tests.cast import ANA, SAM, a_team
from tests.invites.rows import a_grant, a_redemption


@dataclass(frozen=True)
class Row:
    upstream_id: str
    email: str


@dataclass(frozen=True)
class Seat:
    upstream_user_id: str
    email: str


# A row of a list, what we know of Ana, and whether it is her. One of each: nobody else stands in their way.
RULE = [
    ("the id and the e-mail agree", Row("user-ana", ANA), Seat("user-ana", ANA), True),
    ("the id outlives an address", Row("user-ana", "ana@new.example"), Seat("user-ana", ANA), True),
    ("a hidden e-mail is found by the id", Row("user-ana", ""), Seat("user-ana", ANA), True),
    ("an id not learnt yet is made up for by the e-mail", Row("user-ana", ANA), Seat("", ANA), True),
    ("a pending invitation has an id of its own", Row("invite-1", ANA), Seat("user-ana", ANA), True),
    ("a hidden e-mail is nobody's address", Row("user-x", ""), Seat("", ANA), False),
    ("two hidden e-mails are not one person", Row("user-x", ""), Seat("user-ana", ""), False),
    ("two missing ids are not one person", Row("", SAM), Seat("", ANA), False),
    ("nothing at all is nobody", Row("", ""), Seat("", ""), False),
    ("somebody else", Row("user-sam", SAM), Seat("user-ana", ANA), False),
    ("e-mails are compared as they are stored", Row("user-x", ANA.upper()), Seat("", ANA), False),
]


@pytest.mark.parametrize(("row", "seat", "is_hers"), [case[1:] for case in RULE], ids=[case[0] for case in RULE])
class TestTheRule:
    def test_in_python(self, row: Row, seat: Seat, is_hers: bool) -> None:
        whose = seat if is_hers else None
        assert matching.known([seat]).of(row.upstream_id, row.email) is whose
        assert list(matching.known([seat]).all_of(row.upstream_id, row.email)) == [seat] * is_hers
        assert matching.known([seat]).pair([row]) == [(row, whose)]
        assert (matching.shown([row]).of(seat.upstream_user_id, seat.email) is row) is is_hers
        ids, emails = [seat.upstream_user_id], [seat.email]
        assert matching.is_any_of(row.upstream_id, row.email, ids=ids, emails=emails) is is_hers

    @pytest.mark.django_db
    def test_in_sql(self, row: Row, seat: Seat, is_hers: bool) -> None:
        team = a_team()
        member, grant, departure = a_member(team, row), an_ended_seat(team, seat), a_departure(team, seat)
        named = SeatGrant.objects.filter(matching.any_of([row.upstream_id], [row.email]))
        assert list(named) == [grant] * is_hers
        assert list(seated()) == list(on_the_way_out()) == [member] * is_hers
        assert list(shown_still()) == [departure] * is_hers


class TestTheIdGoesFirst:
    """The id says Ana, the e-mail says Sam."""

    ROW = Row("user-ana", SAM)
    ANAS, SAMS = Seat("user-ana", ANA), Seat("", SAM)

    @pytest.mark.parametrize("seats", [(ANAS, SAMS), (SAMS, ANAS)])
    def test_a_row_is_theirs_whose_id_it_has(self, seats: tuple[Seat, Seat]) -> None:
        assert matching.known(seats).of("user-ana", SAM) == self.ANAS
        assert list(matching.known(seats).all_of("user-ana", SAM)) == [self.ANAS, self.SAMS]
        assert matching.known(seats).pair([self.ROW]) == [(self.ROW, self.ANAS)]

    @pytest.mark.parametrize("turn", [1, -1])
    def test_somebodys_row_is_the_one_with_their_id(self, turn: int) -> None:
        rows = [Row("user-x", ANA), self.ROW][::turn]
        assert matching.shown(rows).of("user-ana", ANA) == self.ROW

    @pytest.mark.parametrize("turn", [1, -1])
    def test_an_e_mail_takes_nobody_whom_an_id_names(self, turn: int) -> None:
        other = Row("user-x", ANA)
        assert dict(matching.known([self.ANAS]).pair([other, self.ROW][::turn])) == {self.ROW: self.ANAS, other: None}

    @pytest.mark.parametrize("turn", [1, -1])
    def test_of_two_with_one_id_it_is_the_one_whose_e_mail_agrees(self, turn: int) -> None:
        seats = [Seat("user-ana", "ana@old.example"), self.ANAS][::turn]
        assert matching.known(seats).of("user-ana", ANA) == self.ANAS
        assert matching.known(seats).pair([Row("user-ana", ANA)])[0][1] == self.ANAS


def test_two_rows_with_one_e_mail_are_two_people_when_everybody_gets_one_row_only() -> None:
    rows, seat = [Row("user-1", ANA), Row("user-2", ANA)], Seat("", ANA)
    assert matching.known([seat]).pair(rows) == [(rows[0], seat), (rows[1], None)]
    assert [matching.known([seat]).of(row.upstream_id, row.email) for row in rows] == [seat, seat]


def test_of_somebody_hidden_a_departure_has_the_id_in_place_of_the_address() -> None:
    departure = Departure(email="user-x")
    assert matching.leaving([departure]).of("user-x", "") is departure
    assert matching.leaving([Departure(email="")]).of("", "") is None


@pytest.mark.django_db
def test_sql_finds_the_departure_of_somebody_hidden_and_its_row() -> None:
    team = a_team()
    row, departure = a_member(team, Row("user-x", "")), a_departure(team, Seat("", "user-x"))
    assert (list(on_the_way_out()), list(shown_still())) == ([row], [departure])


def test_upper_case_is_gone_by_the_time_a_row_was_read() -> None:
    row = read_member({"id": "user-ana", "email": f" {ANA.upper()} "})
    assert row is not None
    assert matching.known([Seat("", ANA)]).of(row.user_id, row.email or "")


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(20))
def test_python_and_sql_agree_about_random_people(seed: int) -> None:
    """With ids not learnt, hidden e-mails, e-mails listed twice, ids that say another person than the e-mail."""
    team, chance = a_team(), random.Random(seed)
    ids, emails = ["", *(f"user-{n}" for n in range(4))], ["", ANA, SAM, ANA.upper(), "user-1"]

    def somebody() -> tuple[str, str]:
        return chance.choice(ids), chance.choice(emails)

    members = [
        a_member(team, Row(upstream_id, chance.choice(emails)), kind) for kind in Member.Kind for upstream_id in ids
    ]
    grants = [an_ended_seat(team, Seat(*somebody())) for _ in range(4)]
    departures = [a_departure(team, Seat(*somebody())) for _ in range(4)]
    seats, ways_out = matching.known(grants), matching.leaving(departures)
    assert set(seated()) == {row for row in members if seats.of(row.upstream_id, row.email)}
    assert set(on_the_way_out()) == {row for row in members if ways_out.of(row.upstream_id, row.email)}
    assert set(shown_still()) == {
        one for one in departures if any(matching.leaving([one]).of(row.upstream_id, row.email) for row in members)
    }
    for row in members:
        some, words = [row.upstream_id, chance.choice(ids)], [row.email, chance.choice(emails)]
        named = SeatGrant.objects.filter(matching.any_of(some, words))
        assert set(named) == {
            one for one in grants if matching.is_any_of(one.upstream_user_id, one.email, ids=some, emails=words)
        }
        assert {grant for _row, grant in seats.pair([row])} == {seats.of(row.upstream_id, row.email)}


def seated() -> QuerySet[Member]:
    return Member.objects.filter(Exists(SeatGrant.objects.filter(matching.of_row())))


def on_the_way_out() -> QuerySet[Member]:
    return Member.objects.filter(Exists(Departure.objects.filter(matching.departures_of_row())))


def shown_still() -> QuerySet[Departure]:
    return Departure.objects.filter(Exists(Member.objects.filter(matching.rows_of_departure())))


def a_member(team: Team, row: Row, kind: str = Member.Kind.MEMBER) -> Member:
    return Member.objects.create(team=team, kind=kind, upstream_id=row.upstream_id, email=row.email)


def an_ended_seat(team: Team, seat: Seat) -> SeatGrant:
    """Ended: several may then have one e-mail."""
    redemption = a_redemption(seat.email, state=RedemptionState.ENDED)
    return a_grant(redemption, GrantState.ENDED, team=team, upstream_user_id=seat.upstream_user_id)


def a_departure(team: Team, seat: Seat) -> Departure:
    return Departure.objects.create(
        team=team,
        email=seat.email,
        upstream_user_id=seat.upstream_user_id,
        reason=DepartureReason.STRANGER,
        state=DepartureState.DROPPED,
    )
