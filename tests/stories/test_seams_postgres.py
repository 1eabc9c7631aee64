"""Seams that show on PostgreSQL only: rows waited for, and locks kept. Not collected on SQLite (tests/conftest)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from base import threads
from base.actors import Actor
from invites import locking
from invites.actions import outsiders
from invites.departures import closing
from invites.following.follow import follow
from invites.models import Departure, Redemption, SeatGrant
from invites.redeeming.errors import NoSeat
from invites.redeeming.redeem import redeem
from invites.seats import moves, seating
from invites.seats.resend import want_resend
from teampool.login import tokens
from teampool.models import Member, Owner, Team, TeamQuerySet
from teampool.pool import seats
from teampool.teams import health
from teampool.upstream.types import Failure
from tests.cast import ANA, SAM, a_code, a_team, run_together
from tests.invites.following.test_follow import a_snapshot
from tests.invites.rows import a_redemption

pytestmark = pytest.mark.django_db(transaction=True)
JOB = Actor("job", "test")


def test_a_late_refusal_that_waited_for_the_new_token_says_nothing_about_it() -> None:
    team = a_team()
    version = team.owner.credential_version
    locked, go = threading.Event(), threading.Event()

    def store() -> None:
        with transaction.atomic():
            tokens.store_tokens(owner_id=team.owner_id, team_id=team.pk, access_token="new", source="import", actor=JOB)
            locked.set()
            go.wait(10)

    def late() -> None:
        locked.wait(10)
        threading.Timer(0.7, go.set).start()
        expired = Owner.Login.EXPIRED
        tokens.expire_team(
            team_id=team.pk, owner_id=team.owner_id, version=version, login=expired, cause="old", actor=JOB
        )

    run_together(store, late)
    team.refresh_from_db()
    assert (team.access_token, team.token_state) == ("new", "healthy")


def test_the_same_for_the_count_of_failures() -> None:
    team = a_team()
    version = team.owner.credential_version
    locked, go = threading.Event(), threading.Event()

    def store() -> None:
        with transaction.atomic():
            tokens.store_tokens(owner_id=team.owner_id, team_id=team.pk, access_token="new", source="import", actor=JOB)
            locked.set()
            go.wait(10)

    def late() -> None:
        locked.wait(10)
        threading.Timer(0.7, go.set).start()
        health.note_failure(team=team, failure=Failure.USER_DEACTIVATED, version=version, now=timezone.now(), actor=JOB)

    run_together(store, late)
    team.refresh_from_db()
    assert team.token_state == "healthy"


def test_two_strangers_with_codes_for_each_others_team(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = a_team(outsiders=1), a_team(outsiders=1)
    Member.objects.create(team=one, kind="member", upstream_id="user-1", email=ANA)
    Member.objects.create(team=two, kind="member", upstream_id="user-2", email=SAM)
    gate = threading.Barrier(2)
    lock = locking.lock_team

    def both(team_id: int) -> None:
        lock(team_id)
        gate.wait(10)

    monkeypatch.setattr("invites.locking.lock_team", both)
    a, b = a_code(team=two).code, a_code(team=one).code
    results = run_together(lambda: redeem(email=ANA, code=a), lambda: redeem(email=SAM, code=b))
    assert all(isinstance(r, Redemption) for r in results), results


def test_a_team_that_refused_is_left_unlocked() -> None:
    """The last seat of each of two Teams goes while two others, who see them in another order, wait for it."""
    one, two = a_team(seats=1), a_team(seats=1)
    taken = threading.Barrier(3)

    def take_both() -> None:  # somebody else, committing a moment later
        with transaction.atomic():
            assert seats.hold(team_id=one.pk, now=timezone.now())
            assert seats.hold(team_id=two.pk, now=timezone.now())
            taken.wait(10)
            threading.Event().wait(0.7)

    def in_order(first: int, second: int) -> bool:
        taken.wait(10)
        with transaction.atomic():
            got = seats.hold(team_id=first, now=timezone.now())
            waiting_here.wait(10)
            return got or seats.hold(team_id=second, now=timezone.now())

    waiting_here = threading.Barrier(2)
    results = run_together(take_both, lambda: in_order(one.pk, two.pk), lambda: in_order(two.pk, one.pk))
    assert results == [None, False, False]


def test_a_resend_wanted_while_the_sync_ends_the_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    team = a_team()
    Owner.objects.update(upstream_user_id="user-omar")
    redemption = redeem(email=ANA, code=a_code().code)
    ago = timezone.now() - timedelta(hours=1)
    SeatGrant.objects.update(
        state="verified", created_at=ago, invited_at=ago, verified_at=ago, sends=1, absent_since=ago
    )
    ready = threading.Event()
    leave = moves.leave

    def slow_leave(*args: Any, **kwargs: Any) -> bool:
        ready.set()
        threading.Event().wait(0.7)
        return leave(*args, **kwargs)

    monkeypatch.setattr("invites.seats.moves.leave", slow_leave)

    def resend() -> bool:
        ready.wait(10)
        return want_resend(redemption_id=redemption.pk, actor=JOB, now=timezone.now())

    results = run_together(lambda: follow(team_id=team.pk, snapshot=a_snapshot()), resend)
    assert not [r for r in results if isinstance(r, Exception)], results


def while_it_is_written_to(team: Team, deed: Callable[[], Any], *, until: threading.Event | None = None) -> Any:
    """What `deed` did in another thread while this one had the Team's row locked (until then, or to its end)."""
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            locking.lock_team(team.pk)
            locked.set()
            (until or done).wait(10)

    def act() -> Any:
        locked.wait(10)
        try:
            return deed()
        finally:
            done.set()

    return run_together(hold, act)[1]


