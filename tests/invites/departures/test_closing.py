"""A departure is closed once, with its event, and its person stays or is out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone, translation

from base import actors
from base.actors import Actor
from invites import locking
from invites.actions import outsiders, seat
from invites.delivery.drain import deliver
from invites.departures import carry_out, closing, opening
from invites.following.sync import sync_team
from invites.models import Departure, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming.redeem import redeem
from invites.settings import RECLAIM_AFTER_DAYS
from invites.states import DepartureReason, DepartureState
from notifications.audit import words
from notifications.models import AuditEvent
from notifications.settings import runtime
from sandbox.server import SandboxServer
from tests.cast import ANA, a_code, a_team, import_sandbox_team
from tests.invites.actions.test_seat import listed, seated
from tests.invites.clock import pass_time
from tests.invites.invariants import check_books

pytestmark = pytest.mark.django_db(transaction=True)
OLGA = Actor("operator", "olga", "192.0.2.1")


def closed() -> list[tuple[str, dict[str, Any]]]:
    """What the audit says of it, oldest first."""
    rows = AuditEvent.objects.filter(action__in=["departure_done", "departure_dropped"]).order_by("pk")
    return [(row.action, row.details) for row in rows]


class TestDropped:
    def test_the_audit_says_why(self) -> None:
        departure = Departure.objects.create(team=a_team(), email=ANA, reason="stranger", is_automatic=True)
        closing.call_off(departure_ids=[departure.pk], why=closing.REPORT_ONLY, now=timezone.now(), actor=OLGA)
        with translation.override("en"):
            said = words.what(AuditEvent.objects.get(action="departure_dropped"))
        assert said == "Stays after all: the guardian only reports"

    def test_the_guardians_is_called_off_while_nobody_tells_upstream(self) -> None:
        now = timezone.now()
        values = {"email": ANA, "reason": "stranger", "is_automatic": True}
        called_off = Departure.objects.create(team=a_team(), **values)
        others = [
            Departure.objects.create(team=a_team(), **(values | fields))
            for fields in ({"told_at": now}, {"lease_until": now}, {"is_automatic": False}, {"state": "done"})
        ]
        ids = [called_off.pk, *(one.pk for one in others)]
        closing.call_off(departure_ids=ids, why=closing.SWITCHED_OFF, now=now, actor=OLGA)
        called_off.refresh_from_db()
        assert (called_off.state, called_off.closed_at, called_off.last_problem) == (
            DepartureState.DROPPED,
            now,
            closing.SWITCHED_OFF,
        )
        assert not Departure.objects.filter(pk__in=[one.pk for one in others], state=DepartureState.DROPPED).exists()
        assert closed() == [("departure_dropped", {"reason": "stranger", "why": closing.SWITCHED_OFF})]


class TestClose:
    @pytest.mark.parametrize("meanwhile", [{"attempts": 1}, {"state": "dropped"}, {"is_automatic": False}])
    def test_what_moved_on_meanwhile_stays_as_it_is(self, meanwhile: dict[str, Any]) -> None:
        departure = Departure.objects.create(team=a_team(), email=ANA, reason="stranger", is_automatic=True)
        Departure.objects.update(**meanwhile)
        assert not closing.close(departure, DepartureState.DONE, now=timezone.now(), actor=OLGA)
        assert (Departure.objects.get().closed_at, closed()) == (None, [])

    def test_one_that_is_done_gives_no_reason(self) -> None:
        departure = Departure.objects.create(team=a_team(), email=ANA, reason="stranger", lease_until=timezone.now())
        assert closing.close(departure, DepartureState.DONE, now=timezone.now(), actor=OLGA)
        departure.refresh_from_db()
        assert (departure.state, departure.lease_until, departure.last_problem) == (DepartureState.DONE, None, "")
        assert closed() == [("departure_done", {"reason": "stranger"})]


class TestOverAndStillIn:
    @pytest.mark.parametrize("why", ["allowed", "an admin", "not permitted"])
    def test_whoever_brought_a_code_for_another_team_keeps_one_seat(self, sandbox: SandboxServer, why: str) -> None:
        team = import_sandbox_team(sandbox)
        seated(sandbox, joined=True, seat_time=timedelta(hours=1))
        other = import_sandbox_team(sandbox)
        if why == "allowed":
            outsiders.allow(team=team, email=ANA, actor=OLGA)
        elif why == "an admin":
            sandbox.member(team.account_id, ANA, role="account-admin", lag=0)
        else:
            sandbox.fault("remove", "forbidden_403", times=0)
        pass_time(7200)
        for one in (team, other):
            sync_team(team_id=one.pk)
        redeem(email=ANA, code=a_code(team=other).code)
        for _ in range(3):
            reconcile()
            deliver()
            pass_time(90)
            for one in (team, other):
                sync_team(team_id=one.pk)
        assert SeatGrant.objects.live().get().team == other
        team.refresh_from_db()
        assert (listed(sandbox, team), team.seats_held, team.outsiders) == ({ANA}, 0, 1)
        assert Departure.objects.get().state == DepartureState.DROPPED
        check_books()

    def test_whoever_was_extended_meanwhile_keeps_it(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = seated(sandbox, joined=True, seat_time=timedelta(hours=1))
        sandbox.member(team.account_id, ANA, role="account-admin", lag=0)
        pass_time(7200)
        grant = SeatGrant.objects.live().get()
        now = timezone.now()
        with transaction.atomic():
            locking.lock_team(team.pk)
            departure = opening.open_departure(grant=grant, reason=DepartureReason.OVERDUE, now=now, actor=OLGA)
        seat.set_end(redemption_id=redemption.pk, ends_at=now + timedelta(days=1), actor=OLGA)
        carry_out.carry_out(departure_id=departure.pk)
        assert SeatGrant.objects.live().get() == grant


class TestReclaim:
    def test_a_refusal_is_not_asked_for_again_before_the_next_day(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox)
        seated(sandbox)
        pass_time(3 * 86400)
        runtime.change({RECLAIM_AFTER_DAYS.key: "1"}, actor=actors.command("config"))
        sandbox.fault("revoke", action="forbidden_403", times=0)
        for _ in range(5):
            reconcile()
            pass_time(60)
        assert Departure.objects.get().last_problem == closing.NOT_PERMITTED
        pass_time(86400)
        reconcile()
        assert Departure.objects.count() == 2
