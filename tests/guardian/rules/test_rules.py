"""The rules against thousands of random Teams: an oracle that looks at one person at a time says who is what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardian.rules import rules
from guardian.rules.rules import Candidate, Found, Pool, Row, Seat, TeamView, choose, judge
from guardian.rules.states import NEEDS_CARE, ONLY_REPORTED, Kind
from guardian.settings import Policy
from invites.matching import known
from tests.thinning import at_most

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
HERE, THERE = 1, 2
OWN = Row("user-own", "omar@example.com", role="account-owner")
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Someone:
    """One person of a random Team, as they are; the rows and rights follow from it."""

    number: int
    shown: str  # member, invite, both (an accepted invite lingers), nowhere
    role: str
    seat_type: str
    is_deactivated: bool
    hides: bool
    allowed: str  # "", email, id
    seat: str  # "", here, there
    is_confirmed: bool
    knows_id: bool
    ends: int  # hours from now; 0: permanent
    is_absent: bool
    is_under_way: bool

    @property
    def email(self) -> str:
        return f"p{self.number}@example.com"

    @property
    def user_id(self) -> str:
        return f"user-{self.number}"

    @property
    def is_member(self) -> bool:
        return self.shown in ("member", "both")

    @property
    def is_shown(self) -> bool:
        return self.shown != "nowhere"

    def rows(self) -> list[Row]:
        rows = []
        if self.is_member:
            email = "" if self.hides else self.email
            rows.append(Row(self.user_id, email, False, self.role, self.seat_type, self.is_deactivated))
        if self.shown in ("invite", "both"):
            rows.append(Row(f"invite-{self.number}", self.email, True))
        return rows

    def a_seat(self) -> Seat:
        return Seat(
            id=self.number,
            team_id=HERE if self.seat == "here" else THERE,
            email=self.email,
            upstream_user_id=self.user_id if self.knows_id else "",
            is_confirmed=self.is_confirmed,
            ends_at=NOW + self.ends * HOUR if self.ends else None,
            absent_since=NOW - HOUR if self.is_absent else None,
        )


people = st.builds(
    Someone,
    number=st.integers(1, 10_000),
    shown=st.sampled_from(["member", "member", "invite", "both", "nowhere"]),
    role=st.sampled_from(["standard-user", "standard-user", "standard-user", "account-admin", "account-owner"]),
    seat_type=st.sampled_from(["default", "default", "usage_based", "prolite"]),
    is_deactivated=st.booleans(),
    hides=st.booleans(),
    allowed=st.sampled_from(["", "", "email", "id"]),
    seat=st.sampled_from(["", "", "here", "there"]),
    is_confirmed=st.booleans(),
    knows_id=st.booleans(),
    ends=st.sampled_from([0, 1, -1]),
    is_absent=st.booleans(),
    is_under_way=st.booleans(),
)
teams = st.lists(people, max_size=8, unique_by=lambda one: one.number)


def view_of(some: list[Someone]) -> tuple[TeamView, Pool]:
    seats = [one.a_seat() for one in some if one.seat]
    view = TeamView(
        id=HERE,
        own_id=OWN.upstream_id,
        own_email=OWN.email,
        rows=[OWN, *(row for one in some for row in one.rows())],
        seats=[seat for seat in seats if seat.team_id == HERE],
        allowed_emails=frozenset(one.email for one in some if one.allowed == "email"),
        allowed_ids=frozenset(one.user_id for one in some if one.allowed == "id"),
    )
    pool = Pool(
        seats=known(seats),
        under_way=frozenset(one.email for one in some if one.is_under_way),
    )
    return view, pool


def must_never_go(one: Someone) -> bool:
    """Stated once more, from the promise and not from the code."""
    is_overdue = one.ends < 0
    if one.seat == "here" and not is_overdue:
        return True
    if (one.allowed == "id" or one.seat == "here") and one.shown == "both" and one.hides:
        # The one thing that may go: an invitation whose accepted member hides the address it was sent to.
        return False
    if one.is_member and (one.role != "standard-user" or one.seat_type != "default"):
        return True
    if one.seat == "here":
        return False
    if one.allowed == "email" or (one.allowed == "id" and one.is_member):
        return True
    if one.is_under_way and not (one.seat == "there" and one.is_confirmed):
        return True
    return one.is_member and one.hides


@settings(max_examples=at_most(3000))
@given(teams)
def test_nobody_who_belongs_there_is_ever_found(some: list[Someone]) -> None:
    view, pool = view_of(some)
    # Without a row of the lists there is nobody to be taken out: only our own seat is given back.
    found = {one.email for one in judge(view, pool, NOW) if one.upstream_id and one.kind not in ONLY_REPORTED}
    assert not found & {one.email for one in some if must_never_go(one)}


@settings(max_examples=at_most(3000))
@given(teams)
def test_every_finding_is_about_somebody_who_is_what_it_says(some: list[Someone]) -> None:
    view, pool = view_of(some)
    by_email = {one.email: one for one in some}
    for found in judge(view, pool, NOW):
        one = by_email[found.email]
        match found.kind:
            case Kind.OVERDUE:
                assert one.seat == "here"
                assert one.ends < 0
            case Kind.DUPLICATE:
                assert one.seat == "there"
                assert one.is_confirmed
                assert one.is_shown
            case Kind.STRANGER:
                assert not one.seat
                assert not one.is_under_way
                assert one.is_shown
            case Kind.VANISHED:
                assert one.seat == "here"
                assert one.is_confirmed
                assert one.is_absent


@settings(max_examples=at_most(1500))
@given(teams)
def test_a_plain_stranger_is_always_found_while_nothing_is_hidden(some: list[Someone]) -> None:
    open_book = [one for one in some if not one.hides]
    view, pool = view_of(open_book)
    if rules.why_not_judged(view, NOW):
        return
    plain = {
        one.email
        for one in open_book
        if one.shown == "member"
        and one.role == "standard-user"
        and one.seat_type == "default"
        and not (one.is_deactivated or one.allowed or one.seat or one.is_under_way)
    }
    found = {one.email for one in judge(view, pool, NOW) if one.kind is Kind.STRANGER}
    assert plain <= found


def a_view(*rows: Row, seats: tuple[Seat, ...] = (), **fields: object) -> TeamView:
    return TeamView(id=HERE, own_id=OWN.upstream_id, own_email=OWN.email, rows=rows, seats=seats, **fields)


class TestWhyNotJudged:
    def test_an_empty_list_proves_nothing(self) -> None:
        assert rules.why_not_judged(a_view(), NOW) == rules.OWN_USER_MISSING
        seat = Seat(1, HERE, "ana@example.com", is_confirmed=True, absent_since=NOW - HOUR, ends_at=NOW - HOUR)
        assert judge(a_view(seats=(seat,)), Pool(), NOW) == []

    def test_a_list_of_strangers_only_is_somebody_elses(self) -> None:
        seats = tuple(Seat(n, HERE, f"s{n}@example.com", is_confirmed=True) for n in (1, 2))
        rows = [OWN, Row("user-a", "a@example.com"), Row("user-b", "b@example.com")]
        assert rules.why_not_judged(a_view(*rows, seats=seats), NOW) == rules.NOBODY_KNOWN

    @pytest.mark.parametrize(("known", "strangers"), [(1, 2), (2, 1)])
    def test_one_face_alone_proves_nothing_about_the_list(self, known: int, strangers: int) -> None:
        seats = tuple(Seat(n, HERE, f"s{n}@example.com", is_confirmed=True) for n in range(known))
        rows = [OWN, *(Row(f"user-{n}", f"x{n}@example.com") for n in range(strangers))]
        assert rules.why_not_judged(a_view(*rows, seats=seats), NOW) == ""

    @pytest.mark.parametrize("own", [Row(OWN.upstream_id, "x@example.com"), Row("user-x", OWN.email)])
    def test_the_log_in_is_no_stranger_whatever_its_role_is_called(self, own: Row) -> None:
        assert judge(a_view(own), Pool(), NOW) == []

    def test_an_empty_address_among_the_seats_is_nobodys(self) -> None:
        view = a_view(OWN, Row("user-x", ""), allowed_emails=frozenset({""}))
        assert judge(view, Pool(), NOW) == []

    def test_it_knows_its_own_user_by_id_where_the_address_is_hidden(self) -> None:
        assert rules.why_not_judged(a_view(Row(OWN.upstream_id, "")), NOW) == ""


class TestHidden:
    def test_an_overdue_seat_beside_a_hidden_row_ends_and_names_nobody(self) -> None:
        seat = Seat(1, HERE, "ana@example.com", is_confirmed=True, ends_at=NOW - HOUR)
        (found,) = judge(a_view(OWN, Row("user-x", ""), seats=(seat,)), Pool(), NOW)
        assert (found.kind, found.upstream_id, found.seat_id) == (Kind.OVERDUE, "", 1)

    def test_an_overdue_seat_whose_user_id_is_known_is_found(self) -> None:
        seat = Seat(1, HERE, "ana@example.com", "user-x", is_confirmed=True, ends_at=NOW - HOUR)
        found = judge(a_view(OWN, Row("user-x", ""), seats=(seat,)), Pool(), NOW)
        assert [(one.kind, one.upstream_id) for one in found] == [(Kind.OVERDUE, "user-x")]

    def test_an_overdue_seat_is_that_of_the_row_with_its_id_not_of_one_before_it_with_its_address(self) -> None:
        seat = Seat(1, HERE, "ana@example.com", "user-a", is_confirmed=True, ends_at=NOW - HOUR)
        rows = [Row("user-x", seat.email), Row("user-a", "")]
        (found,) = judge(a_view(OWN, *rows, seats=(seat,)), Pool(), NOW)
        assert (found.kind, found.upstream_id) == (Kind.OVERDUE, "user-a")
        admin = Row("user-a", "", role="account-admin")
        assert judge(a_view(OWN, rows[0], admin, seats=(seat,)), Pool(), NOW) == []

    def test_a_hidden_log_in_hides_nobody(self) -> None:
        seat = Seat(1, HERE, "ana@example.com", is_confirmed=True, ends_at=NOW - HOUR)
        assert judge(a_view(Row(OWN.upstream_id, ""), seats=(seat,)), Pool(), NOW) != []

    def test_a_hidden_person_who_is_allowed_hides_nobody(self) -> None:
        seat = Seat(1, HERE, "ana@example.com", is_confirmed=True, ends_at=NOW - HOUR)
        view = a_view(OWN, Row("user-x", ""), seats=(seat,), allowed_ids=frozenset({"user-x"}))
        assert [one.kind for one in judge(view, Pool(), NOW)] == [Kind.OVERDUE]

    def test_nobody_is_called_vanished_beside_a_hidden_row(self) -> None:
        seat = Seat(1, HERE, "ana@example.com", is_confirmed=True, absent_since=NOW - HOUR)
        assert judge(a_view(OWN, Row("user-x", ""), seats=(seat,)), Pool(), NOW) == []

    def test_an_invitation_beside_a_hidden_member_may_be_that_member(self) -> None:
        view = a_view(OWN, Row("user-x", ""), Row("invite-1", "sam@example.com", is_invite=True))
        assert judge(view, Pool(), NOW) == []


class TestSeats:
    def test_who_is_deactivated_is_no_stranger(self) -> None:
        assert judge(a_view(OWN, Row("user-x", "x@example.com", is_deactivated=True)), Pool(), NOW) == []

    @pytest.mark.parametrize("seat_type", ["prolite", "usage_based", "automation"])
    def test_who_is_in_a_seat_of_another_kind_is_only_reported(self, seat_type: str) -> None:
        (one,) = judge(a_view(OWN, Row("user-x", "x@example.com", seat_type=seat_type)), Pool(), NOW)
        assert (one.kind, one.evidence["seat_type"]) == (Kind.OTHER_SEAT, seat_type)
        for fields in ({"role": "account-admin"}, {"is_deactivated": True}):
            assert judge(a_view(OWN, Row("user-x", "x@example.com", seat_type=seat_type, **fields)), Pool(), NOW) == []

    def test_a_seat_of_ours_that_was_switched_is_no_finding_and_not_overdue(self) -> None:
        seat = Seat(1, HERE, "x@example.com", is_confirmed=True, ends_at=NOW - HOUR)
        assert judge(a_view(OWN, Row("user-x", "x@example.com", seat_type="prolite"), seats=(seat,)), Pool(), NOW) == []

    def test_whoever_is_seen_again_has_not_vanished(self) -> None:
        seat = Seat(1, HERE, "ana@example.com", is_confirmed=True, absent_since=NOW - HOUR)
        assert judge(a_view(OWN, Row("user-a", seat.email), seats=(seat,)), Pool(), NOW) == []

    def test_a_seat_that_was_never_sent_is_not_ended(self) -> None:
        seat = Seat(1, HERE, "ana@example.com", was_sent=False, ends_at=NOW - HOUR)
        assert judge(a_view(OWN, seats=(seat,)), Pool(), NOW) == []

    def test_an_overdue_person_nobody_sees_is_overdue_once_and_not_vanished(self) -> None:
        seat = Seat(1, HERE, "ana@example.com", is_confirmed=True, absent_since=NOW, ends_at=NOW - HOUR)
        assert [one.kind for one in judge(a_view(OWN, seats=(seat,)), Pool(), NOW)] == [Kind.OVERDUE]

    def test_somebody_overdue_who_was_made_an_admin_stays(self) -> None:
        seat = Seat(1, HERE, "ana@example.com", is_confirmed=True, ends_at=NOW - HOUR)
        row = Row("user-a", seat.email, role="account-admin")
        assert judge(a_view(OWN, row, seats=(seat,)), Pool(), NOW) == []

    def test_whoever_accepted_leaves_as_a_member_and_not_as_the_lingering_invitation(self) -> None:
        seat = Seat(1, HERE, "ana@example.com", is_confirmed=True, ends_at=NOW - HOUR)
        rows = [OWN, Row("invite-a", seat.email, is_invite=True), Row("user-a", seat.email)]
        (found,) = judge(a_view(*rows, seats=(seat,)), Pool(), NOW)
        assert (found.upstream_id, found.is_invite) == ("user-a", False)

    def test_a_person_is_a_duplicate_by_id_too_and_an_invitation_never_is(self) -> None:
        seat = Seat(1, THERE, "ana@example.com", "user-a", is_confirmed=True)
        for is_invite, kind in ((False, Kind.DUPLICATE), (True, Kind.STRANGER)):
            row = Row("user-a", "another@example.com", is_invite=is_invite)
            found = judge(a_view(OWN, row), Pool(known([seat])), NOW)
            assert [one.kind for one in found] == [kind]


class TestMixedCase:
    def test_a_manager_is_one_by_role_or_by_being_the_log_in(self) -> None:
        rows = [OWN, Row("user-2", "two@example.com", role="account-admin"), Row("user-3", OWN.email, is_invite=False)]
        assert judge(a_view(*rows), Pool(), NOW) == []


CAREFUL = Policy(is_enabled=True, enforces=True)


def candidates(kind: Kind, count: int, *, team: int = 0, ripe: bool = True) -> list[Candidate]:
    """One a Team, or all in one with `team`."""
    seen = NOW - HOUR if ripe else NOW
    return [Candidate(kind_id(kind, n), kind, team or n, seen, 3) for n in range(1, count + 1)]


def kind_id(kind: Kind, number: int) -> int:
    return list(Kind).index(kind) * 1000 + number


class TestChoose:
    def test_ten_strangers_go_and_eleven_wait_for_a_person(self) -> None:
        ten = choose(candidates(Kind.STRANGER, 10), CAREFUL, NOW)
        assert (len(ten.go), ten.held) == (10, [])
        eleven = choose(candidates(Kind.STRANGER, 11), CAREFUL, NOW)
        assert (eleven.go, len(eleven.held), eleven.ready) == ([], 11, 11)

    def test_three_in_one_team_wait_and_those_elsewhere_go(self) -> None:
        some = candidates(Kind.STRANGER, 3, team=7) + candidates(Kind.DUPLICATE, 2)
        choice = choose(some, CAREFUL, NOW)
        assert (len(choice.go), len(choice.held)) == (2, 3)

    def test_newcomers_join_those_who_wait_in_their_team(self) -> None:
        choice = choose(candidates(Kind.STRANGER, 2, team=7), CAREFUL, NOW, waiting={7: 1})
        assert (choice.go, len(choice.held), choice.ready) == ([], 2, 3)
        assert len(choose(candidates(Kind.STRANGER, 2, team=7), CAREFUL, NOW, waiting={8: 1}).go) == 2

    def test_newcomers_anywhere_join_a_crowd_that_is_too_large(self) -> None:
        newcomers = candidates(Kind.DUPLICATE, 2)
        assert len(choose(newcomers, CAREFUL, NOW, waiting={70: 8}).go) == 2
        choice = choose(newcomers, CAREFUL, NOW, waiting={70: 9})
        assert (choice.go, len(choice.held), choice.ready) == ([], 2, 11)

    def test_who_waits_holds_up_no_seat_that_is_over(self) -> None:
        assert len(choose(candidates(Kind.OVERDUE, 3), CAREFUL, NOW, waiting={1: 24}).go) == 3

    def test_seats_that_are_over_leave_in_portions_and_wait_for_nobody(self) -> None:
        choice = choose(candidates(Kind.OVERDUE, 30), CAREFUL, NOW)
        assert (len(choice.go), choice.held) == (10, [])
        assert len(choose(candidates(Kind.OVERDUE, 5, team=1), CAREFUL, NOW).go) == 2

    def test_an_interrupted_sweep_does_not_start_its_count_anew(self) -> None:
        assert len(choose(candidates(Kind.OVERDUE, 30), CAREFUL, NOW, already={77: 8}).go) == 2
        assert choose(candidates(Kind.OVERDUE, 4, team=1), CAREFUL, NOW, already={1: 2}).go == []

    @pytest.mark.parametrize("kind", [Kind.STRANGER, Kind.DUPLICATE])
    def test_report_mode_touches_neither_strangers_nor_duplicates(self, kind: Kind) -> None:
        assert choose(candidates(kind, 3), Policy(is_enabled=True), NOW).go == []

    def test_a_new_face_has_its_grace_and_its_sightings(self) -> None:
        assert choose(candidates(Kind.STRANGER, 2, ripe=False), CAREFUL, NOW).go == []
        once = [Candidate(1, Kind.STRANGER, 1, NOW - HOUR, 2)]
        assert choose(once, CAREFUL, NOW).go == []

    def test_what_a_person_approved_goes_whatever_the_numbers(self) -> None:
        some = [Candidate(n, Kind.STRANGER, 1, NOW, 1, is_approved=True) for n in range(24)]
        assert len(choose(some, Policy(), NOW).go) == 24

    def test_seats_that_are_over_stop_at_the_removals_of_72_hours(self) -> None:
        five = Policy(is_enabled=True, enforces=True, max_per_team=20)
        choice = choose(candidates(Kind.OVERDUE, 7, team=1), five, NOW)
        assert (len(choice.go), choice.held, len(choice.spent)) == (5, [], 2)
        choice = choose(candidates(Kind.OVERDUE, 7, team=1), five, NOW, lately={1: 4, 2: 9})
        assert (len(choice.go), len(choice.spent)) == (1, 6)

    def test_strangers_beyond_the_removals_of_72_hours_all_wait(self) -> None:
        five = Policy(is_enabled=True, enforces=True, max_per_team=20)
        assert len(choose(candidates(Kind.STRANGER, 2, team=1), five, NOW, lately={1: 3}).go) == 2
        for more in ({"lately": {1: 4}}, {"lately": {1: 3}, "waiting": {1: 1}}):
            choice = choose(candidates(Kind.STRANGER, 2, team=1), five, NOW, **more)
            assert (choice.go, choice.held, len(choice.spent)) == ([], [], 2)

    def test_seats_that_are_over_come_first_in_the_72_hours_and_strangers_are_not_halved(self) -> None:
        five = Policy(is_enabled=True, enforces=True, max_per_team=20)
        some = candidates(Kind.OVERDUE, 4, team=1) + candidates(Kind.STRANGER, 2, team=1)
        choice = choose(some, five, NOW)
        assert (len(choice.go), len(choice.spent)) == (4, 2)

    def test_an_invitation_is_no_removal(self) -> None:
        some = [
            Candidate(n, kind, 1, NOW - HOUR, 3, is_member=False) for n, kind in enumerate((*NEEDS_CARE, Kind.OVERDUE))
        ]
        five = Policy(is_enabled=True, enforces=True, max_per_team=20)
        assert len(choose(some, five, NOW, lately={1: 5}).go) == 3

    def test_vanished_people_are_never_acted_on(self) -> None:
        assert choose(candidates(Kind.VANISHED, 3), CAREFUL, NOW) == rules.Choice([], [], 0)


def test_a_duplicate_needs_the_other_seat_to_be_confirmed() -> None:
    row = Row("user-a", "ana@example.com")
    for is_confirmed, kinds in ((True, [Kind.DUPLICATE]), (False, [])):
        seat = Seat(1, THERE, row.email, is_confirmed=is_confirmed)
        found: list[Found] = judge(a_view(OWN, row), Pool(known([seat]), frozenset({row.email})), NOW)
        assert [one.kind for one in found] == kinds
