"""Claims that wait have the first right to a place; new claims get what is left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Value
from django.utils import timezone

from base.actors import Actor
from invites import locking, tasks
from invites.actions import seat
from invites.actions.add_people import Added, add_people
from invites.departures import opening
from invites.models import Departure, RedeemCode, Redemption, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming import errors
from invites.redeeming.redeem import redeem
from invites.seats import moves, seating
from invites.states import DepartureReason, GrantState
from notifications.models import AuditEvent, Setting
from teampool.models import Team
from teampool.pool import stock
from tests.cast import ANA, SAM, a_code, a_team, run_together
from tests.invites.invariants import check_books
from tests.invites.rows import a_grant, a_redemption

pytestmark = pytest.mark.django_db(transaction=True)
JOB = Actor("job", "test")


def a_waiting(email: str = ANA, **fields: Any) -> Redemption:
    """A claim whose Team was lost and that has no seat elsewhere yet."""
    return a_redemption(email, try_number=2, is_waiting=True, **fields)


def redeems(email: str, code: RedeemCode | None = None) -> Redemption | None:
    """The open claim, or None where no seat was free; the code is unused then."""
    code = code or a_code()
    try:
        return redeem(email=email, code=code.code)
    except errors.NoSeat:
        code.refresh_from_db()
        assert code.uses_held == 0
        return None


def team_of(redemption: Redemption) -> Team | None:
    grant = SeatGrant.objects.live().filter(redemption=redemption).select_related("team").first()
    return grant.team if grant is not None else None


class TestTheLastPlace:
    def test_a_new_claim_leaves_it_to_who_waits(self) -> None:
        team, waiting = a_team(seats=1), a_waiting()
        assert redeems(SAM) is None
        reconcile()
        assert team_of(waiting) == team
        check_books()

    def test_a_new_claim_takes_what_is_left_over(self) -> None:
        team, waiting = a_team(seats=2), a_waiting()
        redemption = redeems(SAM)
        assert redemption is not None
        assert team_of(redemption) == team
        reconcile()
        assert team_of(waiting) == team
        check_books()

    def test_the_longest_waiting_comes_first(self) -> None:
        a_team(seats=1)
        first, second = a_waiting(), a_waiting(SAM)
        reconcile()
        assert (team_of(first) is None, team_of(second)) == (False, None)

    def test_an_operator_who_adds_people_waits_behind_them(self) -> None:
        team, _ = a_team(seats=1), a_waiting()
        assert add_people(team=team, text=SAM, actor=JOB)[0].outcome is Added.NO_SEAT

    def test_it_is_free_again_once_the_claim_is_over(self) -> None:
        a_team(seats=1)
        seat.end_claim(redemption_id=a_waiting().pk, actor=JOB)
        assert redeems(SAM) is not None

    def test_somebody_who_waits_for_a_departure_counts(self) -> None:
        left, other = a_team(held=1), a_team(seats=1)
        old = a_redemption(SAM, ends_at=timezone.now() - timedelta(minutes=5))
        grant = a_grant(old, GrantState.JOINED, team=left)
        Team.objects.filter(pk=left.pk).update(is_enabled=False)
        with transaction.atomic():
            locking.lock_team(left.pk)
            opening.open_departure(grant=grant, reason=DepartureReason.OVERDUE, now=timezone.now(), actor=JOB)
        claim = redeems(SAM)
        assert claim is not None
        assert claim.is_waiting
        assert redeems(ANA) is None
        Departure.objects.update(state="done")
        moves.leave(grant, GrantState.ENDED, reason="overdue", now=timezone.now(), actor=JOB)
        reconcile()
        assert team_of(claim) == other


class TestWhereTheyMayGo:
    def test_a_claim_for_one_team_keeps_no_place_elsewhere(self) -> None:
        bound, other = a_team(seats=1, last_invite_at=timezone.now()), a_team(seats=1)
        a_waiting(bound_team=bound)
        redemption = redeems(SAM)
        assert redemption is not None
        assert team_of(redemption) == other
        assert redeems("ben@example.com", a_code(team=bound)) is None

    def test_a_claim_keeps_no_place_in_a_team_it_may_not_enter(self) -> None:
        team = a_team(seats=1)
        waiting = a_waiting()
        a_grant(waiting, GrantState.ENDED, team=team, try_number=1, reason=DepartureReason.RESEATED)
        redemption = redeems(SAM)
        assert redemption is not None
        assert team_of(redemption) == team

    def test_the_database_counts_those_whom_no_bar_keeps_out(self) -> None:
        """The subquery of the guard and `_barred`, which decides for one claim, say the same."""
        teams = [a_team() for _ in range(3)]
        claims = [
            a_waiting("free@example.com"),
            a_waiting("bound@example.com", bound_team=teams[0]),
            a_waiting("tried@example.com"),
            a_waiting("moved@example.com"),
            a_waiting("before@example.com"),
            a_waiting("leaves@example.com"),
        ]
        a_grant(claims[2], GrantState.CANCELLED, team=teams[0])
        a_grant(claims[3], GrantState.ENDED, team=teams[1], try_number=1, reason=DepartureReason.RESEATED)
        a_grant(claims[4], GrantState.ENDED, team=teams[1], try_number=1, reason="team_gone")
        Departure.objects.create(team=teams[2], email=claims[5].email, reason=DepartureReason.OVERDUE)
        counted = dict(Team.objects.annotate(kept=seating.KEPT_FOR_WAITING).values_list("pk", "kept"))
        assert counted == {
            team.pk: sum(
                claim.bound_team_id in (None, team.pk) and team.pk not in seating._barred(claim) for claim in claims
            )
            for team in teams
        }
        assert sorted(counted.values()) == [4, 4, 5]


class TestStock:
    def test_it_leaves_out_the_places_of_who_waits(self) -> None:
        a_team(seats=5)
        a_waiting()
        a_waiting(SAM)
        pool = stock.summary(timezone.now(), waiting=Redemption.objects.waiting().count())
        assert (pool.free, pool.soon, pool.unavailable) == (3, 3, 0)

    def test_never_less_than_none(self) -> None:
        a_team(seats=1)
        assert stock.summary(timezone.now(), waiting=3).free == 0

    def test_the_alert_and_the_first_screen_count_so(self, olga_client: Any) -> None:
        Setting.objects.create(key="notifications.low_stock_threshold", value=4, updated_at=timezone.now())
        a_team(seats=5)
        tasks.check_stock()
        assert not AuditEvent.objects.filter(action="low_stock").exists()
        a_waiting()
        tasks.check_stock()
        assert AuditEvent.objects.get(action="low_stock").details["current_seats"] == 4
        assert olga_client.get("/admin/").context["pool"].free == 4


class TestAtOnce:
    """One place is free, one claim waits, ten people come with new codes."""

    def race(self) -> Redemption:
        """An invitation is withdrawn while ten people submit and the reconciler runs; the claim that waits."""
        team = a_team(held=1, seats=1)
        leaver = a_grant(a_redemption("gone@example.com"), GrantState.VERIFIED, team=team)
        waiting = a_waiting()
        codes = [a_code() for _ in range(10)]

        def leave() -> None:
            with transaction.atomic():
                locking.lock_team(team.pk)
                moves.leave(leaver, GrantState.CANCELLED, reason="withdrawn", now=timezone.now(), actor=JOB)
                moves.end(redemption_id=leaver.redemption_id, reason="left", now=timezone.now(), actor=JOB)

        comers = [lambda n=n, code=code: redeems(f"p{n}@example.com", code) for n, code in enumerate(codes)]
        results = run_together(leave, reconcile, *comers)
        assert not [one for one in results if isinstance(one, Exception)], results
        for n, code in enumerate(codes):
            redeems(f"p{n}@example.com", code)  # whoever came too early comes again
        reconcile()
        check_books()
        return waiting

    @pytest.mark.parametrize("turn", range(4))
    def test_who_waits_gets_it(self, turn: int) -> None:
        waiting = self.race()
        assert team_of(waiting) is not None
        assert not Redemption.objects.exclude(email__in=(ANA, "gone@example.com")).exists()

    def test_without_the_rule_somebody_new_gets_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(seating, "KEPT_FOR_WAITING", Value(0))
        team, waiting = a_team(seats=1), a_waiting()
        run_together(*(lambda n=n: redeems(f"p{n}@example.com") for n in range(10)))
        reconcile()
        assert (team_of(waiting), SeatGrant.objects.get().team) == (None, team)
