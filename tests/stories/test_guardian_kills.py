"""A sweep killed at every step, and sweeps racing with people, in real processes."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from guardian import mode, settings
from guardian.models import Finding, Sweep
from guardian.rules.states import State
from guardian.sweeping import sweep
from invites.delivery.drain import deliver
from invites.following.sync import sync
from invites.models import Departure, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming.redeem import redeem
from invites.states import GrantState
from sandbox.server import SandboxServer
from teampool.models import JobLease, Team
from tests.cast import ANA, SAM, a_code, import_sandbox_team
from tests.guardian.clock import pass_time
from tests.guardian.pool import HOUR, OLGA, configure
from tests.invites.invariants import check_books
from tests.stories.test_guardian_safety import a_joined, people_of
from tests.stories.test_kills import EACH_PART, PARTS, dies_at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow(10)]


def enforce() -> None:
    configure()
    mode.enable(actor=OLGA)
    mode.set_mode(mode=settings.ENFORCE, would_go=0, actor=OLGA)


def holder_is_dead() -> None:
    JobLease.objects.update(until=timezone.now() - timedelta(seconds=1))
    Team.objects.update(sync_lease_until=None)


@EACH_PART
def test_killed_at_any_step_it_goes_on_and_removes_exactly_whom_it_should(sandbox: SandboxServer, part: int) -> None:
    """A stranger and one whose time is over leave, Ana stays; SIGKILL at step 1, 4, 7 …, then as a new worker would."""
    # Room for the places of everyone who leaves: each waits for a read of the seats.
    team, other = import_sandbox_team(sandbox, seats=60), import_sandbox_team(sandbox)
    a_joined(sandbox, team, ANA)
    sync(team_ids=[team.pk, other.pk])
    enforce()
    configure(max_removals_per_72h=100)
    for step in range(1 + part, 400, PARTS):
        late = f"late{step}@example.com"
        sandbox.member(team.account_id, SAM, lag=0)
        a_joined(sandbox, team, late, ends_at=timezone.now() - HOUR)
        was_killed = False
        for _ in range(2):
            pass_time(sandbox, 200)
            Finding.objects.filter(kind="stranger").update(first_seen_at=timezone.now() - HOUR, sightings=5)
            was_killed |= dies_at(step, sweep.run_due)
            holder_is_dead()
            check_books()
            assert ANA in people_of(sandbox, team)
        for _ in range(6):
            pass_time(sandbox, 200)
            sweep.run_due()
            reconcile()
            holder_is_dead()
            if people_of(sandbox, team) == {ANA} and not Departure.objects.filter(state="open").exists():
                break
        assert people_of(sandbox, team) == {ANA}, step
        check_books()
        assert SeatGrant.objects.live().count() == 1
        assert not Finding.objects.filter(state__in=[State.HELD, State.FAILED]).exists()
        assert Departure.objects.filter(state="done", email=late).count() == 1
        if not was_killed:
            assert step > 20, "it ended before it had begun"
            break
    else:
        raise AssertionError("the sweep has no end")


def test_it_never_takes_out_whoever_redeems_at_that_moment(sandbox: SandboxServer) -> None:
    """A sweep in another process removes strangers while each of them redeems a code in this one."""
    team = import_sandbox_team(sandbox, seats=8)
    import_sandbox_team(sandbox, seats=8)
    sync(team_ids=list(Team.objects.values_list("pk", flat=True)))
    enforce()
    configure(max_removals_per_team=20)
    strangers = [f"stranger{n}@example.com" for n in range(6)]
    for email in strangers:
        sandbox.member(team.account_id, email, lag=0)
    sweep.run_now(is_dry=False)
    Finding.objects.update(first_seen_at=timezone.now() - HOUR, sightings=5)
    pass_time(sandbox, 61)
    sandbox.set_latency(0.02)
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            sweep.run_now(is_dry=False)
        finally:
            os._exit(0)
    for email in strangers:
        redeem(email=email, code=a_code().code)
    os.waitpid(child, 0)
    sandbox.set_latency(0)
    for _ in range(12):
        pass_time(sandbox, 70)
        sweep.run_now(is_dry=False)
        reconcile()
        deliver()
    check_books()
    live = {grant.email: grant for grant in SeatGrant.objects.live().select_related("team")}
    assert set(live) == set(strangers)
    for email, grant in live.items():
        assert email in people_of(sandbox, grant.team), f"{email} holds a seat and is not in"
        assert grant.state in (GrantState.VERIFIED, GrantState.JOINED)


def test_two_processes_make_one_sweep(sandbox: SandboxServer) -> None:
    for _ in range(4):
        import_sandbox_team(sandbox)
    enforce()
    sandbox.set_latency(0.1)
    connections.close_all()
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            try:
                sweep.run_due()
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    assert Sweep.objects.count() == 1
    assert Sweep.objects.get().complete == 4


def test_whoever_redeems_anew_while_their_time_is_over_has_a_seat_in_the_end(sandbox: SandboxServer) -> None:
    """The sweep ends four seats in another process while the same four redeem new codes in this one."""
    teams = [import_sandbox_team(sandbox, seats=8) for _ in range(2)]
    late = [f"late{n}@example.com" for n in range(4)]
    old = [a_joined(sandbox, teams[0], email, ends_at=timezone.now() - HOUR).redemption for email in late]
    sync(team_ids=[team.pk for team in teams])
    enforce()
    configure(max_removals_per_team=20)
    pass_time(sandbox, 200)
    sandbox.set_latency(0.02)
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            sweep.run_due()
        finally:
            os._exit(0)
    fresh = [redeem(email=email, code=a_code().code) for email in late]
    os.waitpid(child, 0)
    sandbox.set_latency(0)
    for _ in range(12):
        pass_time(sandbox, 70)
        holder_is_dead()
        sweep.run_due()
        reconcile()
        deliver()
    check_books()
    for before, now in zip(old, fresh, strict=True):
        before.refresh_from_db()
        now.refresh_from_db()
        assert before.state == "ended"
        grant = SeatGrant.objects.live().select_related("team").get(email=now.email)
        assert (now.state, grant.redemption_id) == ("open", now.pk)
        assert now.email in people_of(sandbox, grant.team)
        assert now.code.uses_held == 1
