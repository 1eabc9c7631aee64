"""From a reserved seat to a person in: every outcome of upstream, over real HTTP, sorted as upstream §14.1 says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from base.actors import Actor
from invites.delivery.drain import deliver
from invites.following.sync import sync_team
from invites.models import Departure, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming.redeem import redeem
from invites.seats import timing
from invites.seats.resend import want_resend
from invites.states import GrantState, RedemptionState
from notifications.models import AuditEvent
from sandbox.server import SandboxServer
from teampool.login import renew
from teampool.models import Team
from tests.cast import ANA, SAM, a_code, import_sandbox_team
from tests.invites.clock import pass_time

pytestmark = pytest.mark.django_db(transaction=True)


def posts(sandbox: SandboxServer, email: str = ANA) -> list[dict[str, Any]]:
    return [row for row in sandbox.log() if row["op"] == "invite" and email in str(row["body"])]


def the_grant(email: str = ANA) -> SeatGrant:
    return SeatGrant.objects.filter(email=email).latest("pk")


class TestTheUsualWay:
    def test_it_verifies_a_redemption_with_two_calls(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = redeem(email=ANA, code=a_code(seat_time=timedelta(hours=24)).code)
        assert deliver() == 1
        grant = the_grant()
        redemption.refresh_from_db()
        team.refresh_from_db()
        assert grant.state == GrantState.VERIFIED
        assert [row["op"] for row in sandbox.log()] == ["invite", "invites"]
        assert redemption.ends_at == grant.invited_at + timedelta(hours=24)
        assert (team.seats_held, team.last_invite_at) == (1, grant.invited_at)

    def test_it_sees_the_person_accept(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redeem(email=ANA, code=a_code().code)
        deliver()
        sandbox.accept(account_id=team.account_id, email=ANA)
        pass_time(20)
        deliver()
        assert the_grant().state == GrantState.JOINED
        assert the_grant().upstream_user_id

    def test_it_says_the_account_in_each_call(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox)
        redeem(email=ANA, code=a_code().code)
        deliver()
        assert all(row["account_header_equal"] for row in sandbox.log())

    def test_it_writes_to_one_team_only_as_often_as_set(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox, seats=8)
        sandbox.set_latency(0.05)
        for n in range(6):
            redeem(email=f"p{n}@example.com", code=a_code().code)
        assert deliver() >= 6
        assert SeatGrant.objects.filter(state=GrantState.VERIFIED).count() == 6


CERTAIN_NO = [
    ("seat_full_400", "upstream_full_at", None),
    ("true_up_401", "upstream_full_at", None),
    ("seats_maximum", "upstream_full_at", None),
    ("deactivated_402", "workspace_state", "suspended"),
    ("deactivated_403_text", "workspace_state", "suspended"),
    ("delinquent_401", "workspace_state", "delinquent"),
    ("removed_403", "workspace_state", "access_lost"),
    ("forbidden_403", "cooldown_until", None),
    ("account_deactivated", "token_state", "disabled"),
]


class TestFailover:
    @pytest.mark.parametrize(("preset", "field", "value"), CERTAIN_NO)
    def test_it_goes_on_in_another_team_after_a_certain_no(
        self, sandbox: SandboxServer, preset: str, field: str, value: str | None
    ) -> None:
        bad = import_sandbox_team(sandbox, last_invite_at=timezone.now())
        good = import_sandbox_team(sandbox)
        sandbox.fault(op="invite", account_id=bad.account_id, action={"preset": preset})
        redemption = redeem(email=ANA, code=a_code().code)
        deliver()
        deliver()
        bad.refresh_from_db()
        good.refresh_from_db()
        assert the_grant().team == good
        assert the_grant().state == GrantState.VERIFIED
        assert (bad.seats_held, good.seats_held) == (0, 1)
        assert getattr(bad, field) == value if value else getattr(bad, field) is not None
        redemption.refresh_from_db()
        assert redemption.state == RedemptionState.OPEN
        assert redemption.code.uses_held == 1

    def test_it_stops_after_three_teams_and_frees_the_code(self, sandbox: SandboxServer) -> None:
        teams = [import_sandbox_team(sandbox) for _ in range(4)]
        for team in teams:
            sandbox.fault(op="invite", account_id=team.account_id, action={"preset": "forbidden_403"}, times=9)
        redemption = redeem(email=ANA, code=a_code().code)
        for _ in range(4):
            deliver()
        redemption.refresh_from_db()
        redemption.code.refresh_from_db()
        assert (redemption.state, redemption.refusal, redemption.code.uses_held) == ("refused", "team_unavailable", 0)
        assert len(posts(sandbox)) == 3
        assert sum(Team.objects.values_list("seats_held", flat=True)) == 0

    def test_it_says_no_seat_when_the_only_team_is_full_upstream(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.fault(op="invite", action={"preset": "seat_full_400"})
        redemption = redeem(email=ANA, code=a_code().code)
        deliver()
        redemption.refresh_from_db()
        assert (redemption.state, redemption.refusal) == ("refused", "no_seat")
        again = redeem(email=ANA, code=redemption.code.code) if sync_team(team_id=team.pk) else None
        assert again is not None
        assert again.pk != redemption.pk

    def test_it_says_no_seat_when_the_seats_fell_before_the_invitation(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = redeem(email=ANA, code=a_code().code)
        Team.objects.filter(pk=team.pk).update(seat_total=0)
        deliver()
        redemption.refresh_from_db()
        redemption.code.refresh_from_db()
        assert (redemption.state, redemption.refusal, redemption.code.uses_held) == ("refused", "no_seat", 0)
        assert posts(sandbox) == []

    def test_a_bound_code_never_changes_team(self, sandbox: SandboxServer) -> None:
        bound = import_sandbox_team(sandbox)
        import_sandbox_team(sandbox)
        sandbox.fault(op="invite", account_id=bound.account_id, action={"preset": "forbidden_403"})
        redemption = redeem(email=ANA, code=a_code(team=bound).code)
        deliver()
        redemption.refresh_from_db()
        assert (redemption.state, redemption.refusal) == ("refused", "team_unavailable")
        assert list(redemption.grants.values_list("team", "state")) == [(bound.pk, GrantState.CANCELLED)]

    def test_it_finishes_a_failover_cut_in_the_middle(self, sandbox: SandboxServer, monkeypatch: Any) -> None:
        bad = import_sandbox_team(sandbox, last_invite_at=timezone.now())
        import_sandbox_team(sandbox)
        sandbox.fault(op="invite", account_id=bad.account_id, action={"preset": "forbidden_403"})
        redeem(email=ANA, code=a_code().code)
        with monkeypatch.context() as patch:
            patch.setattr("invites.seats.seating.reseat_or_refuse", lambda **_: None)
            deliver()
        assert not SeatGrant.objects.live().exists()
        reconcile()
        deliver()
        assert the_grant().state == GrantState.VERIFIED


class TestARefusedAddress:
    @pytest.mark.parametrize(
        "preset", ["errored", "blocked", "invalid_422_text", "invalid_422_object", "invalid_422_list"]
    )
    def test_it_harms_no_team_however_often_it_is_tried(self, sandbox: SandboxServer, preset: str) -> None:
        teams = [import_sandbox_team(sandbox) for _ in range(3)]
        before = list(Team.objects.order_by("pk").values())
        code = a_code()
        for _ in range(7):
            sandbox.fault(op="invite", action={"preset": preset})
            redemption = redeem(email=ANA, code=code.code)
            deliver()
            redemption.refresh_from_db()
            code.refresh_from_db()
            assert (redemption.state, redemption.refusal, code.uses_held) == ("refused", "email_refused", 0)
        assert list(Team.objects.order_by("pk").values()) == before
        assert len(teams) == 3
        assert redeem(email=SAM, code=code.code).state == RedemptionState.OPEN


UNKNOWN_APPLIED = ["reset_after", "500_after", "502_html_after", "timeout_after", "504_empty_after", "200_empty_after"]
UNKNOWN_APPLIED += ["200_invalid_json_after", "html_403_after", "429_after", "ghost_c", "redirect_login_after"]


class TestTheLostAnswer:
    @pytest.mark.parametrize("preset", UNKNOWN_APPLIED)
    def test_it_finds_an_invite_whose_answer_was_lost(self, sandbox: SandboxServer, settings: Any, preset: str) -> None:
        settings.UPSTREAM_TIMEOUT = 0.4
        import_sandbox_team(sandbox)
        import_sandbox_team(sandbox)
        sandbox.fault(op="invite", action={"preset": preset})
        redeem(email=ANA, code=a_code().code)
        for _ in range(6):
            deliver()
            pass_time(100)
        assert the_grant().state == GrantState.VERIFIED
        assert len(posts(sandbox)) == 1
        assert SeatGrant.objects.count() == 1
        assert sum(Team.objects.values_list("seats_held", flat=True)) == 1
        assert not Team.objects.exclude(workspace_state="active", token_state="healthy", failures=0).exists()

    @pytest.mark.parametrize("preset", ["reset_before", "500", "timeout_before", "ghost_a", "429"])
    def test_it_sends_again_to_the_same_team_when_proved_absent(
        self, sandbox: SandboxServer, settings: Any, preset: str
    ) -> None:
        settings.UPSTREAM_TIMEOUT = 0.4
        import_sandbox_team(sandbox)
        import_sandbox_team(sandbox)
        sandbox.fault(op="invite", action={"preset": preset})
        redeem(email=ANA, code=a_code().code)
        deliver()
        first = the_grant()
        pass_time(20)
        deliver()
        assert len(posts(sandbox)) == 1, "60 s have not passed"
        pass_time(70)
        deliver()
        grant = the_grant()
        assert (grant.pk, grant.state) == (first.pk, GrantState.VERIFIED)
        assert len(posts(sandbox)) == 2

    def test_it_knows_the_person_who_is_a_member_already(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.member(account_id=team.account_id, email=ANA)
        sandbox.fault(op="invite", action={"preset": "already_409_member"})
        redeem(email=ANA, code=a_code().code)
        deliver()
        assert the_grant().state == GrantState.JOINED

    def test_it_leaves_a_team_that_swallows_invites_by_revoke_and_absence(self, sandbox: SandboxServer) -> None:
        bad = import_sandbox_team(sandbox, last_invite_at=timezone.now())
        good = import_sandbox_team(sandbox)
        sandbox.fault(op="invite", account_id=bad.account_id, action={"preset": "ghost_a"}, times=0)
        redeem(email=ANA, code=a_code().code)
        for _ in range(3):
            deliver()
            pass_time(70)
        deliver()  # revokes
        assert [row["op"] for row in sandbox.log()].count("revoke") == 1
        grant = the_grant()
        assert (grant.team, grant.state) == (bad, GrantState.INVITING)
        pass_time(600)
        deliver()
        assert the_grant().team == bad, "15 minutes have not passed"
        pass_time(600)
        deliver()
        deliver()
        assert (the_grant().team, the_grant().state) == (good, GrantState.VERIFIED)
        bad.refresh_from_db()
        assert (bad.seats_held, bad.ghosts, bad.workspace_state) == (0, 1, "active")

    def test_it_moves_on_and_leaves_a_departure_when_the_team_dies_meanwhile(
        self, sandbox: SandboxServer, settings: Any
    ) -> None:
        settings.UPSTREAM_TIMEOUT = 0.4
        bad = import_sandbox_team(sandbox, last_invite_at=timezone.now())
        good = import_sandbox_team(sandbox)
        sandbox.fault(op="invite", account_id=bad.account_id, action={"preset": "timeout_after"})
        redeem(email=ANA, code=a_code().code)
        deliver()
        sandbox.set_workspace(account_id=bad.account_id, suspended=True)
        pass_time(20)
        deliver()
        deliver()
        assert (the_grant().team, the_grant().state) == (good, GrantState.VERIFIED)
        departure = Departure.objects.get()
        assert (departure.team, departure.state) == (bad, "open")
        # The Team comes back: the invite that did go out there is taken back.
        sandbox.set_workspace(account_id=bad.account_id, suspended=False)
        sync_team(team_id=bad.pk)
        Departure.objects.update(due_at=timezone.now())
        reconcile()
        departure.refresh_from_db()
        assert departure.told_at is not None
        assert not [one for one in sandbox.dump()["workspaces"][0]["invites"] if one["email"] == ANA]
        pass_time(timing.ABSENT_AFTER.total_seconds())
        sync_team(team_id=bad.pk)
        departure.refresh_from_db()
        assert departure.state == "done"
        assert the_grant().state == GrantState.VERIFIED

    def test_it_keeps_the_seat_while_upstream_cannot_be_reached(self, sandbox: SandboxServer, settings: Any) -> None:
        team = import_sandbox_team(sandbox)
        settings.UPSTREAM_BASE_URL = "http://127.0.0.1:9"
        redeem(email=ANA, code=a_code().code)
        for _ in range(5):
            deliver()
            pass_time(400)
        grant = the_grant()
        assert (grant.state, grant.sends) == (GrantState.INVITING, 0)
        settings.UPSTREAM_BASE_URL = sandbox.url
        deliver()
        assert (the_grant().state, len(posts(sandbox))) == (GrantState.VERIFIED, 1)
        team.refresh_from_db()
        assert (team.seats_held, team.failures) == (1, 0)


class TestAClaimThatIsLostWhileTheLogInIsRenewed:
    """A refused invitation is repeated with the new token only by the worker that still has the grant."""

    @pytest.fixture
    def slowly(self, monkeypatch):
        """Renewing takes so long that meanwhile something else happens."""

        def renew_after(meanwhile: Callable[[], Any]) -> None:
            real = renew.renew

            def slow(**how: Any) -> str:
                meanwhile()
                return real(**how)

            monkeypatch.setattr(renew, "renew", slow)

        return renew_after

    def test_another_worker_took_it_over(self, sandbox, slowly):
        team = import_sandbox_team(sandbox)
        redeem(email=ANA, code=a_code().code)
        sandbox.invalidate_tokens(team.owner.email)
        slowly(lambda: SeatGrant.objects.update(attempts=F("attempts") + 1))
        deliver()
        assert [call["status"] for call in sandbox.log(op="invite")] == [401]
        assert SeatGrant.objects.get().state == GrantState.INVITING

    def test_their_seat_is_being_taken_away(self, sandbox, slowly):
        team = import_sandbox_team(sandbox)
        redeem(email=ANA, code=a_code().code)
        sandbox.invalidate_tokens(team.owner.email)
        grant = SeatGrant.objects.get()
        slowly(lambda: Departure.objects.create(team=team, email=ANA, grant=grant, reason="overdue"))
        deliver()
        assert [call["status"] for call in sandbox.log(op="invite")] == [401]

    def test_else_it_is_repeated(self, sandbox, slowly):
        team = import_sandbox_team(sandbox)
        redeem(email=ANA, code=a_code().code)
        sandbox.invalidate_tokens(team.owner.email)
        slowly(lambda: None)
        deliver()
        assert [call["status"] for call in sandbox.log(op="invite")] == [401, 200]
        assert SeatGrant.objects.get().state == GrantState.VERIFIED


class TestLag:
    @pytest.mark.parametrize("lag", [20, 120])
    def test_it_shows_invited_until_the_lists_follow(self, sandbox: SandboxServer, lag: int) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.lag(seconds=lag)
        redeem(email=ANA, code=a_code().code)
        deliver()
        assert the_grant().state == GrantState.INVITED
        sync_team(team_id=team.pk)
        assert the_grant().state == GrantState.INVITED
        sandbox.advance(seconds=lag + 1)
        pass_time(20)
        deliver()
        assert the_grant().state == GrantState.VERIFIED
        assert len(posts(sandbox)) == 1
        team.refresh_from_db()
        assert (team.seats_held, team.outsiders, team.workspace_state) == (1, 0, "active")


class TestResend:
    def test_it_sends_the_mail_again_when_asked(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox)
        redemption = redeem(email=ANA, code=a_code().code)
        deliver()
        pass_time(130)
        assert want_resend(redemption_id=redemption.pk, actor=Actor("user", ANA), now=timezone.now())
        deliver()
        redemption.refresh_from_db()
        assert (redemption.resends, redemption.resend_wanted_at) == (1, None)
        assert redemption.resent_at is not None
        assert len(posts(sandbox)) == 2
        assert the_grant().state == GrantState.VERIFIED


class TestAudit:
    def test_it_writes_every_arrow_down(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox)
        redeem(email=ANA, code=a_code().code)
        deliver()
        arrows = [
            (event.details["before"], event.details["after"])
            for event in AuditEvent.objects.filter(action="seat_moved").order_by("pk")
        ]
        assert arrows == [("", "reserved"), ("reserved", "inviting"), ("inviting", "invited"), ("invited", "verified")]


class TestAlerts:
    def test_it_tells_the_operator_once_at_ten_minutes_and_once_at_a_day(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox)
        sandbox.lag(seconds=10_000_000)
        redeem(email=ANA, code=a_code().code)
        deliver()
        told = AuditEvent.objects.filter(action="invite_unresolved")
        for minutes, count in ((9, 0), (2, 1), (60, 1), (24 * 60, 2), (60, 2)):
            pass_time(minutes * 60)
            reconcile()
            assert told.count() == count
