"""The small guards, one by one: each test here fails when its guard is taken out."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from base.actors import Actor
from invites import locking
from invites.delivery import settle
from invites.delivery.drain import claim, deliver
from invites.delivery.look import Look
from invites.departures import closing
from invites.following.follow import follow
from invites.models import Departure, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming.redeem import redeem
from invites.seats import moves, seating, timing
from invites.states import DepartureReason, DepartureState, GrantState, RedemptionState
from sandbox.server import SandboxServer
from teampool.models import Member, Owner, Team
from teampool.teams import health
from teampool.upstream.types import Answer, Failure, Verdict
from tests.cast import ANA, SAM, a_code, a_team, import_sandbox_team, run_together
from tests.invites.clock import pass_time
from tests.invites.following.test_follow import a_member, a_snapshot

pytestmark = pytest.mark.django_db(transaction=True)
JOB = Actor("job", "test")


def a_grant(**fields: Any) -> SeatGrant:
    """Ana's seat in a Team of its own, with `fields` as the worker left them."""
    team = a_team()
    redeem(email=ANA, code=a_code(team=team).code)
    SeatGrant.objects.filter(email=ANA).update(**fields)
    return SeatGrant.objects.select_related("team__owner", "redemption").get(email=ANA)


def stored(grant: SeatGrant) -> SeatGrant:
    return SeatGrant.objects.get(pk=grant.pk)


class TestTheFence:
    def test_a_worker_overtaken_by_a_later_claim_changes_nothing(self) -> None:
        late = a_grant(state=GrantState.INVITING, attempts=1)
        SeatGrant.objects.update(attempts=2)
        now = timezone.now()
        assert not moves.advance(late, GrantState.INVITED, now=now, actor=JOB)
        assert not moves.leave(late, GrantState.CANCELLED, reason="late", now=now, actor=JOB)
        assert not settle.about_to_send(late, now=now)
        assert (stored(late).state, stored(late).team.seats_held) == (GrantState.INVITING, 1)

    def test_a_worker_overtaken_by_a_snapshot_changes_nothing(self) -> None:
        late = a_grant(state=GrantState.INVITED, attempts=1)
        SeatGrant.objects.update(state=GrantState.JOINED, due_at=None)
        now = timezone.now()
        assert not moves.leave(late, GrantState.CANCELLED, reason="late", now=now, actor=JOB)
        assert not moves.advance(late, GrantState.VERIFIED, now=now, actor=JOB)
        settle.look_again(late, now=now)
        assert (stored(late).state, stored(late).due_at, stored(late).team.seats_held) == (GrantState.JOINED, None, 1)

    def test_a_broken_worker_makes_nothing_due_of_who_joined_meanwhile(self) -> None:
        late = a_grant(state=GrantState.INVITED, attempts=1)
        SeatGrant.objects.update(state=GrantState.JOINED, due_at=None)
        settle.again_later(late, now=timezone.now())
        assert stored(late).due_at is None

    def test_a_look_at_somebody_who_is_in_is_the_last_one(self) -> None:
        grant, now = a_grant(state=GrantState.JOINED, attempts=1, due_at=timezone.now()), timezone.now()
        settle.found(grant, Look(now, True, Member.Kind.MEMBER, "user-1"), now=now, actor=JOB)
        assert stored(grant).due_at is None

    def test_a_claim_seen_too_early_is_not_taken(self) -> None:
        late = a_grant(state=GrantState.INVITED, attempts=1)
        SeatGrant.objects.update(attempts=2)
        assert not moves.claim(late, until=timezone.now(), actor=JOB)


class TestWritesPerTeam:
    def two_seats(self) -> list[SeatGrant]:
        team = a_team()
        for email in (ANA, SAM):
            redeem(email=email, code=a_code(team=team).code)
        return list(SeatGrant.objects.all())

    def test_it_claims_no_more_than_the_limit(self) -> None:
        first, second = self.two_seats()
        assert claim(first, limit=1) is not None
        assert claim(second, limit=1) is None

    def test_two_claims_at_once_see_each_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """On PostgreSQL this fails without the Team's lock."""
        meet, take = threading.Barrier(2), moves.claim

        def slow_claim(*args: Any, **kwargs: Any) -> bool:
            with contextlib.suppress(threading.BrokenBarrierError):
                meet.wait(0.5)  # with the lock nobody else comes this far
            return take(*args, **kwargs)

        monkeypatch.setattr("invites.seats.moves.claim", slow_claim)
        results = run_together(*(lambda seen=seen: claim(seen, limit=1) for seen in self.two_seats()))
        assert results.count(None) == 1, results


