"""A clock that ran ahead and was put right: nothing waits for the day it named, and nothing honest is touched."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db.models import DateTimeField
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from base.clock_repair import SKEW, Moments
from guardian import tasks
from guardian.clockwork import clock_repair, heartbeats, timetable
from guardian.models import Beat, Heartbeat, Sweep
from invites.delivery.drain import deliver
from invites.following.sync import stale_team_ids, sync_team
from invites.models import Departure, RedeemAttempt, Redemption, SeatGrant
from invites.redeeming.redeem import redeem
from invites.seats import timing
from invites.states import GrantState
from notifications.models import AuditEvent, Message
from sandbox.server import SandboxServer
from teampool import leases
from teampool.models import (
    ImportJob,
    JobLease,
    RefusedToken,
    SentToken,
    SignIn,
    StockAlert,
    SyncRun,
    Team,
    TeamLogin,
    Vacancy,
)
from tests.cast import ANA, a_code, a_team, an_operator, import_sandbox_team
from tests.guardian.rows import a_finding

AHEAD = timedelta(days=2)
# Columns of time that nothing waits for: they are shown, upstream names them, or they only say that it happened.
ONLY_SHOWN = {
    "Vacancy.place_back_at",
    "ApiKey.created_at",
    "AllowedMember.created_at",
    "Beat.due_at",  # started anew
    "CodeBatch.created_at",
    "Departure.billed_from",
    "Departure.billed_until",
    "Member.deactivated_at",
    "Member.joined_at",
    "Owner.created_at",
    "RedeemAttempt.at",  # deleted
    "RedeemCode.created_at",
    "Redemption.ends_at",
    "Team.access_expires_at",
    "TeamLogin.access_expires_at",
    "TeamLogin.created_at",
    "Team.subscription_until",
    "Team.subscription_warned_for",
    "Watch.armed_at",
    "Watch.too_slow_since",
}
HAPPENED = ("archived_at", "voided_at", "revoked_at", "finished_at", "closed_at", "settled_at", "judged_at")
NAMED_BY_PEOPLE = ("redeem_until", "access_until", "last_used_at")


def put(*rows: Any, **fields: Any) -> None:
    for row in rows:
        type(row).objects.filter(pk=row.pk).update(**fields)
        row.refresh_from_db()


def one_of_each() -> list[Any]:
    """A row of every table with moments in it."""
    team, now = a_team(), timezone.now()
    redemption = redeem(email=ANA, code=a_code().code)
    SeatGrant.objects.create(redemption=redemption, team=team, email=ANA, state=GrantState.CANCELLED, ended_at=now)
    return [
        team,
        team.owner,
        redemption,
        *SeatGrant.objects.all(),
        Departure.objects.create(team=team, email=ANA, reason="stranger", removed_at=now),
        SentToken.objects.create(digest="x", sent_at=now, lease_until=now),
        ImportJob.objects.create(),
        SignIn.objects.create(operator=an_operator(), browser="x", used_at=now),
        SyncRun.objects.create(),
        *TeamLogin.objects.all(),
        RefusedToken.objects.create(team=team, digest="x"),
        Vacancy.objects.create(team=team, kind="member", upstream_id="user-1", gone_by=now),
        StockAlert.objects.create(pk=1),
        JobLease.objects.create(name="sweep", until=now),
        Heartbeat.objects.create(node="one", at=now),
        Message.objects.create(created_at=now, due_at=now, dedupe_key="x"),
        Sweep.objects.create(mode="report"),
        a_finding(team=team),
    ]


@pytest.mark.django_db(transaction=True)
class TestBringBack:
    def test_the_pool_goes_on_at_once(self, sandbox: SandboxServer) -> None:
        team, then = import_sandbox_team(sandbox), timezone.now() + AHEAD
        redemption = redeem(email=ANA, code=a_code().code)
        deliver()
        sandbox.accept(account_id=team.account_id, email=ANA)
        put(team, snapshot_started_at=then, sync_tried_at=then, opened_at=then, sync_lease_until=then)
        put(redemption.grants.get(), due_at=then, lease_until=then, created_at=then, verified_at=then)
        for name in leases.LONG_JOBS:
            JobLease.objects.create(name=name, until=then, holder="gone")
        assert stale_team_ids(now=timezone.now()) == []
        assert deliver() == 0
        tasks.heartbeat()
        assert stale_team_ids(now=timezone.now()) == [team.pk]
        assert team not in Team.objects.allocatable(timezone.now()), "before its next look"
        assert JobLease.objects.filter(until__gt=timezone.now() + leases.LONGEST).count() == 0
        put(team, sync_lease_until=None)
        result = sync_team(team_id=team.pk)
        assert result is not None
        assert (result.problem, SeatGrant.objects.get().state) == ("", GrantState.JOINED)
        assert team in Team.objects.allocatable(timezone.now())

    def test_a_lease_is_cut_to_its_longest_and_a_wait_is_over(self) -> None:
        team, now = a_team(), timezone.now()
        then = now + AHEAD
        redeem(email=ANA, code=a_code().code)
        SeatGrant.objects.update(lease_until=then, due_at=then, absent_since=then)
        Departure.objects.create(team=team, email=ANA, reason="stranger", due_at=then, told_at=then)
        put(team, cooldown_until=then)
        put(team.owner, refresh_lease_until=then)
        clock_repair.bring_back(now)
        grant, departure = SeatGrant.objects.get(), Departure.objects.get()
        team.refresh_from_db(), team.owner.refresh_from_db()
        assert (grant.lease_until, grant.due_at, grant.absent_since) == (now + timing.lease(), now, None)
        assert (departure.due_at, departure.told_at, team.cooldown_until) == (now, now, now)
        assert now < team.owner.refresh_lease_until < now + timedelta(minutes=10)

    def test_a_temporary_seat_keeps_its_end(self) -> None:
        a_team()
        then = timezone.now() + AHEAD
        redeem(email=ANA, code=a_code(seat_time=timedelta(hours=1)).code)
        Redemption.objects.update(ends_at=then, created_at=then)
        clock_repair.bring_back(timezone.now())
        redemption = Redemption.objects.get()
        assert redemption.ends_at == then
        assert redemption.created_at < then

    def test_it_forgets_tries_that_have_not_been(self) -> None:
        now = timezone.now()
        Heartbeat.objects.create(node="one", at=now + AHEAD)
        RedeemAttempt.objects.create(ip="192.0.2.1", at=now + AHEAD)
        RedeemAttempt.objects.create(ip="192.0.2.1", at=now)
        clock_repair.bring_back(now)
        assert RedeemAttempt.objects.get().at == now

    def test_it_is_written_down_once(self) -> None:
        now = timezone.now()
        for node in ("one", "two"):
            Heartbeat.objects.create(node=node, at=now + AHEAD)
        assert clock_repair.bring_back(now) == {"heartbeat": 2}
        Heartbeat.objects.update(at=now + AHEAD)
        assert clock_repair.bring_back(now) == {"heartbeat": 2}, "a node whose clock goes on being wrong"
        assert clock_repair.bring_back(now) == {}
        assert AuditEvent.objects.get(action="clock_brought_back").details["tables"] == {"heartbeat": 2}
        assert heartbeats.newest_beat() == now

    def test_what_honest_writers_write_stays(self) -> None:
        """Each column at the last moment its writers can reach."""
        rows, now = one_of_each(), timezone.now()
        for table in clock_repair.moments():
            honest = {name: now + longest for name, longest in {**table.leases, **table.waits}.items()}
            table.rows.update(**honest | dict.fromkeys([*table.facts, *table.forgotten], now + SKEW / 2))
        before = [type(row).objects.filter(pk=row.pk).values().get() for row in rows]
        assert not clock_repair.ran_ahead(now)
        assert clock_repair.bring_back(now) == {}
        assert [type(row).objects.filter(pk=row.pk).values().get() for row in rows] == before
        assert not AuditEvent.objects.filter(action="clock_brought_back").exists()

    def test_two_nodes_that_differ_by_minutes_go_on(self) -> None:
        """What the one that is ahead writes is nobody's harm: no Team closes, no beat begins anew, no try is lost."""
        later = timezone.now() + timedelta(minutes=3)
        team = a_team(snapshot_started_at=later, sync_tried_at=later)
        Heartbeat.objects.create(node="ahead", at=later)
        RedeemAttempt.objects.create(ip="192.0.2.1", at=later)
        timetable.put_in_place(timezone.now())
        beats = list(Beat.objects.order_by("name").values())
        tasks.heartbeat()
        assert team in Team.objects.allocatable(timezone.now())
        assert list(Beat.objects.order_by("name").values()) == beats
        assert RedeemAttempt.objects.exists()

    def test_each_column_alone_is_noticed_and_put_right(self) -> None:
        one_of_each()
        now = timezone.now()
        for table in clock_repair.moments():
            for name in columns(table):
                assert table.rows.update(**{name: now + AHEAD}), "there is a row to try it on"
                assert clock_repair.ran_ahead(now), name
                clock_repair.bring_back(now)
                assert not clock_repair.ran_ahead(now), name

    def test_it_asks_once_while_all_is_well(self, django_assert_num_queries: Any) -> None:
        a_team()
        with django_assert_num_queries(1):
            assert clock_repair.bring_back(timezone.now()) == {}