def test_a_team_somebody_is_writing_to_is_not_waited_for_while_another_has_a_seat() -> None:
    first, second = a_team(), a_team()
    code = a_code()
    while_it_is_written_to(first, lambda: redeem(email=ANA, code=code.code))
    assert SeatGrant.objects.get().team_id == second.pk


def test_it_is_waited_for_where_it_is_the_only_one() -> None:
    team, code = a_team(seats=1), a_code()
    go = threading.Event()
    threading.Timer(0.7, go.set).start()
    while_it_is_written_to(team, lambda: redeem(email=ANA, code=code.code), until=go)
    assert SeatGrant.objects.get().team_id == team.pk


def test_who_comes_alone_gets_the_team_of_choice() -> None:
    now = timezone.now()
    a_team(last_invite_at=now - timedelta(hours=1))
    latest = a_team(last_invite_at=now)
    redeem(email=ANA, code=a_code().code)
    assert SeatGrant.objects.get().team_id == latest.pk


def test_a_claim_that_begins_to_wait_goes_before_a_newcomer_who_waits_for_the_team() -> None:
    team, locked, go = a_team(seats=1), threading.Event(), threading.Event()

    def busy() -> None:
        with transaction.atomic():
            locking.lock_team(team.pk)
            locked.set()
            go.wait(10)

    def begins_to_wait() -> None:
        a_redemption(is_waiting=True)
        go.set()

    def newcomer() -> Redemption:
        locked.wait(10)
        threading.Timer(0.7, threads.closing(begins_to_wait)).start()
        return redeem(email=SAM, code=a_code().code)

    _, answer = run_together(busy, newcomer)
    assert isinstance(answer, NoSeat)


def test_one_team_is_locked_when_a_claim_begins_to_wait_for_its_last_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    one, two = a_team(seats=1, last_invite_at=now), a_team(seats=1)
    newcomer, lock = a_redemption(SAM), seating._first_at_rest

    def lock_and_see_somebody_wait(candidates: TeamQuerySet) -> int | None:
        team_id = lock(candidates)
        run_together(lambda: a_redemption(is_waiting=True, bound_team=one))
        return team_id

    def unlocked() -> list[Team]:
        with transaction.atomic():
            return list(Team.objects.select_for_update(of=("self",), no_key=True, skip_locked=True))

    monkeypatch.setattr(seating, "_first_at_rest", lock_and_see_somebody_wait)
    with transaction.atomic():
        grant = seating.take_seat(newcomer, now=now, actor=JOB)
        assert grant is not None
        assert (grant.team, *run_together(unlocked)) == (one, [two])


def test_a_removal_by_hand_outlives_the_guardians_that_is_called_off_at_that_moment() -> None:
    row = Member.objects.create(team=a_team(outsiders=1), kind="member", email=ANA, upstream_id="user-ana")
    automatic = Departure.objects.create(team=row.team, email=ANA, reason="stranger", is_automatic=True)
    dropped = threading.Event()

    def call_off() -> None:
        with transaction.atomic():
            closing.call_off(departure_ids=[automatic.pk], why=closing.REPORT_ONLY, now=timezone.now(), actor=JOB)
            dropped.set()
            threading.Event().wait(0.7)

    def remove() -> None:
        dropped.wait(10)
        outsiders.remove(member_id=row.pk, actor=JOB)

    assert run_together(call_off, remove) == [None, None]
    assert not Departure.objects.get(state="open").is_automatic