class TestLeavingATeam:
    @pytest.mark.parametrize("failure", [Failure.TIMEOUT_OR_RESET, Failure.PERMISSION_DENIED, Failure.RATE_LIMITED])
    def test_a_revoke_that_was_not_answered_starts_no_clock(self, failure: Failure) -> None:
        grant = a_grant(state=GrantState.INVITING, sends=3)
        settle.revoked(grant, Answer(Verdict.UNKNOWN, failure), now=timezone.now())
        assert stored(grant).leaving_since is None

    def test_a_certain_no_after_an_unknown_does_not_leave_at_once(self, sandbox: SandboxServer) -> None:
        bad = import_sandbox_team(sandbox, last_invite_at=timezone.now())
        import_sandbox_team(sandbox)
        sandbox.lag(seconds=100)
        sandbox.fault(op="invite", account_id=bad.account_id, action={"preset": "500_after"})
        redeem(email=ANA, code=a_code().code)
        deliver()
        pass_time(70)
        sandbox.advance(seconds=70)
        sandbox.fault(op="invite", account_id=bad.account_id, action={"preset": "seat_full_400"})
        deliver()  # absent so far: asked again, and refused; the first one did arrive
        grant = SeatGrant.objects.get()
        assert (grant.team, grant.state, grant.sends, grant.leave_as) == (bad, "inviting", 1, "seats_full")
        pass_time(70)
        sandbox.advance(seconds=70)
        deliver()
        assert SeatGrant.objects.get().state == GrantState.VERIFIED