def columns(table: Moments) -> list[str]:
    return [*table.leases, *table.waits, *table.facts, *table.forgotten]


def test_every_moment_is_thought_of() -> None:
    """A new column of time is named in its room's `moments.py`, or here with those that wait for nobody."""
    named = {(table.rows.model, name) for table in clock_repair.moments() for name in columns(table)}
    missing = [
        f"{model.__name__}.{column.name}"
        for room in ("teampool", "invites", "guardian")
        for model in apps.get_app_config(room).get_models()
        for column in model._meta.concrete_fields
        if isinstance(column, DateTimeField)
        and (model, column.name) not in named
        and column.name not in (*HAPPENED, *NAMED_BY_PEOPLE)
        and f"{model.__name__}.{column.name}" not in ONLY_SHOWN
    ]
    assert missing == []


@pytest.mark.django_db
class TestTheTimetable:
    def test_the_schedules_and_beats_go_on(self) -> None:
        then = timezone.now() + AHEAD
        timetable.put_in_place(then)
        Schedule.objects.update(next_run=then + timedelta(minutes=1))
        OrmQ.objects.all().delete()
        Heartbeat.objects.create(node="one", at=then)
        now = timezone.now()
        timetable.watch_the_clock(now)
        assert set(Schedule.objects.values_list("next_run", flat=True)) == {now}
        assert set(Beat.objects.values_list("due_at", flat=True)) == {now}
        assert OrmQ.objects.filter(lock__lte=now).count() == len(timetable.BEATS)

    def test_a_worker_that_is_started_anew_puts_them_right_as_well(self) -> None:
        timetable.put_in_place(timezone.now())
        Schedule.objects.update(next_run=timezone.now() + AHEAD)
        timetable.start_beats(timezone.now())
        assert not Schedule.objects.filter(next_run__gt=timezone.now()).exists()

    def test_a_heartbeat_starts_no_beat_while_all_is_well(self) -> None:
        timetable.put_in_place(timezone.now())
        OrmQ.objects.all().delete()
        tasks.heartbeat()
        assert not OrmQ.objects.exists()
