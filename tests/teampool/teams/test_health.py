"""What each outcome means for the Team and its log-in, at the one door to upstream: a row of upstream §14.1 each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db.models import F
from django.utils import timezone

from base.actors import job
from invites.following.sync import EVERY, stale_team_ids, sync_team
from notifications.models import AuditEvent
from sandbox.server import SandboxServer
from teampool.access import Access
from teampool.login.tokens import expire_team
from teampool.models import Owner, Team
from teampool.stored_snapshot import BLOCKED, NOT_PERMITTED
from teampool.teams import health
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure
from tests.cast import a_team, an_owner, import_sandbox_team

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = job("test")


def invite(team: Team) -> Any:
    fresh = Team.objects.select_related("owner").get(pk=team.pk)
    with Access(fresh, actor=ACTOR) as access:
        return access.ask(lambda upstream: upstream.invite("ana@example.com", submission_id="s", flow_id="f"))


def revoke(team: Team) -> Any:
    fresh = Team.objects.select_related("owner").get(pk=team.pk)
    with Access(fresh, actor=ACTOR) as access:
        return access.ask(lambda upstream: upstream.revoke("ana@example.com"))


def states(team: Team) -> tuple[str, str, str]:
    team.refresh_from_db()
    return team.workspace_state, team.token_state, Owner.objects.get(pk=team.owner_id).login


WELL = ("active", "healthy", "ok")
# preset, (workspace, token, log-in), is it cooling down
ROWS = [
    ("reset_before", WELL, False),
    ("500", WELL, False),
    ("503_html", WELL, False),
    ("html_403", WELL, True),
    ("html_with_code", WELL, True),
    ("unusual_403", WELL, True),
    ("unusual_403_uuid", WELL, True),
    ("unusual_403_after", WELL, True),
    ("country_403", WELL, True),
    ("429_retry_60", WELL, True),
    ("429_garbage", WELL, True),
    ("200_invalid_json", WELL, False),
    ("redirect_login", WELL, False),
    ("errored", WELL, False),
    ("domain_restricted", WELL, False),
    ("ghost_a", WELL, False),
    ("already_409_member", WELL, False),
    ("seat_full_400", WELL, False),
    ("true_up_401", WELL, False),
    ("deactivated_402", ("suspended", "healthy", "ok"), False),
    ("deactivated_403_code", ("suspended", "healthy", "ok"), False),
    ("delinquent_401", ("delinquent", "healthy", "ok"), False),
    ("deactivated_401_workspace", ("suspended", "healthy", "ok"), False),
    ("removed_403", ("access_lost", "healthy", "ok"), False),
    ("removed_401", ("access_lost", "healthy", "ok"), False),
    ("forbidden_403", WELL, True),
    ("account_deactivated", ("active", "disabled", "ok"), False),
]


class TestTheTable:
    @pytest.mark.parametrize(("preset", "after", "is_cooling"), ROWS)
    def test_it_changes_only_what_is_at_fault(
        self, sandbox: SandboxServer, settings: Any, preset: str, after: tuple[str, str, str], is_cooling: bool
    ) -> None:
        settings.UPSTREAM_TIMEOUT = 1
        team = import_sandbox_team(sandbox)
        other = import_sandbox_team(sandbox)
        sandbox.fault(op="invite", action={"preset": preset}, times=1)
        invite(team)
        assert states(team) == after
        assert (team.cooldown_until is not None) is is_cooling
        assert states(other) == WELL
        if after != WELL:
            event = AuditEvent.objects.get(action="team_changed")
            assert event.details["cause"]

    @pytest.mark.parametrize("preset", ["deactivated_402", "delinquent_401", "removed_403"])
    def test_it_comes_back_by_itself(self, sandbox: SandboxServer, preset: str) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.fault(op="invite", action={"preset": preset})
        invite(team)
        assert states(team) != WELL
        sync_team(team_id=team.pk)
        assert states(team) == WELL
        assert Team.objects.allocatable(timezone.now()).filter(pk=team.pk).exists()

    def test_it_waits_out_a_cool_down(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.fault(op="invite", action={"preset": "429_day"})
        invite(team)
        team.refresh_from_db()
        assert team.cooldown_until is not None
        assert team.cooldown_until - timezone.now() <= health.LONGEST_COOLDOWN
        assert not Team.objects.allocatable(timezone.now()).exists()
        assert Team.objects.allocatable(timezone.now() + health.LONGEST_COOLDOWN).exists()

    def test_it_tells_a_lost_access_from_an_odd_404(self, sandbox: SandboxServer) -> None:
        odd, lost = import_sandbox_team(sandbox), import_sandbox_team(sandbox)
        sandbox.fault(op="invite", account_id=odd.account_id, action={"preset": "workspace_404"})
        invite(odd)
        assert states(odd) == WELL
        sandbox.set_workspace(account_id=lost.account_id, access_lost=True)
        invite(lost)
        assert states(lost) == ("access_lost", "healthy", "ok")

    def test_it_refreshes_a_refused_token_and_goes_on(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.invalidate_tokens(email=team.owner.email)
        assert invite(team).verdict == "sent"
        assert states(team) == WELL

    def test_it_says_when_nothing_can_renew_the_log_in(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        Owner.objects.filter(pk=team.owner_id).update(session_token="", refresh_token="")
        sandbox.invalidate_tokens(email=team.owner.email)
        invite(team)
        assert states(team) == ("active", "expired", "expired")

    def test_a_401_nobody_knows_counts_when_the_token_is_dead(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        Owner.objects.update(session_token="", refresh_token="")
        sandbox.fault(op="members", action={"preset": "unknown_401"}, times=0)
        sandbox.invalidate_tokens(email=team.owner.email)
        sync_team(team_id=team.pk)
        assert states(team) == ("active", "expired", "expired")

    @pytest.mark.parametrize(
        ("preset", "about_a_person", "answers", "after"),
        [
            ("forbidden_403", True, True, (*WELL, 0)),
            ("unknown_401", False, True, (*WELL, 1)),
            ("unknown_401", False, False, (*WELL, 0)),
        ],
    )
    def test_what_is_said_after_a_late_renewal_is_heard_alike(
        self, sandbox: SandboxServer, preset: str, about_a_person: bool, answers: bool, after: tuple[Any, ...]
    ) -> None:
        """The first try to renew met trouble; /me then says that the token is dead, and the second one works."""
        team = import_sandbox_team(sandbox)
        sandbox.fault(op="revoke", action={"preset": "unknown_401"})
        sandbox.fault(op="revoke", action={"preset": preset})
        sandbox.fault(op="token", action={"preset": "500"})
        sandbox.fault(op="me", action={"preset": "token_expired"})
        if not answers:
            sandbox.fault(op="me", action={"preset": "500"})
        Owner.objects.update(session_token="")
        fresh = Team.objects.select_related("owner").get(pk=team.pk)
        with Access(fresh, actor=ACTOR) as access:
            access.ask(lambda upstream: upstream.revoke("ana@example.com"), about_a_person=about_a_person)
        assert (*states(team), team.failures) == after

    def test_a_log_in_without_means_of_renewal_comes_back_with_its_token(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        Owner.objects.update(session_token="", refresh_token="")
        sandbox.fault(op="members", action={"preset": "unauthorized"})
        sync_team(team_id=team.pk)
        assert states(team) == ("active", "expired", "expired")
        sync_team(team_id=team.pk)
        assert states(team) == WELL
        assert Owner.objects.get().login_problem == ""

    def test_a_log_in_whose_session_is_over_does_not(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        Owner.objects.update(login=Owner.Login.EXPIRED)
        sync_team(team_id=team.pk)
        assert states(team) == ("active", "healthy", "expired")

    def test_a_refused_removal_says_nothing_about_the_team(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        fresh = Team.objects.select_related("owner").get(pk=team.pk)
        with Access(fresh, actor=ACTOR) as access:
            answer = access.ask(lambda upstream: upstream.remove(fresh.owner.upstream_user_id), about_a_person=True)
        assert answer.failure == Failure.PERMISSION_DENIED
        assert states(team) == WELL


def look(team: Team) -> None:
    result = sync_team(team_id=team.pk)
    assert result is not None
    team.refresh_from_db()


class TestARefusalWithoutAKnownWord:
    """It says that the role is too low only where the account check, or else the own row, says so too."""

    @pytest.fixture
    def team(self, sandbox: SandboxServer) -> Team:
        return import_sandbox_team(sandbox)

    @pytest.mark.parametrize("op", ["members", "invite", "revoke"])
    def test_with_the_role_intact_it_cools_down_and_is_reported(
        self, sandbox: SandboxServer, team: Team, op: str
    ) -> None:
        sandbox.fault(op=op, action={"preset": "forbidden_403"})
        if op == "members":
            look(team)
            assert team.sync_problem == NOT_PERMITTED
        else:
            answer = invite(team) if op == "invite" else revoke(team)
            assert (answer.verdict, answer.failure) == ("no", "permission_denied")
        assert states(team) == WELL
        assert team.cooldown_until is not None
        assert not AuditEvent.objects.filter(action="team_changed").exists()
        assert len(sandbox.log(op="account_check")) == 1

    @pytest.mark.parametrize("op", ["members", "invite"])
    def test_with_the_role_lost_it_says_so(self, sandbox: SandboxServer, team: Team, op: str) -> None:
        sandbox.demote(team.account_id, team.owner.email)
        sandbox.fault(op=op, action={"preset": "forbidden_403"})
        look(team) if op == "members" else invite(team)
        assert states(team) == ("insufficient_role", "healthy", "ok")
        sandbox.demote(team.account_id, team.owner.email, "account-admin")
        look(team)
        assert states(team) == WELL

    def test_the_own_row_proves_it_where_the_account_check_does_not_answer(
        self, sandbox: SandboxServer, team: Team
    ) -> None:
        sandbox.demote(team.account_id, team.owner.email)
        sandbox.fault(op="account_check", action={"preset": "500"}, times=0)
        invite(team)
        assert states(team) == ("insufficient_role", "healthy", "ok")

    def test_what_neither_tells_is_not_proved(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.demote(team.account_id, team.owner.email)
        for op in ("account_check", "members"):
            sandbox.fault(op=op, action={"preset": "unusual_403"}, times=0)
        invite(team)
        assert states(team) == WELL
        assert team.cooldown_until is not None

    @pytest.mark.parametrize("shown", ["removed", "missing"])
    def test_a_workspace_the_account_check_calls_gone_is_gone(
        self, sandbox: SandboxServer, team: Team, shown: str
    ) -> None:
        sandbox.set_workspace(account_id=team.account_id, access_lost=True, in_check=shown)
        invite(team)
        assert states(team) == ("access_lost", "healthy", "ok")


@pytest.mark.parametrize("preset", ["unusual_403", "unusual_403_uuid"])
class TestUnusualActivity:
    @pytest.mark.parametrize("op", ["members", "invites", "invite", "revoke", "remove", "me", "account_check"])
    def test_it_is_a_block_wherever_it_is_met(self, sandbox: SandboxServer, preset: str, op: str) -> None:
        team = import_sandbox_team(sandbox)
        if op in ("me", "account_check"):  # asked only after something else went wrong
            first = "unknown_401" if op == "me" else "workspace_404"
            sandbox.fault(op="members", action={"preset": first}, times=0)
        sandbox.fault(op=op, action={"preset": preset}, times=0)
        if op == "invite":
            assert invite(team).verdict == "unknown"
        elif op == "revoke":
            assert revoke(team).verdict == "unknown"
        elif op == "remove":
            fresh = Team.objects.select_related("owner").get(pk=team.pk)
            with Access(fresh, actor=ACTOR) as access:
                assert access.ask(lambda upstream: upstream.remove("user-1"), about_a_person=True).verdict == "unknown"
        else:
            look(team)
        assert states(team) == WELL
        assert not AuditEvent.objects.filter(action__in=["team_changed", "owner_changed"]).exists()

    def test_no_failure_is_counted_though_it_lasts(self, sandbox: SandboxServer, preset: str) -> None:
        """Not even where a 404 cannot be asked about: more than three failed looks in ten minutes end a token."""
        team = import_sandbox_team(sandbox)
        sandbox.fault(op="members", action={"preset": "workspace_404"}, times=0)
        sandbox.fault(op="account_check", action={"preset": preset}, times=0)
        for _ in range(6):
            look(team)
            invite(team)
        team.refresh_from_db()
        assert (states(team), team.failures, team.look_failures) == (WELL, 0, 0)

    @pytest.mark.parametrize("op", ["session", "token"])
    def test_no_log_in_ends_by_it(self, sandbox: SandboxServer, preset: str, op: str) -> None:
        team = import_sandbox_team(sandbox)
        Owner.objects.update(**{"session_token": ""} if op == "token" else {"refresh_token": ""})
        sandbox.invalidate_tokens(email=team.owner.email)
        sandbox.fault(op=op, action={"preset": preset}, times=0)
        look(team)
        assert states(team) == WELL
        sandbox.clear_faults()
        look(team)
        assert (states(team), team.sync_problem) == (WELL, "")

    def test_it_is_said_as_a_block(self, sandbox: SandboxServer, preset: str) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.fault(op="invites", action={"preset": preset})
        look(team)
        assert team.sync_problem == BLOCKED


def fail(team: Team, times: int, *, is_look: bool = False, version: int | None = None) -> None:
    for _ in range(times):
        health.note_failure(
            team=team,
            failure=Failure.TOKEN_REJECTED,
            version=version or team.owner.credential_version,
            now=timezone.now(),
            actor=ACTOR,
            is_look=is_look,
        )


class TestFailuresInARow:
    def test_the_fifth_expires_the_token(self) -> None:
        team = a_team()
        fail(team, 4)
        assert states(team) == WELL
        fail(team, 1)
        assert states(team) == ("active", "expired", "ok")

    def test_a_success_starts_the_count_anew(self) -> None:
        team = a_team()
        fail(team, 4)
        team.refresh_from_db()
        health.note_success(team)
        fail(team, 4)
        assert states(team) == WELL

    def test_looks_count_apart_and_expire_on_the_fourth_in_ten_minutes(self) -> None:
        team = a_team()
        fail(team, 4)
        fail(team, 3, is_look=True)
        assert states(team) == WELL
        fail(team, 1, is_look=True)
        assert states(team) == ("active", "expired", "ok")
        assert team.failures == 4

    def test_looks_long_ago_do_not_count(self) -> None:
        team = a_team()
        fail(team, 3, is_look=True)
        Team.objects.update(look_failures_since=timezone.now() - timedelta(minutes=11))
        fail(team, 3, is_look=True)
        assert states(team) == WELL

    def test_a_late_answer_to_an_old_token_does_not_count(self) -> None:
        team = a_team()
        Owner.objects.update(credential_version=7)
        fail(team, 9, version=6)
        team.refresh_from_db()
        assert (team.failures, states(team)) == (0, WELL)


@pytest.mark.parametrize("kept", [(), ("session_token",), ("refresh_token",)], ids=["bare", "session", "refresh"])
class TestA401NobodyKnows:
    """The token says who it is all the while: its log-in goes on, and the Team waits.

    A bare log-in has nothing to renew by, a session hands out the same token again, a refresh token a new one.
    """

    @pytest.fixture
    def team(self, sandbox: SandboxServer, kept: tuple[str, ...]) -> Team:
        team = import_sandbox_team(sandbox)
        Owner.objects.update(**{field: "" for field in ("session_token", "refresh_token") if field not in kept})
        return team

    def test_it_takes_the_team_out_for_some_minutes(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.fault(op="invite", action={"preset": "unknown_401"}, times=0)
        invite(team)
        assert (states(team), team.failures) == (WELL, 1)
        assert not Team.objects.allocatable(timezone.now()).exists()
        assert Team.objects.allocatable(timezone.now() + health.BLOCKED_FOR).exists()
        assert len(sandbox.log(op="me")) == 1

    def test_the_fifth_in_a_row_is_told_and_a_look_brings_it_back(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.fault(op="invite", action={"preset": "unknown_401"}, times=0)
        for _ in range(4):
            invite(team)
        assert states(team) == WELL
        invite(team)
        assert states(team) == ("active", "expired", "ok")
        assert AuditEvent.objects.get(action="team_changed").details["after"] == {"token_state": "expired"}
        sync_team(team_id=team.pk)
        assert (states(team), team.failures) == (WELL, 0)

    def test_a_success_starts_the_count_anew(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.fault(op="invite", action={"preset": "unknown_401"}, times=0)
        for _ in range(4):
            invite(team)
        sandbox.clear_faults()
        invite(team)
        assert (states(team), team.failures) == (WELL, 0)

    def test_the_fourth_list_in_a_row_is_told_though_they_are_far_between(
        self, sandbox: SandboxServer, team: Team
    ) -> None:
        sandbox.fault(op="members", action={"preset": "unknown_401"}, times=0)
        with time_machine.travel(timezone.now()) as clock:
            for _ in range(3):
                sync_team(team_id=team.pk)
                assert stale_team_ids(now=timezone.now() + health.BLOCKED_FOR / 2) == []
                assert not Team.objects.allocatable(timezone.now()).exists()
                clock.shift(EVERY + timedelta(minutes=1))
                assert stale_team_ids(now=timezone.now()) == [team.pk]
            assert states(team) == WELL
            sync_team(team_id=team.pk)
        assert states(team) == ("active", "expired", "ok")
        assert team.failures == 0

    def test_trouble_on_the_way_to_asking_counts_for_nothing(self, sandbox: SandboxServer, team: Team) -> None:
        for preset in ("500", "html_403", "forbidden_403"):
            sandbox.fault(op="members", action={"preset": "unknown_401"}, times=1)
            sandbox.fault(op="me", action={"preset": preset}, times=1)
            sync_team(team_id=team.pk)
            assert (states(team), team.failures, team.look_failures) == (WELL, 0, 0)


class TestATeamThatWentToAnotherLogin:
    """Versions are counted per log-in: two may well be equal."""

    @pytest.fixture
    def handed_over(self) -> Team:
        """As whoever called with the first log-in's token still sees it."""
        team = a_team(owner=an_owner("a@example.com"))
        other = an_owner("b@example.com")
        assert other.credential_version == team.owner.credential_version
        Team.objects.filter(pk=team.pk).update(owner=other, access_token="theirs")
        return team

    @pytest.mark.parametrize(
        "failure",
        [Failure.USER_DEACTIVATED, Failure.TOKEN_REJECTED, Failure.WORKSPACE_NOT_FOUND, Failure.PERMISSION_DENIED],
    )
    def test_is_not_blamed_for_what_the_first_one_met(self, handed_over: Team, failure: Failure) -> None:
        version = handed_over.owner.credential_version
        for _ in range(9):
            health.note_failure(team=handed_over, failure=failure, version=version, now=timezone.now(), actor=ACTOR)
        assert states(handed_over) == WELL

    def test_is_suspended_whoever_asked(self, handed_over: Team) -> None:
        failure, version = Failure.WORKSPACE_SUSPENDED, handed_over.owner.credential_version
        health.note_failure(team=handed_over, failure=failure, version=version, now=timezone.now(), actor=ACTOR)
        assert states(handed_over) == ("suspended", "healthy", "ok")

    def test_does_not_expire_with_the_first_one(self, handed_over: Team) -> None:
        expire_team(
            team_id=handed_over.pk,
            owner_id=handed_over.owner_id,
            version=handed_over.owner.credential_version,
            login=Owner.Login.EXPIRED,
            cause="gone",
            actor=ACTOR,
        )
        assert states(handed_over) == WELL


