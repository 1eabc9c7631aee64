"""Nobody is placed on a seat that is not known to be bought, judged by the workspace's own books and its log."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from base.actors import Actor
from invites.actions import seat
from invites.delivery.drain import deliver
from invites.following.sync import sync_team
from invites.models import RedeemCode, SeatGrant
from invites.reconcile import reconcile
from invites.states import GrantState
from sandbox.server import SandboxServer
from teampool import counting
from teampool.models import Team
from teampool.pool.capacity import Capacity, Evidence, capacity_of
from teampool.teams import words
from tests.cast import ANA, a_code, import_sandbox_team
from tests.invites.clock import pass_time
from tests.invites.invariants import check_books, check_upstream

pytestmark = pytest.mark.django_db(transaction=True)
OLGA = Actor("operator", "olga")


def opened(sandbox: SandboxServer, **seats: Any) -> Team:
    """A Team whose seats were read once; an invitation too many buys a seat there, and is seen in its books."""
    account_id = sandbox.workspace(**seats)["account_id"]
    sandbox.set_workspace(account_id, over_invite="buy")
    team = import_sandbox_team(sandbox, account_id, seats=0)
    sync_team(team_id=team.pk)
    team.refresh_from_db()
    return team


def come(client: Client, number: int, code: RedeemCode | None = None) -> str:
    """What somebody hears at the door: their state, or why not. The invitation, if any, goes out at once."""
    used = code or a_code()
    answer = client.post(
        "/api/redemptions", {"email": f"p{number}@example.com", "code": used.code}, content_type="application/json"
    )
    deliver()
    return answer.json().get("error_code") or answer.json()["state"]


def invitations(sandbox: SandboxServer) -> int:
    return sum(row["op"] == "invite" for row in sandbox.log())


def later(sandbox: SandboxServer, team: Team, *, minutes: float) -> None:
    pass_time(minutes * 60)
    sandbox.advance(seconds=minutes * 60)
    reconcile()
    deliver()
    sync_team(team_id=team.pk)
    check_books()
    check_upstream(sandbox)


class TestSeatTypes:
    def test_premium_seats_are_not_sold(self, sandbox: SandboxServer, client: Client) -> None:
        team = opened(sandbox, seats=4, premium=4)
        assert (team.seat_total, team.seats_known) == (3, "pools")
        assert [come(client, n) for n in range(3)] == ["pending"] * 3
        code = a_code()
        assert come(client, 3, code) == "no_seat"
        code.refresh_from_db()
        assert code.uses_held == 0
        assert check_upstream(sandbox).total() == 3
        sandbox.buy_seats(team.account_id)
        later(sandbox, team, minutes=1)
        assert come(client, 3, code) == "pending"
        check_upstream(sandbox)

    def test_with_the_old_rule_a_seat_is_bought(
        self, sandbox: SandboxServer, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: without the guard the books show it."""

        def old_rule(evidence: Evidence) -> Capacity:
            assert evidence.subscription is not None
            return replace(capacity_of(evidence), places=(evidence.subscription.seats_entitled or 0) - 1)

        monkeypatch.setattr(counting, "capacity_of", old_rule)
        team = opened(sandbox, seats=4, premium=4)
        assert [come(client, n) for n in range(4)] == ["pending"] * 4
        assert sandbox.books(team.account_id)["seats_bought_by_us"] == 1

    @pytest.mark.parametrize("default_pool", [True, False])
    def test_nobody_is_invited_to_a_codex_only_workspace(
        self, sandbox: SandboxServer, client: Client, default_pool: bool
    ) -> None:
        team = opened(sandbox, codex_only=True, codex_members=3, default_pool=default_pool)
        assert come(client, 1) == "no_seat"
        Team.objects.update(operator_cap=9, cap_set_at=timezone.now())
        later(sandbox, team, minutes=1)
        assert come(client, 1) == "no_seat"
        assert invitations(sandbox) == 0
        sandbox.upgrade(team.account_id, seats=2)
        Team.objects.update(operator_cap=None, cap_set_at=None)
        later(sandbox, team, minutes=1)
        assert [come(client, 1), come(client, 2), come(client, 3)] == ["pending", "pending", "no_seat"]
        check_upstream(sandbox)

    def test_an_owner_in_a_codex_seat_takes_no_standard_one(self, sandbox: SandboxServer, client: Client) -> None:
        opened(sandbox, seats=2, owner_seat="usage_based")
        assert [come(client, n) for n in range(3)] == ["pending", "pending", "no_seat"]
        assert check_upstream(sandbox).total() == 2

    def test_whoever_moves_to_a_premium_seat_has_not_left(self, sandbox: SandboxServer, client: Client) -> None:
        """Their seat goes on; the standard one they left is given out again once it is known to be free."""
        team = opened(sandbox, seats=2, premium=2)
        assert come(client, 0) == "pending"
        sandbox.accept(account_id=team.account_id, email="p0@example.com")
        later(sandbox, team, minutes=1)
        sandbox.switch_seat(team.account_id, "p0@example.com", "prolite")
        later(sandbox, team, minutes=1)
        assert come(client, 1) == "no_seat"
        for _ in range(2):
            later(sandbox, team, minutes=16)
        team.refresh_from_db()
        assert (SeatGrant.objects.get().state, team.seats_held, team.seats_elsewhere) == (GrantState.JOINED, 1, 1)
        assert [come(client, 1), come(client, 2)] == ["pending", "no_seat"]
        check_upstream(sandbox)


