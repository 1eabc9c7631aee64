"""Who sits in one Team and by what right."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone, translation

from invites.queries.people import LOOKS, Person, Standing, seating
from invites.states import GrantState
from teampool.models import AllowedMember, Member, Team
from tests.cast import OMAR, a_team, an_owner
from tests.invites.rows import a_grant, a_redemption

pytestmark = pytest.mark.django_db


def present(team: Team, email: str = "", **fields: Any) -> Member:
    fields = {"kind": Member.Kind.MEMBER, "role": "standard-user", "upstream_id": f"user-{email}"} | fields
    return Member.objects.create(team=team, email=email, **fields)


def people(team: Team) -> list[Person]:
    with translation.override("en"):
        return seating(team).people


def standings(team: Team) -> dict[str, Standing]:
    return {person.email: person.standing for person in people(team)}


class TestStanding:
    def test_the_owner_by_id_even_when_the_e_mail_is_hidden(self) -> None:
        team = a_team(owner=an_owner(OMAR, upstream_user_id="user-omar"))
        present(team, upstream_id="user-omar")
        assert [person.standing for person in people(team)] == [Standing.OWNER]

    def test_the_owner_by_e_mail(self) -> None:
        team = a_team()
        present(team, OMAR)
        assert standings(team) == {OMAR: Standing.OWNER}

    @pytest.mark.parametrize("role", ["account-admin", "account-owner"])
    def test_managers_are_never_removed(self, role: str) -> None:
        team = a_team()
        present(team, "adm@example.com", role=role)
        (person,) = people(team)
        assert person.standing is Standing.ADMIN
        assert person.is_protected

    def test_a_seat_of_ours_with_its_claim(self) -> None:
        team = a_team(held=1)
        redemption = a_redemption("ana@example.com")
        a_grant(redemption, GrantState.JOINED, team=team)
        present(team, "ana@example.com")
        (person,) = people(team)
        assert (person.standing, person.redemption) == (Standing.SEAT, redemption)

    def test_a_seat_is_found_by_id_when_the_e_mail_is_hidden(self) -> None:
        team = a_team(held=1)
        a_grant(a_redemption("ana@example.com"), GrantState.JOINED, team=team, upstream_user_id="user-7")
        present(team, upstream_id="user-7")
        assert standings(team) == {"ana@example.com": Standing.SEAT}

    @pytest.mark.parametrize(("origin", "standing"), [("baseline", Standing.BASELINE), ("operator", Standing.ALLOWED)])
    def test_people_who_may_be_there(self, origin: str, standing: Standing) -> None:
        team = a_team()
        AllowedMember.objects.create(team=team, email="old@example.com", origin=origin)
        present(team, "old@example.com")
        assert standings(team) == {"old@example.com": standing}

    def test_an_exception_for_the_id_goes_before_one_for_the_address(self) -> None:
        team = a_team()
        AllowedMember.objects.create(team=team, email="old@example.com", origin="baseline")
        AllowedMember.objects.create(team=team, upstream_user_id="user-7", origin="operator")
        present(team, "old@example.com", upstream_id="user-7")
        assert standings(team) == {"old@example.com": Standing.ALLOWED}

    def test_allowed_everywhere_counts_here(self) -> None:
        team = a_team()
        AllowedMember.objects.create(team=None, email="aunt@example.com", origin="operator")
        present(team, "aunt@example.com")
        assert standings(team) == {"aunt@example.com": Standing.ALLOWED}

    def test_allowed_in_another_team_does_not(self) -> None:
        team = a_team()
        AllowedMember.objects.create(team=a_team(), email="sam@example.com", origin="operator")
        present(team, "sam@example.com")
        assert standings(team) == {"sam@example.com": Standing.STRANGER}

    def test_a_hidden_person_is_not_called_a_stranger(self) -> None:
        team = a_team()
        present(team, upstream_id="user-1")
        assert [person.standing for person in people(team)] == [Standing.HIDDEN]

    def test_every_standing_has_a_word_a_tone_and_an_icon(self) -> None:
        assert set(LOOKS) == set(Standing)


class TestSeating:
    def test_an_accepted_invite_that_lingers_is_shown_once(self) -> None:
        team = a_team(held=1)
        a_grant(a_redemption("ana@example.com"), GrantState.JOINED, team=team)
        present(team, "ana@example.com")
        present(team, "ana@example.com", kind=Member.Kind.INVITE, upstream_id="invite-1")
        assert [person.state for person in people(team)] == ["Joined"]

    def test_a_seat_is_shown_on_the_row_with_its_id_not_on_one_before_it_with_its_address(self) -> None:
        team = a_team(held=1)
        a_grant(a_redemption("ana@example.com"), GrantState.JOINED, team=team, upstream_user_id="user-7")
        present(team, "ana@example.com", upstream_id="user-8")
        present(team, "new@example.com", upstream_id="user-7")
        assert standings(team) == {"ana@example.com": Standing.STRANGER, "new@example.com": Standing.SEAT}

    def test_an_invite_has_no_day_of_joining(self) -> None:
        team = a_team()
        now = timezone.now()
        present(team, "ana@example.com", joined_at=now)
        present(team, "ben@example.com", kind=Member.Kind.INVITE, joined_at=now)
        assert [(person.email, person.since) for person in people(team)] == [
            ("ana@example.com", now),
            ("ben@example.com", None),
        ]

    def test_a_seat_that_no_list_shows_yet_is_there(self) -> None:
        team = a_team(held=2)
        a_grant(a_redemption("ana@example.com"), GrantState.INVITED, team=team)
        a_grant(a_redemption("ben@example.com"), GrantState.RESERVED, team=team)
        assert [(person.email, person.state) for person in people(team)] == [
            ("ana@example.com", "Invited, not listed yet"),
            ("ben@example.com", "Being arranged"),
        ]

    def test_a_seat_that_is_over_is_not(self) -> None:
        team = a_team()
        a_grant(a_redemption("ana@example.com"), GrantState.ENDED, team=team)
        assert people(team) == []

    def test_strangers_stand_before_seats(self) -> None:
        team = a_team(held=1)
        a_grant(a_redemption("ana@example.com"), GrantState.JOINED, team=team)
        for email in ("ana@example.com", "sam@example.com", OMAR):
            present(team, email)
        assert [person.email for person in people(team)] == [OMAR, "sam@example.com", "ana@example.com"]

    def test_who_takes_no_seat_says_so(self) -> None:
        team = a_team()
        present(team, "meter@example.com", seat_type="usage_based")
        present(team, "off@example.com", deactivated_at=timezone.now())
        assert [(person.email, person.takes_seat) for person in people(team)] == [
            ("meter@example.com", False),
            ("off@example.com", False),
        ]

    def test_it_counts_joined_and_waiting(self) -> None:
        team = a_team(held=3)
        for n, state in enumerate((GrantState.JOINED, GrantState.VERIFIED, GrantState.INVITING, GrantState.CANCELLED)):
            a_grant(a_redemption(f"{n}@example.com"), state, team=team)
        seats = seating(team)
        assert (seats.joined, seats.waiting) == (1, 2)

    def test_it_asks_the_same_for_one_and_for_many(self, django_assert_num_queries: Any) -> None:
        team = Team.objects.select_related("owner").get(pk=a_team(held=2).pk)
        for n in range(20):
            present(team, f"{n}@example.com")
            a_grant(a_redemption(f"{n}@example.com"), GrantState.JOINED, team=team)
        with django_assert_num_queries(5):
            [person.redemption and person.redemption.code for person in seating(team).people]
