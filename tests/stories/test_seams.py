"""Seams between the parts: each of these once let something slip through."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from base.actors import Actor
from invites.delivery import deliver as delivery
from invites.delivery import settle
from invites.delivery.deciding import Step, Unreadable, next_step
from invites.delivery.drain import claim_next, deliver
from invites.delivery.look import Look
from invites.departures import carry_out, opening
from invites.following.follow import follow
from invites.following.sync import sync_team
from invites.models import Departure, Redemption, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming import errors
from invites.redeeming.redeem import redeem
from invites.seats import moves, timing
from invites.states import GrantState, RedemptionState
from notifications.models import AuditEvent
from sandbox.server import SandboxServer
from teampool.access import Access
from teampool.models import AllowedMember, Member, Owner, Team
from teampool.settings import WRITES_PER_TEAM
from teampool.snapshot import fetch_lists
from tests.cast import ANA, SAM, a_code, a_team, import_sandbox_team, run_together
from tests.invites.clock import pass_time
from tests.invites.following.test_follow import a_member, a_snapshot, an_invite
from tests.invites.invariants import check_books

pytestmark = pytest.mark.django_db(transaction=True)
JOB = Actor("job", "test")


def the_grant(email: str = ANA) -> SeatGrant:
    return SeatGrant.objects.filter(email=email).latest("pk")


def posts(sandbox: SandboxServer, email: str = ANA) -> list[dict[str, Any]]:
    return [row for row in sandbox.log() if row["op"] == "invite" and email in str(row["body"])]


# A seat given back twice


def test_it_gives_a_seat_in_a_lost_team_back_once() -> None:
    lost = a_team()
    redeem(email=ANA, code=a_code(team=lost).code)
    redeem(email=SAM, code=a_code(team=lost).code)
    SeatGrant.objects.update(state=GrantState.JOINED, joined_at=timezone.now(), sends=1)
    Team.objects.filter(pk=lost.pk).update(workspace_state="suspended")
    ana = the_grant()
    for _ in range(2):  # two workers, or a double click
        opening.leave_dead_team(grant=ana, now=timezone.now(), actor=JOB)
    check_books()


def test_through_the_form_a_double_click(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = a_team()
    redeem(email=ANA, code=a_code(team=lost, seat_time=timedelta(hours=1)).code)
    redeem(email=SAM, code=a_code(team=lost).code)
    SeatGrant.objects.update(state=GrantState.JOINED, joined_at=timezone.now(), sends=1)
    Redemption.objects.filter(email=ANA).update(ends_at=timezone.now() - timedelta(minutes=1))
    Team.objects.filter(pk=lost.pk).update(workspace_state="suspended")
    a_team()
    code = a_code().code
    gate = threading.Barrier(2)
    leave = opening.leave_dead_team

    def both(**kwargs: Any) -> bool:
        gate.wait(10)
        return leave(**kwargs)

    monkeypatch.setattr("invites.departures.opening.leave_dead_team", both)
    run_together(*(lambda: redeem(email=ANA, code=code) for _ in range(2)))
    check_books()


# 24 hours unreadable: never fails over


def test_it_moves_on_from_a_team_unreadable_for_a_day(sandbox: SandboxServer) -> None:
    bad = import_sandbox_team(sandbox, last_invite_at=timezone.now())
    good = import_sandbox_team(sandbox)
    sandbox.fault(op="invites", account_id=bad.account_id, action={"preset": "500"}, times=0)
    redeem(email=ANA, code=a_code().code)
    deliver()
    assert the_grant().team == bad
    for _ in range(30):
        pass_time(3600)
        sync_team(team_id=good.pk)
        deliver()
    for _ in range(3):
        reconcile()
        deliver()
    assert (the_grant().team, the_grant().state) == (good, GrantState.VERIFIED)


# Follow takes a revoked invite that lags in the list for a listed one


def test_a_look_before_the_revoke_written_after_it_does_not_spend_the_code(sandbox: SandboxServer) -> None:
    bad = import_sandbox_team(sandbox, last_invite_at=timezone.now())
    good = import_sandbox_team(sandbox)
    sandbox.lag(seconds=400)
    for preset in ("500", "500", "500_after"):
        sandbox.fault(op="invite", account_id=bad.account_id, action={"preset": preset})
    sandbox.fault(op="revoke", action={"preset": "gone_404"})  # not there yet, as far as upstream can see
    code = a_code()
    redeem(email=ANA, code=code.code)

    def later(seconds: float) -> None:
        pass_time(seconds)
        sandbox.advance(seconds=seconds)

    for _ in range(3):
        deliver()
        later(65)
    deliver()  # absent for 60 s after the third send: revokes
    assert the_grant().leaving_since is not None
    later(905)  # now it is listed after all
    team = Team.objects.select_related("owner").get(pk=bad.pk)
    with Access(team, actor=JOB) as access:
        snapshot = access.ask(fetch_lists)
    deliver()  # revokes again, for good
    assert [row["op"] for row in sandbox.log()].count("revoke") == 2
    follow(team_id=bad.pk, snapshot=snapshot)
    sandbox.lag(seconds=0)
    for _ in range(8):
        later(500)
        sync_team(team_id=bad.pk)
        sync_team(team_id=good.pk)
        deliver()
        reconcile()
    code.refresh_from_db()
    assert Redemption.objects.get().state == RedemptionState.OPEN, "the code is spent and nobody is in"
    assert (the_grant().team, the_grant().state) == (good, GrantState.VERIFIED)


def test_short() -> None:
    team = a_team()
    redeem(email=ANA, code=a_code().code)
    ago = timezone.now() - timedelta(minutes=5)
    SeatGrant.objects.update(
        state="inviting", sends=3, sent_at=ago, created_at=ago, leaving_since=ago, leave_as="never_listed"
    )
    Owner.objects.update(upstream_user_id="user-omar")
    follow(team_id=team.pk, snapshot=a_snapshot(an_invite(ANA)))
    assert the_grant().state == GrantState.INVITING


# A hidden stranger disappears behind a seat that was never sent


def test_a_hidden_outsider_still_counts_beside_a_seat_never_sent() -> None:
    team = a_team(seats=2)
    Owner.objects.update(upstream_user_id="user-omar")
    follow(team_id=team.pk, snapshot=a_snapshot(a_member(None, "user-h"), entitled=3))
    team.refresh_from_db()
    assert team.outsiders == 1
    redeem(email=ANA, code=a_code().code)  # 2 of 2
    follow(team_id=team.pk, snapshot=a_snapshot(a_member(None, "user-h"), entitled=3))
    with pytest.raises(errors.NoSeat):
        redeem(email=SAM, code=a_code().code)


# A late worker ends a confirmed seat


def test_a_stale_worker_does_not_end_a_seat_confirmed_meanwhile() -> None:
    a_team()
    redeem(email=ANA, code=a_code().code)
    long_ago = timezone.now() - timedelta(hours=25)
    SeatGrant.objects.update(
        state=GrantState.INVITED, invited_at=long_ago, sends=1, unreadable_since=long_ago, attempts=4
    )
    stale = SeatGrant.objects.select_related("team__owner", "redemption").get()  # its read is under way, and fails
    SeatGrant.objects.update(state=GrantState.JOINED, joined_at=timezone.now())  # the sync saw the person
    assert next_step(stale, Unreadable(is_team_lost=False), now=timezone.now()) is Step.LEAVE
    settle.given_up(stale, now=timezone.now(), actor=JOB)
    assert the_grant().state == GrantState.JOINED
    assert not Departure.objects.exists(), "a member would be removed"


# A drain that cannot do anything rings itself for ever


def test_it_does_not_ring_again_when_all_that_is_due_waits_for_a_busy_team() -> None:
    team = a_team(seats=30)
    for n in range(12):
        redeem(email=f"p{n}@example.com", code=a_code().code)
    busy = SeatGrant.objects.order_by("pk")[:2].values_list("pk", flat=True)
    SeatGrant.objects.filter(pk__in=list(busy)).update(
        state=GrantState.INVITING, lease_until=timezone.now() + timedelta(seconds=90)
    )
    OrmQ.objects.all().delete()
    assert deliver() == 0
    assert team.pk
    assert OrmQ.objects.count() == 0, "this bell leads to the same drain at once, and that one rings again"


# One busy Team starves the others


def test_a_long_queue_for_one_team_does_not_starve_another() -> None:
    full = a_team(seats=80, last_invite_at=timezone.now())
    for n in range(70):
        redeem(email=f"p{n}@example.com", code=a_code(team=full).code)
    other = a_team()
    redeem(email=ANA, code=a_code(team=other).code)
    busy = SeatGrant.objects.order_by("pk")[:2].values_list("pk", flat=True)
    SeatGrant.objects.filter(pk__in=list(busy)).update(
        state=GrantState.INVITING, lease_until=timezone.now() + timedelta(seconds=90)
    )
    claimed, _left = claim_next(WRITES_PER_TEAM.get())
    assert claimed is not None
    assert claimed.email == ANA


# Cool-down is not honoured by what is due already


def test_it_sends_nothing_to_a_team_that_cools_down(sandbox: SandboxServer) -> None:
    import_sandbox_team(sandbox)
    sandbox.fault(op="invite", action={"preset": "429_retry_60"}, times=0)
    for n in range(4):
        redeem(email=f"p{n}@example.com", code=a_code().code)
    grants = iter(range(4))
    while next(grants, None) is not None:
        claimed, _left = claim_next(WRITES_PER_TEAM.get())
        if claimed is not None:
            delivery.work(claimed)
    assert len([row for row in sandbox.log() if row["op"] == "invite"]) == 1


# Unknown 401 keeps a person in one Team for ever


def test_it_does_not_knock_at_one_team_for_ever(sandbox: SandboxServer) -> None:
    bad = import_sandbox_team(sandbox, last_invite_at=timezone.now())
    good = import_sandbox_team(sandbox)
    sandbox.fault(op="invite", account_id=bad.account_id, action={"preset": "unknown_401"}, times=0)
    redeem(email=ANA, code=a_code().code)
    for _ in range(30):
        deliver()
        pass_time(310)
        Team.objects.filter(pk=good.pk).update(
            snapshot_started_at=timezone.now(), opened_at=timezone.now() - timedelta(1)
        )
    assert the_grant().team == good


# A member whose e-mail is hidden, known by id, makes every look worthless


def test_a_hidden_member_known_by_id_does_not_block_the_next_person(sandbox: SandboxServer) -> None:
    team = import_sandbox_team(sandbox)
    redeem(email=SAM, code=a_code().code)
    deliver()
    sandbox.accept(account_id=team.account_id, email=SAM)
    pass_time(20)
    deliver()
    assert the_grant(SAM).upstream_user_id
    sandbox.member(account_id=team.account_id, email=SAM, hide_email=True)
    sandbox.fault(op="invite", action={"preset": "500"})
    redeem(email=ANA, code=a_code().code)
    for _ in range(10):
        deliver()
        pass_time(310)
    assert the_grant(ANA).state == GrantState.VERIFIED


# Upstream says "already a member", the row is hidden: the person gets a second Team


def test_it_does_not_leave_a_team_that_says_the_person_is_in(sandbox: SandboxServer) -> None:
    team = import_sandbox_team(sandbox, last_invite_at=timezone.now())
    import_sandbox_team(sandbox)
    row = sandbox.member(account_id=team.account_id, email=ANA, hide_email=True)
    user_id = row.get("user_id") or row.get("id")
    AllowedMember.objects.create(team=team, upstream_user_id=user_id, origin="baseline")
    sync_team(team_id=team.pk)
    redeem(email=ANA, code=a_code().code)
    for _ in range(12):
        deliver()
        reconcile()
        pass_time(500)
    where = [
        w["account_id"]
        for w in sandbox.dump()["workspaces"]
        for p in (*w["members"], *w["invites"])
        if p["email"] == ANA
    ]
    assert len(where) == 1, where


# Overdue


@pytest.mark.parametrize("state", [GrantState.RESERVED, GrantState.INVITING])
def test_an_overdue_person_not_yet_invited_again_may_bring_a_new_code(state: str) -> None:
    a_team()
    old = redeem(email=ANA, code=a_code(seat_time=timedelta(hours=1)).code)
    # A re-seat: the end carried over from the Team before.
    Redemption.objects.filter(pk=old.pk).update(ends_at=timezone.now() - timedelta(minutes=1))
    SeatGrant.objects.update(state=state)
    assert redeem(email=ANA, code=a_code().code).state == RedemptionState.OPEN


def test_a_third_code_of_somebody_who_waits_is_answered_already() -> None:
    team, other = a_team(), a_team()
    old = redeem(email=ANA, code=a_code(team=team, seat_time=timedelta(hours=1)).code)
    Redemption.objects.filter(pk=old.pk).update(ends_at=timezone.now())
    SeatGrant.objects.update(state=GrantState.JOINED, joined_at=timezone.now())
    waiting = redeem(email=ANA, code=a_code(team=other).code)
    answer = redeem(email=ANA, code=a_code().code)
    assert (answer.state, answer.seated_by) == ("already", waiting)


# Departures


def test_a_departure_known_by_id_is_confirmed_beside_a_hidden_row() -> None:
    team = a_team()
    Owner.objects.update(upstream_user_id="user-omar")
    told = timezone.now() - timedelta(minutes=5)
    Departure.objects.create(
        team=team, email=ANA, upstream_user_id="user-ana", reason="overdue", told_at=told, opened_at=told
    )
    follow(team_id=team.pk, snapshot=a_snapshot(a_member(None, "user-h")))
    assert Departure.objects.get().state == "done"


def test_someone_allowed_meanwhile_is_not_removed(sandbox: SandboxServer) -> None:
    team = import_sandbox_team(sandbox)
    sandbox.member(account_id=team.account_id, email=ANA)
    Departure.objects.create(team=team, email=ANA, reason="team_gone", due_at=timezone.now())
    AllowedMember.objects.create(team=team, email=ANA, origin="operator")
    reconcile()
    assert [m["email"] for m in sandbox.dump()["workspaces"][0]["members"] if m["email"] == ANA] == [ANA]


def test_a_refused_removal_is_not_asked_for_every_five_minutes_for_ever(sandbox: SandboxServer) -> None:
    team = import_sandbox_team(sandbox)
    sandbox.member(account_id=team.account_id, email=ANA)
    sandbox.fault(op="remove", action={"preset": "forbidden_403"}, times=0)
    Departure.objects.create(team=team, email=ANA, reason="overdue", due_at=timezone.now())
    for _ in range(30):
        pass_time(310)
        reconcile()
    assert len([row for row in sandbox.log() if row["op"] == "remove"]) <= 5


def test_the_operator_hears_of_a_person_who_waits_without_a_seat() -> None:
    team = a_team(token_state="expired")
    Departure.objects.create(team=team, email=ANA, reason="overdue", due_at=timezone.now() + timedelta(days=9))
    a_team()
    redeem(email=ANA, code=a_code().code)
    for _ in range(3):
        pass_time(3600)
        reconcile()
    assert AuditEvent.objects.filter(action="invite_unresolved").exists()


# A claim that ended between its commit and its reload


def test_an_ended_seat_is_never_moved_again() -> None:
    a_team()
    redeem(email=ANA, code=a_code().code)
    grant = the_grant()
    moves.leave(grant, GrantState.CANCELLED, reason="x", now=timezone.now(), actor=JOB)
    assert not moves.advance(the_grant(), GrantState.VERIFIED, now=timezone.now(), actor=JOB)
    check_books()


# An absence is forgotten when a look in between shows the person


def test_a_look_in_between_forgets_an_absence() -> None:
    team = a_team()
    Owner.objects.update(upstream_user_id="user-omar")
    redeem(email=ANA, code=a_code().code)
    ago = timezone.now() - timedelta(hours=1)
    SeatGrant.objects.update(state="verified", created_at=ago, verified_at=ago, sends=1)
    start = timezone.now()
    follow(team_id=team.pk, snapshot=a_snapshot(at=start))
    grant = SeatGrant.objects.select_related("redemption", "team__owner").get()
    at = start + timedelta(minutes=10)
    settle.found(grant, Look(at, True, Member.Kind.INVITE), now=at, actor=JOB)
    follow(team_id=team.pk, snapshot=a_snapshot(at=start + timedelta(minutes=16)))
    assert the_grant().state == GrantState.VERIFIED


# What a later look at the same seams found


def test_a_seat_given_up_unread_is_not_sold_again(sandbox: SandboxServer) -> None:
    bad = import_sandbox_team(sandbox, seats=1)
    sandbox.fault(op="invites", account_id=bad.account_id, action={"preset": "500"}, times=0)
    redeem(email=ANA, code=a_code().code)
    deliver()
    SeatGrant.objects.update(unreadable_since=timezone.now() - timedelta(hours=25), due_at=timezone.now())
    deliver()  # given up here; upstream has the invite
    assert not SeatGrant.objects.live().exists()
    with pytest.raises(errors.NoSeat):
        redeem(email=SAM, code=a_code().code)


def test_a_new_code_during_the_removal_does_not_seat_whom_it_removes(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Team returned; what a lost seat left behind there is being removed, and the person brings a new code."""
    team = import_sandbox_team(sandbox)
    import_sandbox_team(sandbox)
    sandbox.member(account_id=team.account_id, email=ANA)
    sync_team(team_id=team.pk)
    Departure.objects.create(team=team, email=ANA, reason="team_gone", due_at=timezone.now())
    look = carry_out._last_look

    def look_then_redeem(*args: Any) -> bool:
        may_go = look(*args)
        redeem(email=ANA, code=a_code().code)
        deliver()
        return may_go

    monkeypatch.setattr(carry_out, "_last_look", look_then_redeem)
    reconcile()
    gone = [row for row in sandbox.log() if row["op"] == "remove"]
    assert not (gone and SeatGrant.objects.live().filter(team=team).exists()), "a seated member was removed"


def test_a_drain_whose_time_is_up_leaves_one_bell(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(6):
        import_sandbox_team(sandbox)
    for n in range(20):
        redeem(email=f"p{n}@example.com", code=a_code().code)
    sandbox.set_latency(0.2)
    monkeypatch.setattr(timing, "DRAIN", timedelta(seconds=0.3))
    OrmQ.objects.all().delete()
    deliver()
    assert SeatGrant.objects.due(timezone.now()).exists()
    due = OrmQ.objects.filter(lock__lte=timezone.now())
    assert [row.task["func"] for row in due].count("invites.tasks.deliver") == 1