class TestAskingFirst:
    def test_an_adopted_stranger_is_found_and_not_invited(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, outsiders=1)
        sandbox.member(account_id=team.account_id, email=SAM)
        Member.objects.create(team=team, kind="member", upstream_id="user-1", email=SAM)
        redeem(email=SAM, code=a_code().code)
        deliver()
        assert SeatGrant.objects.get().state == GrantState.JOINED
        assert not [row for row in sandbox.log() if row["op"] == "invite"]

    def test_a_hidden_row_nobody_knows_proves_no_absence(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        import_sandbox_team(sandbox)
        sandbox.member(account_id=team.account_id, email="hidden@example.com", hide_email=True)
        sandbox.fault(op="invite", action={"preset": "500"})
        redeem(email=ANA, code=a_code(team=team).code)
        for _ in range(8):
            deliver()
            pass_time(310)
        assert len([row for row in sandbox.log() if row["op"] == "invite"]) == 1
        assert (SeatGrant.objects.get().state, SeatGrant.objects.get().team) == (GrantState.INVITING, team)


class TestSomebodyKnown:
    def test_admins_are_there_by_right(self) -> None:
        team, code = a_team(outsiders=1), a_code()
        Member.objects.create(team=team, kind="member", upstream_id="user-1", email=ANA, role="account-admin")
        assert redeem(email=ANA, code=code.code).state == RedemptionState.ALREADY

    def test_what_is_true_under_the_lock_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        team = a_team(outsiders=1)
        Member.objects.create(team=team, kind="member", upstream_id="user-1", email=SAM)
        lock = locking.lock_team

        def lock_late(team_id: int) -> None:
            Departure.objects.create(team_id=team_id, email=SAM, reason=DepartureReason.STRANGER)
            lock(team_id)

        monkeypatch.setattr("invites.locking.lock_team", lock_late)
        redemption = redeem(email=SAM, code=a_code().code)
        assert (redemption.state, redemption.grants.count()) == ("open", 0)


class TestDepartures:
    @pytest.fixture
    def team(self, sandbox: SandboxServer) -> Team:
        team = import_sandbox_team(sandbox)
        sandbox.member(account_id=team.account_id, email=ANA)
        return team

    def leaves(self, team: Team, **fields: Any) -> Departure:
        return Departure.objects.create(team=team, email=ANA, reason="stranger", due_at=timezone.now(), **fields)

    def removals(self, sandbox: SandboxServer) -> list[Any]:
        return [row for row in sandbox.log() if row["op"] in ("remove", "revoke")]

    def test_whoever_has_a_seat_again_stays(self, sandbox: SandboxServer, team: Team) -> None:
        redeem(email=ANA, code=a_code(team=team).code)
        departure = self.leaves(team)
        reconcile()
        departure.refresh_from_db()
        assert (departure.state, self.removals(sandbox)) == (DepartureState.DROPPED, [])

    def test_an_admin_is_never_removed(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.member(account_id=team.account_id, email=ANA, role="account-admin")
        departure = self.leaves(team)
        reconcile()
        departure.refresh_from_db()
        assert (departure.state, self.removals(sandbox)) == (DepartureState.DROPPED, [])

    def test_whoever_is_missing_from_half_a_list_has_not_left(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.leave(account_id=team.account_id, email=ANA)
        sandbox.fault(op="members", action={"preset": "page_more_than_total"}, times=0)
        departure = self.leaves(team)
        reconcile()
        departure.refresh_from_db()
        assert (departure.state, departure.told_at) == (DepartureState.OPEN, None)

    def test_a_list_right_after_the_removal_confirms_nothing(self) -> None:
        team, now = a_team(), timezone.now()
        Owner.objects.update(upstream_user_id="user-omar")
        departure = self.leaves(team, told_at=now, evidence={"saw": "member"})
        follow(team_id=team.pk, snapshot=a_snapshot(at=now + timedelta(seconds=30)))
        departure.refresh_from_db()
        assert departure.state == DepartureState.OPEN
        follow(team_id=team.pk, snapshot=a_snapshot(at=now + timing.ABSENT_AFTER))
        departure.refresh_from_db()
        assert departure.state == DepartureState.DONE

    def test_nobody_without_a_known_id_is_called_gone_beside_a_hidden_row(self) -> None:
        team, now = a_team(), timezone.now()
        Owner.objects.update(upstream_user_id="user-omar")
        departure = self.leaves(team, told_at=now - timedelta(hours=1))
        follow(team_id=team.pk, snapshot=a_snapshot(a_member(None, "user-9"), at=now))
        departure.refresh_from_db()
        assert (departure.state, departure.last_problem) == (DepartureState.DROPPED, closing.HIDDEN)

    def test_who_is_still_there_is_told_again(self) -> None:
        team, now = a_team(), timezone.now()
        Owner.objects.update(upstream_user_id="user-omar")
        departure = self.leaves(team, told_at=now - timedelta(hours=1))
        follow(team_id=team.pk, snapshot=a_snapshot(a_member(ANA), at=now))
        departure.refresh_from_db()
        assert (departure.state, departure.told_at) == (DepartureState.OPEN, None)

    def test_a_claim_waits_while_its_person_is_on_the_way_out(self) -> None:
        leaving, _other = a_team(), a_team()
        departure = self.leaves(leaving)
        redemption = redeem(email=ANA, code=a_code().code)
        seating.reseat_or_refuse(redemption_id=redemption.pk, now=timezone.now(), actor=JOB)
        assert redemption.grants.count() == 0
        Departure.objects.filter(pk=departure.pk).update(state=DepartureState.DONE)
        for _ in range(2):
            seating.reseat_or_refuse(redemption_id=redemption.pk, now=timezone.now(), actor=JOB)
        assert redemption.grants.count() == 1


class TestHealth:
    @pytest.mark.parametrize("failure", [Failure.TOKEN_REJECTED, Failure.USER_DEACTIVATED])
    def test_a_late_refusal_of_an_old_token_says_nothing_about_the_new_one(self, failure: Failure) -> None:
        team = a_team()
        old = team.owner.credential_version
        Owner.objects.update(credential_version=old + 1)
        for _ in range(9):
            health.note_failure(team=team, failure=failure, version=old, now=timezone.now(), actor=JOB)
        team.refresh_from_db()
        assert (team.token_state, team.failures) == ("healthy", 0)


class TestSnapshots:
    def test_a_look_from_before_the_confirmation_is_no_absence(self) -> None:
        grant = a_grant(state=GrantState.VERIFIED, verified_at=timezone.now())
        Owner.objects.update(upstream_user_id="user-omar")
        SeatGrant.objects.update(created_at=timezone.now() - timedelta(hours=1))
        follow(team_id=grant.team_id, snapshot=a_snapshot(at=timezone.now() - timedelta(seconds=20)))
        assert stored(grant).absent_since is None
