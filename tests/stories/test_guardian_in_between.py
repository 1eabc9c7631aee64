"""What happens between a finding and its end: decisions, settings, returns, renamed people, other deeds on the seat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from guardian import mode, settings
from guardian.decisions import overdue
from guardian.models import Finding, Sweep
from guardian.rules.rules import Found
from guardian.rules.states import Kind, State
from guardian.rules.still_possible import Shown
from guardian.sweeping import findings, reading, removal, sweep
from invites.actions import outsiders, seat
from invites.delivery.drain import deliver
from invites.departures import opening
from invites.departures.carry_out import carry_out
from invites.departures.closing import HIDDEN, OUT_OF_HOURS
from invites.departures.opening import leave_dead_team
from invites.departures.rights import ALLOWED, OTHER_SEAT_UNSURE, UNDER_WAY, why_stay
from invites.following.sync import sync_team
from invites.models import Departure, Redemption, SeatGrant
from invites.reconcile import reconcile
from invites.states import DepartureReason, DepartureState, GrantState
from notifications.models import AuditEvent
from notifications.settings import runtime
from sandbox.server import SandboxServer
from teampool.models import AllowedMember, Member, Team
from tests.cast import ANA, SAM, a_team, import_sandbox_team
from tests.guardian.clock import pass_time
from tests.guardian.pool import HOUR, OLGA
from tests.invites.invariants import check_books
from tests.invites.rows import a_grant, a_member, a_redemption
from tests.stories.test_guardian_safety import a_joined, enforce, look, people_of

pytestmark = pytest.mark.django_db(transaction=True)
LATE = timedelta(hours=-1)


@pytest.fixture
def team(sandbox: SandboxServer) -> Team:
    team = import_sandbox_team(sandbox)
    sync_team(team_id=team.pk)
    enforce()
    return team


def a_finding(team: Team, kind: Kind = Kind.STRANGER, email: str = SAM, **fields: Any) -> Finding:
    """Ripe, and about to be acted on."""
    seen = timezone.now() - HOUR
    values = {"first_seen_at": seen, "last_seen_at": seen, "sightings": 9}
    return Finding.objects.create(team=team, kind=kind, email=email, **(values | fields))


def a_departure(team: Team, email: str = SAM, reason: str = "stranger", **fields: Any) -> Departure:
    values = {"is_automatic": True, "due_at": timezone.now()}
    return Departure.objects.create(team=team, email=email, reason=reason, **(values | fields))


class TestDecisionsInBetween:
    def test_who_was_dismissed_a_moment_ago_is_not_removed(self) -> None:
        finding = a_finding(a_team())
        findings.dismiss(finding_id=finding.pk, actor=OLGA)
        assert removal.remove(finding, sweep_id=None, now=timezone.now()) is None
        assert not Departure.objects.exists()
        assert Finding.objects.get().state == State.DISMISSED

    @pytest.mark.parametrize(("decided_by", "state"), [("", State.OPEN), ("olga", State.APPROVED)])
    def test_one_interrupted_before_its_departure_is_taken_up_again(self, decided_by: str, state: State) -> None:
        finding = a_finding(a_team(), state=State.REMOVING, decided_by=decided_by)
        see_again(finding)
        finding.refresh_from_db()
        assert finding.state == state

    def test_a_deed_by_hand_is_not_called_off_with_the_guardian(self, sandbox: SandboxServer, team: Team) -> None:
        grant = a_joined(sandbox, team, ANA, ends_at=timezone.now() + LATE)
        sandbox.fault("remove", "busy_409", times=0)
        look(sandbox)
        seat.take_back(redemption_id=grant.redemption_id, actor=OLGA)
        mode.disable(actor=OLGA)
        departure = Departure.objects.get()
        assert (departure.state, departure.reason) == ("open", "taken_back")
        sandbox.clear_faults()
        pass_time(sandbox, 400)
        reconcile()
        assert people_of(sandbox, team) == set()

    def test_a_stranger_removed_by_hand_is_not_called_off_either(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.member(team.account_id, SAM, lag=0)
        sync_team(team_id=team.pk)
        departure = a_departure(team)
        a_finding(team, state=State.REMOVING, departure=departure)
        outsiders.remove(member_id=Member.objects.get(email=SAM).pk, actor=OLGA)
        mode.disable(actor=OLGA)
        departure.refresh_from_db()
        assert departure.state == DepartureState.OPEN

    @pytest.mark.parametrize("why", ["off", "outside the hours"])
    def test_a_seat_that_is_over_removed_by_hand_is_not_called_off_either(
        self, sandbox: SandboxServer, team: Team, why: str
    ) -> None:
        grant = a_joined(sandbox, team, ANA, ends_at=timezone.now() + LATE)
        sync_team(team_id=team.pk)
        mode.disable(actor=OLGA)
        overdue.remove(grant_id=grant.pk, actor=OLGA)
        sandbox.fault("members", "503_json", times=0)
        departure = Departure.objects.get()
        assert not carry_out(departure_id=departure.pk)
        if why == "off":
            mode.settle()
        else:
            mode.rest()
        sandbox.clear_faults()
        pass_time(sandbox, 60)
        reconcile()
        assert people_of(sandbox, team) == set()

    def test_switching_on_lets_nobody_stay_whom_a_person_removes(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.member(team.account_id, SAM, lag=0)
        sync_team(team_id=team.pk)
        departure = outsiders.remove(member_id=Member.objects.get(email=SAM).pk, actor=OLGA)
        assert mode.enable(actor=OLGA) == 0
        assert carry_out(departure_id=departure.pk)
        assert people_of(sandbox, team) == set()

    def test_nor_when_the_list_hides_the_address(self) -> None:
        team = a_team()
        member = a_member(team, "", role="standard-user")
        outsiders.remove(member_id=member.pk, actor=OLGA)
        assert mode.enable(actor=OLGA) == 0

    @pytest.mark.parametrize(("is_automatic", "why"), [(True, ALLOWED), (False, "")])
    def test_a_baseline_stops_the_guardian_and_not_a_person(self, is_automatic: bool, why: str) -> None:
        departure = a_departure(a_team(), is_automatic=is_automatic)
        AllowedMember.objects.create(team=departure.team, email=SAM, origin="baseline")
        assert why_stay(departure, timezone.now()) == why

    def test_whoever_was_baseline_and_is_allowed_then_stays(self) -> None:
        departure = a_departure(a_team(), is_automatic=False)
        AllowedMember.objects.create(team=departure.team, email=SAM, origin="baseline")
        allowed = outsiders.allow(team=departure.team, email=SAM, actor=OLGA)
        assert why_stay(departure, timezone.now()) == ALLOWED
        allowed.refresh_from_db()
        assert (allowed.origin, allowed.added_by) == ("operator", "olga")
        assert AuditEvent.objects.filter(action="person_allowed").count() == 1

    @pytest.mark.parametrize("is_automatic", [True, False])
    def test_a_redemption_under_way_stops_the_guardian_and_not_a_person(self, is_automatic: bool) -> None:
        a_redemption(SAM)
        departure = a_departure(a_team(), is_automatic=is_automatic)
        assert (why_stay(departure, timezone.now()) == UNDER_WAY) is is_automatic

    def test_a_duplicate_whose_other_seat_is_not_sure_stays(self) -> None:
        a_grant(a_redemption(SAM), GrantState.INVITED)
        assert why_stay(a_departure(a_team(), reason="duplicate"), timezone.now()) == OTHER_SEAT_UNSURE


class TestSettingsInBetween:
    @pytest.mark.parametrize("change", [{settings.ENABLED.key: "off"}, {settings.MODE.key: "report"}])
    def test_what_changes_while_it_looks_counts_when_it_acts(
        self, sandbox: SandboxServer, team: Team, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
    ) -> None:
        sandbox.member(team.account_id, SAM, lag=0)
        look(sandbox, 2, apart=200)
        real = reading.sync_team

        def slow(*, team_id: int) -> Any:
            runtime.change(change, actor=OLGA)
            return real(team_id=team_id)

        monkeypatch.setattr(reading, "sync_team", slow)
        look(sandbox)
        assert people_of(sandbox, team) == {SAM}
        assert not Departure.objects.exists()

    def test_what_changes_while_it_acts_stops_the_rest(
        self, sandbox: SandboxServer, team: Team, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for email in (ANA, SAM):
            a_joined(sandbox, team, email, ends_at=timezone.now() + LATE)
        real = sweep.carry_out

        def slow(*, departure_id: int) -> bool:
            done = real(departure_id=departure_id)
            runtime.change({settings.ENABLED.key: "off"}, actor=OLGA)
            return done

        monkeypatch.setattr(sweep, "carry_out", slow)
        look(sandbox)
        assert len(people_of(sandbox, team)) == 1

    def test_a_removal_in_a_team_nobody_looks_at_is_called_off_too(self, team: Team) -> None:
        departure = a_departure(team)
        a_finding(team, state=State.GONE, departure=departure, closed_at=timezone.now())
        mode.disable(actor=OLGA)
        departure.refresh_from_db()
        assert departure.state == DepartureState.DROPPED

    def test_what_was_not_done_in_its_hours_waits_for_the_next(self, sandbox: SandboxServer, team: Team) -> None:
        a_joined(sandbox, team, ANA, ends_at=timezone.now() + LATE)
        sandbox.fault("remove", "busy_409", times=0)
        look(sandbox)
        sandbox.clear_faults()
        hour = timezone.localtime().hour
        runtime.change(
            {settings.ACTIVE_FROM.key: f"{(hour + 2) % 24}:00", settings.ACTIVE_UNTIL.key: f"{(hour + 4) % 24}:00"},
            actor=OLGA,
        )
        assert not sweep.run_due()
        pass_time(sandbox, 400)
        reconcile()
        assert people_of(sandbox, team) == {ANA}
        assert Departure.objects.get().last_problem == OUT_OF_HOURS
        runtime.change({settings.ACTIVE_FROM.key: "00:00", settings.ACTIVE_UNTIL.key: "00:00"}, actor=OLGA)
        look(sandbox)
        assert people_of(sandbox, team) == set()

    def test_the_reconciler_keeps_its_hours_as_well(
        self, sandbox: SandboxServer, team: Team, time_machine: Any
    ) -> None:
        """Closing time comes between the departure and its call, and before the next beat."""
        for email in (ANA, SAM):
            a_joined(sandbox, team, email, ends_at=timezone.now() + LATE)
        finding = a_finding(team, email="zoe@example.com", state=State.APPROVED, decided_by="olga")
        sandbox.member(team.account_id, finding.email, lag=0)
        sandbox.fault("remove", "busy_409", times=0)
        opening, closing = (timezone.localtime() + timedelta(minutes=minutes) for minutes in (-60, 2))
        hours = {settings.ACTIVE_FROM.key: f"{opening:%H:%M}", settings.ACTIVE_UNTIL.key: f"{closing:%H:%M}"}
        runtime.change(hours, actor=OLGA)
        assert not sweep.run_due()
        assert Departure.objects.filter(state="open").count() == 3
        sandbox.clear_faults()
        time_machine.move_to(timezone.now() + timedelta(minutes=3))
        reconcile()
        assert people_of(sandbox, team) == {ANA, SAM}, "what a person decided is no matter of hours"
        dropped = Departure.objects.filter(state="dropped")
        assert {one.last_problem for one in dropped} == {OUT_OF_HOURS}
        assert not sweep.run_due()
        assert set(Finding.objects.filter(email__in=(ANA, SAM)).values_list("state", flat=True)) == {State.OPEN}

    def test_nor_does_it_act_on_what_a_look_past_closing_time_found(
        self, sandbox: SandboxServer, team: Team, monkeypatch: pytest.MonkeyPatch, time_machine: Any
    ) -> None:
        """The hours end while it looks, and the worker dies between its choice and its first call."""
        a_joined(sandbox, team, ANA, ends_at=timezone.now() + LATE)
        opening, closing = (timezone.localtime() + timedelta(minutes=minutes) for minutes in (-60, 2))
        hours = {settings.ACTIVE_FROM.key: f"{opening:%H:%M}", settings.ACTIVE_UNTIL.key: f"{closing:%H:%M}"}
        runtime.change(hours, actor=OLGA)
        real = sweep.look

        def slow(*args: Any) -> bool:
            done = real(*args)
            time_machine.move_to(timezone.now() + timedelta(minutes=3))
            return done

        def dies(*args: Any, **options: Any) -> bool:
            raise KeyboardInterrupt

        monkeypatch.setattr(sweep, "look", slow)
        monkeypatch.setattr(sweep, "_act", dies)
        with pytest.raises(KeyboardInterrupt):
            sweep.run_due()
        assert Departure.objects.get().state == "open"
        reconcile()
        assert people_of(sandbox, team) == {ANA}
        assert Departure.objects.get().last_problem == OUT_OF_HOURS

    def test_closing_time_stops_the_rest(
        self, sandbox: SandboxServer, team: Team, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for email in (ANA, SAM):
            a_joined(sandbox, team, email, ends_at=timezone.now() + LATE)
        real = sweep.carry_out

        def slow(*, departure_id: int) -> bool:
            monkeypatch.setattr(sweep, "is_active", lambda _settings: False)
            return real(departure_id=departure_id)

        monkeypatch.setattr(sweep, "carry_out", slow)
        assert not sweep.run_due()
        assert len(people_of(sandbox, team)) == 1
        assert Sweep.objects.get().finished_at is not None
        assert Departure.objects.get(state="dropped").last_problem == OUT_OF_HOURS

    def test_a_sweep_of_a_clock_that_was_wrong_stops_none(self, team: Team) -> None:
        Sweep.objects.create(started_at=timezone.now() + timedelta(days=400), state="done", finished_at=timezone.now())
        assert not sweep.run_due()
        assert Sweep.objects.filter(started_at__lte=timezone.now(), state="done").exists()

    def test_who_lost_its_place_while_looking_judges_nothing(
        self, sandbox: SandboxServer, team: Team, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a_joined(sandbox, team, ANA, ends_at=timezone.now() + LATE)
        monkeypatch.setattr("teampool.leases.Slot.renew", lambda slot: False)
        pass_time(sandbox, 400)
        done = sweep.run_now(is_dry=False)
        assert done is not None
        assert done.finished_at is None
        assert not Finding.objects.exists()


def see_again(finding: Finding) -> None:
    """The next list shows this person as the last one did."""
    now = timezone.now()
    one = Found(Kind(finding.kind), finding.team_id, finding.email, finding.upstream_id, seat_id=finding.grant_id)
    findings.note(found=[one], looked_at={finding.team_id: now}, shown={finding.team_id: Shown()}, now=now)


class TestWhoComesBack:
    def test_a_return_after_a_proven_removal_is_a_new_finding(self) -> None:
        team = a_team()
        done = a_departure(team, state=DepartureState.DONE, closed_at=timezone.now())
        old = a_finding(team, state=State.REMOVING, departure=done)
        see_again(old)
        states = list(Finding.objects.order_by("pk").values_list("state", "sightings"))
        assert states == [(State.REMOVED, 9), (State.OPEN, 1)]

    @pytest.mark.parametrize(
        ("problem", "state"), [("was extended meanwhile", State.OPEN), ("ChatGPT does not permit it", State.FAILED)]
    )
    def test_only_a_refusal_for_good_waits_for_a_person(self, problem: str, state: State) -> None:
        team = a_team()
        dropped = a_departure(team, state=DepartureState.DROPPED, last_problem=problem, closed_at=timezone.now())
        finding = a_finding(team, Kind.OVERDUE, ANA, state=State.REMOVING, departure=dropped)
        see_again(finding)
        finding.refresh_from_db()
        assert finding.state == state

    def test_a_seat_extended_and_over_again_before_the_next_look_is_ended(
        self, sandbox: SandboxServer, team: Team
    ) -> None:
        grant = a_joined(sandbox, team, ANA, ends_at=timezone.now() + LATE)
        sandbox.fault("remove", "busy_409", times=0)
        look(sandbox)
        sandbox.clear_faults()
        seat.set_end(redemption_id=grant.redemption_id, ends_at=timezone.now() + HOUR, actor=OLGA)
        pass_time(sandbox, 60)
        reconcile()
        pass_time(sandbox, 2 * HOUR.total_seconds())
        look(sandbox, 3)
        assert people_of(sandbox, team) == set()


class TestAnotherName:
    def test_a_baseline_person_known_by_id_is_not_taken_for_the_invited_address(
        self, sandbox: SandboxServer, team: Team
    ) -> None:
        """Their address was hidden: an invitation to it was a stranger's, until they are seen to be that very one."""
        user_id = sandbox.member(team.account_id, SAM, lag=0)["user_id"]
        AllowedMember.objects.create(team=team, upstream_user_id=user_id, origin="baseline")
        departure = a_departure(team)
        assert not carry_out(departure_id=departure.pk)
        assert people_of(sandbox, team) == {SAM}

    def test_somebody_seated_under_another_address_is_not_removed(self, sandbox: SandboxServer, team: Team) -> None:
        a_joined(sandbox, team, ANA)
        sync_team(team_id=team.pk)
        user_id = Member.objects.get(email=ANA).upstream_id
        departure = a_departure(team, upstream_user_id=user_id)
        assert not carry_out(departure_id=departure.pk)
        assert people_of(sandbox, team) == {ANA}

    def test_a_duplicate_known_by_id_only_is_removed(self) -> None:
        there, here = a_team(held=1), a_team()
        a_grant(a_redemption(), GrantState.JOINED, team=there, upstream_user_id="user-ana")
        departure = opening.open_automatic(
            team_id=here.pk,
            email="another@example.com",
            upstream_user_id="user-ana",
            reason=DepartureReason.DUPLICATE,
            grant_id=None,
            evidence={},
            now=timezone.now(),
            actor=OLGA,
        )
        assert departure is not None