class TestGhosts:
    def test_the_third_in_a_row_restricts_and_a_day_later_a_look_lifts_it(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        for _ in range(3):
            health.note_ghost(team_id=team.pk, now=timezone.now(), actor=ACTOR)
        assert states(team)[0] == "restricted"
        sync_team(team_id=team.pk)
        assert states(team)[0] == "restricted"
        Team.objects.update(restricted_at=timezone.now() - health.RESTRICTED_FOR)
        sync_team(team_id=team.pk)
        assert states(team)[0] == "active"
        health.note_ghost(team_id=team.pk, now=timezone.now(), actor=ACTOR)
        assert states(team)[0] == "restricted", "one more is enough"

    def test_a_token_that_revives_meanwhile_does_not_make_it_last_for_ever(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, workspace_state="restricted", token_state="expired")
        Team.objects.update(restricted_at=timezone.now() - timedelta(hours=1))
        sync_team(team_id=team.pk)
        assert states(team) == ("restricted", "healthy", "ok")
        Team.objects.update(restricted_at=F("restricted_at") - health.RESTRICTED_FOR)
        sync_team(team_id=team.pk)
        assert states(team) == WELL

    def test_one_that_does_not_know_since_when_it_is_is_lifted(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, workspace_state="restricted", restricted_at=None)
        sync_team(team_id=team.pk)
        assert states(team) == WELL

    def test_a_listed_invitation_forgets_them(self) -> None:
        team = a_team(ghosts=2)
        health.note_listed(team)
        team.refresh_from_db()
        assert team.ghosts == 0


def test_an_unreadable_list_raises_and_changes_nothing(sandbox: SandboxServer) -> None:
    team = import_sandbox_team(sandbox)
    sandbox.fault(op="members", action={"preset": "html_200"})
    fresh = Team.objects.select_related("owner").get(pk=team.pk)
    with Access(fresh, actor=ACTOR) as access, pytest.raises(UpstreamError):
        access.ask(lambda upstream: upstream.members(), is_look=True)
    assert states(team) == WELL