class TestAge:
    def test_nobody_is_placed_by_a_number_of_yesterday(self, sandbox: SandboxServer, client: Client) -> None:
        team = opened(sandbox, seats=5)
        pass_time(25 * 3600)
        assert come(client, 1) == "no_seat"
        with translation.override("en"):
            team.refresh_from_db()
            assert "more than 24 h ago: nobody is placed" in words.why(team, timezone.now())
        sandbox.set_workspace(team.account_id, subscription_answer="500")
        later(sandbox, team, minutes=10)
        assert come(client, 1) == "no_seat"
        sandbox.set_workspace(team.account_id, subscription_answer="normal")
        later(sandbox, team, minutes=10)
        assert come(client, 1) == "pending"
        check_upstream(sandbox)

    def test_a_seat_taken_yesterday_is_not_invited_to_today(self, sandbox: SandboxServer, client: Client) -> None:
        """Taken while the number was good, about to be sent when it is too old: nothing is sent."""
        team = opened(sandbox, seats=5)
        client.post("/api/redemptions", {"email": ANA, "code": a_code().code}, content_type="application/json")
        pass_time(25 * 3600)
        deliver()
        assert (SeatGrant.objects.get().state, invitations(sandbox)) == (GrantState.CANCELLED, 0)
        team.refresh_from_db()
        assert team.seats_held == 0

    def test_fewer_seats_than_were_given_out_are_not_overrun(self, sandbox: SandboxServer, client: Client) -> None:
        team = opened(sandbox, seats=5)
        for n in range(4):
            client.post(
                "/api/redemptions",
                {"email": f"p{n}@example.com", "code": a_code().code},
                content_type="application/json",
            )
        sandbox.drop_seats(team.account_id, count=2)
        sync_team(team_id=team.pk)
        deliver()
        assert (invitations(sandbox), SeatGrant.objects.live().count()) == (2, 2)
        check_upstream(sandbox)


class TestHeldSeats:
    def test_none_is_given_out_while_it_is_held(self, sandbox: SandboxServer, client: Client) -> None:
        teams = [opened(sandbox, seats=6), opened(sandbox, seats=6)]
        for team in teams:
            sandbox.set_workspace(team.account_id, holds_from=1)
        codes = [a_code(seat_time=timedelta(hours=5)) for _ in range(10)]
        assert [come(client, n, code) for n, code in enumerate(codes)] == ["pending"] * 10
        for grant in SeatGrant.objects.select_related("team"):
            sandbox.accept(account_id=grant.team.account_id, email=grant.email)
        for team in teams:
            later(sandbox, team, minutes=1)
        for grant in SeatGrant.objects.live():
            seat.take_back(redemption_id=grant.redemption_id, actor=OLGA)
        for _ in range(6):
            for team in teams:
                later(sandbox, team, minutes=10)
            assert come(client, 77) == "no_seat"
        assert not SeatGrant.objects.live().exists()
        assert [len(sandbox.books(team.account_id)["held"]) for team in teams] == [5, 5]
        for team in teams:
            sandbox.end_holds(team.account_id)
            later(sandbox, team, minutes=10)
        assert [come(client, 20 + n) for n in range(11)] == ["pending"] * 10 + ["no_seat"]
        check_upstream(sandbox)