class TestOverAndAllowed:
    def test_the_claim_ends_and_the_person_stays(self, sandbox: SandboxServer, team: Team) -> None:
        grant = a_joined(sandbox, team, ANA, ends_at=timezone.now() + LATE)
        outsiders.allow(team=team, email=ANA, actor=OLGA)
        look(sandbox, 3)
        grant.refresh_from_db()
        team.refresh_from_db()
        assert (grant.state, grant.redemption.state) == (GrantState.ENDED, "ended")
        assert (team.seats_held, team.outsiders) == (0, 1)
        assert people_of(sandbox, team) == {ANA}
        assert Finding.objects.count() == 1
        check_books()


class TestHiddenAndOver:
    def test_the_seat_ends_and_nobody_is_removed(self, sandbox: SandboxServer, team: Team) -> None:
        """Accepted with the e-mail hidden, so that no list ever gave the person's id."""
        sandbox.invite_from_web(team.account_id, ANA)
        grant = a_grant(a_redemption(ends_at=timezone.now() + LATE), GrantState.VERIFIED, team=team)
        Team.objects.filter(pk=team.pk).update(seats_held=1)
        sandbox.accept(team.account_id, ANA, hide_email=True, lag=0)
        look(sandbox, 5)
        grant.refresh_from_db()
        team.refresh_from_db()
        assert (grant.state, grant.redemption.state) == (GrantState.ENDED, "ended")
        assert (team.seats_held, team.outsiders) == (0, 1)
        assert people_of(sandbox, team) == {ANA}
        assert Departure.objects.get().last_problem == HIDDEN
        check_books()


