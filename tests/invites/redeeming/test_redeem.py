"""Redeeming against the database alone: what is taken, what is refused, and what stays intact."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from invites import locking
from invites.models import Departure, Redemption, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming import errors, presence
from invites.redeeming import redeem as redeeming
from invites.redeeming.presence import Presence
from invites.redeeming.redeem import redeem
from invites.seats import seating
from invites.states import DepartureState, GrantState, RedemptionState
from teampool.models import AllowedMember, Member, Team, Vacancy
from tests.cast import ANA, SAM, a_code, a_team, run_together
from tests.invites.rows import a_member

pytestmark = pytest.mark.django_db(transaction=True)


def held(team: Team) -> int:
    team.refresh_from_db()
    return team.seats_held


class TestRedeem:
    def test_it_holds_a_seat_and_the_code(self) -> None:
        team, code = a_team(), a_code()
        redemption = redeem(email=" Ana@Example.com ", code=code.dashed.lower())
        code.refresh_from_db()
        grant = redemption.grants.get()
        assert (redemption.state, redemption.email, grant.state, grant.team) == ("open", ANA, "reserved", team)
        assert (held(team), code.uses_held) == (1, 1)

    def test_it_answers_the_same_pair_with_the_same_redemption(self) -> None:
        team, code = a_team(), a_code()
        first = redeem(email=ANA, code=code.code)
        assert redeem(email=ANA, code=code.code).pk == first.pk
        assert held(team) == 1

    def test_it_refuses_a_used_code(self) -> None:
        team, code = a_team(), a_code()
        redeem(email=ANA, code=code.code)
        with pytest.raises(errors.CodeUsed):
            redeem(email=SAM, code=code.code)
        assert held(team) == 1

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"voided_at": timezone.now()}, errors.CodeVoid),
            ({"redeem_until": timezone.now() - timedelta(seconds=1)}, errors.CodeExpired),
        ],
    )
    def test_it_refuses_a_code_that_is_over(self, fields: dict[str, object], error: type[Exception]) -> None:
        team, code = a_team(), a_code(**fields)
        with pytest.raises(error):
            redeem(email=ANA, code=code.code)
        assert held(team) == 0

    def test_it_refuses_what_is_no_code(self) -> None:
        for text in ("", "\0", "AAAA-AAAA-AAAA-AAAA", "x" * 10_000):
            with pytest.raises(errors.CodeUnknown):
                redeem(email=ANA, code=text)

    def test_it_leaves_the_code_intact_without_a_seat(self) -> None:
        team, code = a_team(seats=1, held=1), a_code()
        with pytest.raises(errors.NoSeat):
            redeem(email=ANA, code=code.code)
        code.refresh_from_db()
        assert (code.uses_held, held(team), Redemption.objects.count()) == (0, 1, 0)

    def test_it_lets_a_code_with_two_uses_in_twice(self) -> None:
        a_team()
        code = a_code(max_uses=2)
        redeem(email=ANA, code=code.code)
        redeem(email=SAM, code=code.code)
        with pytest.raises(errors.CodeUsed):
            redeem(email="bob@example.com", code=code.code)

    def test_it_seats_a_bound_code_in_its_team_only(self) -> None:
        a_team(last_invite_at=timezone.now())
        bound = a_team()
        assert redeem(email=ANA, code=a_code(team=bound).code).grants.get().team == bound
        full = a_team(seats=0)
        with pytest.raises(errors.NoSeat):
            redeem(email=SAM, code=a_code(team=full).code)


class TestOrderOfChoice:
    def test_it_prefers_the_latest_invite_then_the_fullest(self) -> None:
        now = timezone.now()
        never = a_team(seats=4, held=3)
        old = a_team(last_invite_at=now - timedelta(days=1))
        new_roomy = a_team(last_invite_at=now)
        new_tight = a_team(last_invite_at=now, held=2)
        order = list(Team.objects.allocatable(now).in_order_of_choice())
        assert order == [new_tight, new_roomy, old, never]

    @pytest.mark.parametrize(
        "fields",
        [
            {"is_enabled": False},
            {"archived_at": timezone.now()},
            {"token_state": "expired"},
            {"workspace_state": "suspended"},
            {"cooldown_until": timezone.now() + timedelta(days=1)},
            {"subscription_until": timezone.now() - timedelta(minutes=1)},
            {"upstream_full_at": timezone.now()},
            {"opened_at": None},
            {"snapshot_started_at": None},
            {"snapshot_started_at": timezone.now() - timedelta(hours=2)},
            {"snapshot_has_self": False},
            {"seats": 4, "held": 2, "outsiders": 2},
        ],
    )
    def test_it_passes_over_a_team_that_may_not_take_people(self, fields: dict[str, object]) -> None:
        a_team(**fields)
        with pytest.raises(errors.NoSeat):
            redeem(email=ANA, code=a_code().code)


class TestSomebodyAlreadyThere:
    def test_it_does_not_use_a_second_code_of_a_seated_person(self) -> None:
        team, first, second = a_team(), a_code(), a_code()
        seated = redeem(email=ANA, code=first.code)
        again = redeem(email=ANA, code=second.code)
        second.refresh_from_db()
        assert (again.state, again.seated_by, second.uses_held, held(team)) == ("already", seated, 0, 1)
        assert redeem(email=ANA, code=second.code).pk == again.pk
        assert redeem(email=SAM, code=second.code).state == RedemptionState.OPEN

    def test_it_answers_with_the_seat_there_is_now(self) -> None:
        team, second = a_team(), a_code()
        old = redeem(email=ANA, code=a_code().code)
        before = redeem(email=ANA, code=second.code)
        SeatGrant.objects.update(state=GrantState.ENDED)
        Redemption.objects.filter(pk=old.pk).update(state="ended")
        new = redeem(email=ANA, code=a_code().code)
        again = redeem(email=ANA, code=second.code)
        second.refresh_from_db()
        assert (before.seated_by, again.state, again.seated_by) == (old, "already", new)
        assert redeem(email=ANA, code=second.code).pk == again.pk
        assert (second.uses_held, team.grants.count()) == (0, 2)

    @pytest.mark.parametrize("origin", AllowedMember.Origin.values)
    def test_it_does_not_use_the_code_of_someone_who_may_be_there(self, origin: str) -> None:
        team, code = a_team(outsiders=1), a_code()
        Member.objects.create(team=team, kind="member", upstream_id="user-1", email=ANA)
        AllowedMember.objects.create(team=team, email=ANA, origin=origin)
        assert redeem(email=ANA, code=code.code).state == RedemptionState.ALREADY
        code.refresh_from_db()
        assert (code.uses_held, held(team)) == (0, 0)

    def test_it_gives_a_stranger_the_seat_they_sit_in(self) -> None:
        a_team(last_invite_at=timezone.now())
        team, code = a_team(seats=1, outsiders=1), a_code()
        Member.objects.create(team=team, kind="member", upstream_id="user-1", email=SAM)
        grant = redeem(email=SAM, code=code.code).grants.get()
        team.refresh_from_db()
        assert (grant.team, grant.ask_first, team.outsiders, team.seats_held) == (team, True, 0, 1)

    def test_whoever_left_while_their_team_was_locked_is_seated_without_that_lock(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        team, code, done = a_team(), a_code(), []
        a_member(team, ANA)
        of, once, lock, take = presence.of, redeeming._redeem_once, locking.lock_team, seating.take_seat
        monkeypatch.setattr(presence, "of", lambda *a, **k: Presence() if "lock" in done else of(*a, **k))
        monkeypatch.setattr(redeeming, "_redeem_once", lambda *a, **k: (done.append("begin"), once(*a, **k))[1])
        monkeypatch.setattr(locking, "lock_team", lambda *a: (done.append("lock"), lock(*a)))
        monkeypatch.setattr(seating, "take_seat", lambda *a, **k: (done.append("seat"), take(*a, **k))[1])
        assert redeem(email=ANA, code=code.code).grants.get().team == team
        assert done == ["begin", "lock", "begin", "seat"]

    def test_it_waits_while_the_person_is_on_the_way_out(self) -> None:
        team, code = a_team(), a_code()
        Departure.objects.create(team=team, email=ANA, reason="stranger")
        redemption = redeem(email=ANA, code=code.code)
        assert (redemption.state, redemption.grants.count(), held(team)) == ("open", 0, 0)

    def test_it_lets_the_seat_of_an_overdue_person_go_on_under_the_new_code(self) -> None:
        team = a_team()
        old = redeem(email=ANA, code=a_code(seat_time=timedelta(hours=1)).code)
        past = timezone.now() - timedelta(minutes=1)
        Redemption.objects.filter(pk=old.pk).update(ends_at=past)
        SeatGrant.objects.update(state=GrantState.JOINED, joined_at=past, upstream_user_id="user-1")
        new = redeem(email=ANA, code=a_code(seat_time=timedelta(hours=2)).code)
        old.refresh_from_db()
        new.refresh_from_db()
        grant = new.grants.get()
        assert (old.state, new.state, grant.state, grant.team) == ("ended", "open", "joined", team)
        assert new.ends_at > timezone.now() + timedelta(minutes=110)
        assert (held(team), grant.upstream_user_id) == (1, "user-1")

    def test_an_overdue_person_whom_the_list_does_not_show_any_more_gets_a_seat_anew(self) -> None:
        """Theirs would end as "left" with the next list, and the new code with it."""
        team = a_team()
        old = redeem(email=ANA, code=a_code(seat_time=timedelta(hours=1)).code)
        past = timezone.now() - timedelta(minutes=30)
        Redemption.objects.filter(pk=old.pk).update(ends_at=past)
        SeatGrant.objects.update(state=GrantState.JOINED, created_at=past, joined_at=past, absent_since=timezone.now())
        Vacancy.objects.create(team=team, kind="member", upstream_id="user-1", email=ANA, gone_by=timezone.now())
        new = redeem(email=ANA, code=a_code().code)
        old.refresh_from_db()
        team.refresh_from_db()
        assert (old.state, new.state, new.is_waiting, new.grants.count()) == ("ended", "open", True, 0)
        assert (team.seats_held, team.outsiders, Vacancy.objects.count()) == (0, 1, 1)
        reconcile()
        assert SeatGrant.objects.live().get().redemption == new
        assert held(team) == 1

    def test_it_lets_an_overdue_person_with_a_code_for_elsewhere_leave_first(self) -> None:
        team, other = a_team(), a_team()
        old = redeem(email=ANA, code=a_code(team=team, seat_time=timedelta(hours=1)).code)
        Redemption.objects.filter(pk=old.pk).update(ends_at=timezone.now())
        SeatGrant.objects.update(state=GrantState.JOINED, joined_at=timezone.now())
        new = redeem(email=ANA, code=a_code(team=other).code)
        assert (new.state, new.grants.count(), held(team), held(other)) == ("open", 0, 1, 0)
        assert Departure.objects.get().state == DepartureState.OPEN

    def test_it_seats_someone_from_a_lost_team_elsewhere_without_a_new_code(self) -> None:
        lost, first, second = a_team(), a_code(), a_code()
        seated = redeem(email=ANA, code=first.code)
        SeatGrant.objects.update(state=GrantState.JOINED, joined_at=timezone.now(), sends=1)
        Team.objects.filter(pk=lost.pk).update(workspace_state="suspended")
        good = a_team()
        answer = redeem(email=ANA, code=second.code)
        second.refresh_from_db()
        assert (answer.state, answer.seated_by, second.uses_held) == ("already", seated, 0)
        assert SeatGrant.objects.live().get().team == good
        assert (held(lost), held(good)) == (0, 1)
        assert Departure.objects.get().team == lost

    def test_somebody_bound_to_a_lost_team_is_seated_elsewhere(self) -> None:
        lost = a_team()
        bound = redeem(email=ANA, code=a_code(team=lost).code)
        SeatGrant.objects.update(state=GrantState.JOINED)
        Team.objects.filter(pk=lost.pk).update(workspace_state="suspended")
        good = a_team()
        assert redeem(email=ANA, code=a_code().code).seated_by == bound
        assert SeatGrant.objects.live().get().team == good
        assert Redemption.objects.get(pk=bound.pk).bound_team is None

    def test_it_seats_an_overdue_person_of_a_lost_team_under_the_new_code(self) -> None:
        lost = a_team()
        old = redeem(email=ANA, code=a_code(seat_time=timedelta(hours=1)).code)
        Redemption.objects.filter(pk=old.pk).update(ends_at=timezone.now())
        SeatGrant.objects.update(state=GrantState.JOINED, joined_at=timezone.now())
        Team.objects.filter(pk=lost.pk).update(workspace_state="suspended")
        good = a_team()
        new = redeem(email=ANA, code=a_code().code)
        assert (new.state, new.grants.get().team, held(lost), held(good)) == ("open", good, 0, 1)


class TestManyAtOnce:
    def test_it_never_gives_more_seats_than_there_are(self) -> None:
        teams = [a_team(seats=2) for _ in range(3)]
        codes = [a_code().code for _ in range(12)]
        results = run_together(
            *(lambda n=n, code=code: redeem(email=f"p{n}@example.com", code=code) for n, code in enumerate(codes))
        )
        in_, out = (
            [r for r in results if isinstance(r, Redemption)],
            [r for r in results if isinstance(r, errors.NoSeat)],
        )
        assert (len(in_), len(out)) == (6, 6), results
        assert [held(team) for team in teams] == [2, 2, 2]

    def test_it_gives_one_code_to_one_person(self) -> None:
        a_team(seats=8)
        code = a_code()
        results = run_together(*(lambda n=n: redeem(email=f"p{n}@example.com", code=code.code) for n in range(8)))
        assert sum(isinstance(r, Redemption) for r in results) == 1, results
        assert sum(isinstance(r, errors.CodeUsed) for r in results) == 7

    def test_it_gives_one_person_one_seat_for_many_codes_and_clicks(self) -> None:
        team = a_team(seats=8)
        codes = [a_code().code for _ in range(4)] * 2
        results = run_together(*(lambda code=code: redeem(email=ANA, code=code) for code in codes))
        assert all(isinstance(r, Redemption) for r in results), results
        assert Redemption.objects.filter(state="open").count() == 1
        assert (held(team), SeatGrant.objects.count()) == (1, 1)