class TestOtherDeedsOnTheSeat:
    def an_unanswered(self, sandbox: SandboxServer, team: Team) -> SeatGrant:
        """Sent to Ana; the answer was lost, and the lists do not show it yet."""
        sent = timezone.now() - timedelta(minutes=5)
        grant = a_grant(a_redemption(), GrantState.INVITING, team=team, sends=1, sent_at=sent, due_at=sent)
        Team.objects.filter(pk=team.pk).update(seats_held=1)
        return grant

    def test_nothing_is_sent_to_somebody_who_is_to_leave(self, sandbox: SandboxServer, team: Team) -> None:
        grant = self.an_unanswered(sandbox, team)
        seat.take_back(redemption_id=grant.redemption_id, actor=OLGA)
        deliver()
        assert people_of(sandbox, team) == set()
        assert SeatGrant.objects.get().sends == 1

    @pytest.mark.parametrize("state", [GrantState.INVITED, GrantState.VERIFIED])
    def test_no_mail_is_sent_again_either(self, sandbox: SandboxServer, team: Team, state: GrantState) -> None:
        redemption = a_redemption(resend_wanted_at=timezone.now())
        a_grant(redemption, state, team=team, due_at=timezone.now())
        seat.take_back(redemption_id=redemption.pk, actor=OLGA)
        deliver()
        assert people_of(sandbox, team) == set()

    def test_an_unanswered_invitation_is_revoked(self, sandbox: SandboxServer, team: Team) -> None:
        grant = self.an_unanswered(sandbox, team)
        sandbox.set_workspace(team.account_id, list_lag_seconds=600)
        sandbox.invite_from_web(team.account_id, ANA)
        seat.take_back(redemption_id=grant.redemption_id, actor=OLGA)
        reconcile()
        assert people_of(sandbox, team) == set()

    def test_nobody_is_told_while_the_invitation_is_being_sent(self, sandbox: SandboxServer, team: Team) -> None:
        grant = self.an_unanswered(sandbox, team)
        SeatGrant.objects.update(lease_until=timezone.now() + timedelta(seconds=60))
        seat.take_back(redemption_id=grant.redemption_id, actor=OLGA)
        reconcile()
        assert Departure.objects.get().told_at is None
        pass_time(sandbox, 61)
        reconcile()
        assert Departure.objects.get().told_at is not None

    def test_whoever_accepts_before_the_invitation_is_reclaimed_stays(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.invite_from_web(team.account_id, ANA)
        grant = a_grant(a_redemption(), GrantState.VERIFIED, team=team)
        Team.objects.filter(pk=team.pk).update(seats_held=1)
        seat.withdraw(redemption_id=grant.redemption_id, actor=OLGA, reason=DepartureReason.RECLAIMED)
        sandbox.accept(team.account_id, ANA)
        reconcile()
        assert people_of(sandbox, team) == {ANA}
        assert Departure.objects.get().state == DepartureState.DROPPED

    def test_an_invitation_of_somebody_allowed_is_reclaimed_all_the_same(self) -> None:
        AllowedMember.objects.create(email=ANA, origin="operator")
        grant = a_grant(a_redemption(), GrantState.VERIFIED)
        assert why_stay(a_departure(grant.team, ANA, "reclaimed", grant=grant), timezone.now()) == ""

    def test_a_seat_upstream_was_told_to_end_cannot_be_extended(self, sandbox: SandboxServer, team: Team) -> None:
        grant = a_joined(sandbox, team, ANA, ends_at=timezone.now() + LATE)
        look(sandbox)
        with pytest.raises(seat.Refused, match="leaving"):
            seat.set_end(redemption_id=grant.redemption_id, ends_at=None, actor=OLGA)

    @pytest.mark.parametrize(("deed", "state"), [(seat.take_back, "ended"), (seat.withdraw, "refused")])
    def test_what_was_taken_back_is_not_given_again_when_the_team_is_lost(self, deed: Any, state: str) -> None:
        lost = a_team(held=1)
        a_team()
        grant = a_grant(a_redemption(), GrantState.VERIFIED, team=lost)
        deed(redemption_id=grant.redemption_id, actor=OLGA)
        Team.objects.filter(pk=lost.pk).update(workspace_state=Team.Workspace.SUSPENDED)
        leave_dead_team(grant=SeatGrant.objects.get(), now=timezone.now(), actor=OLGA)
        reconcile()
        assert Redemption.objects.get().state == state
        assert not SeatGrant.objects.live().exists()
