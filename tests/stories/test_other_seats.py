"""People in a Premium, Codex or automation seat: never adopted, their codes unused. The sandbox is the judge."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from base.actors import Actor
from guardian import mode, settings
from guardian.decisions import deciding, preview
from guardian.models import Finding
from guardian.rules.states import Kind, State
from guardian.sweeping import sweep
from invites import locking
from invites.actions import outsiders, seat
from invites.actions.add_people import Added, add_people
from invites.delivery.drain import deliver
from invites.departures.closing import OTHER_SEAT
from invites.following.sync import sync_team
from invites.models import Departure, RedeemCode, Redemption, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming import errors
from invites.redeeming.redeem import redeem
from invites.states import DepartureState, GrantState, RedemptionState, Refusal
from sandbox.server import SandboxServer
from teampool.models import AllowedMember, Member, Team
from tests.cast import ANA, SAM, a_code, a_team, import_sandbox_team, run_together
from tests.guardian.pool import configure
from tests.invites.clock import pass_time
from tests.invites.invariants import check_books
from tests.invites.rows import a_grant, a_member, a_redemption

pytestmark = pytest.mark.django_db(transaction=True)
JOB = Actor("job", "test")
OTHERS = ["prolite", "usage_based", "automation"]


def uses(code: RedeemCode) -> int:
    code.refresh_from_db()
    return code.uses_held


def seat_type(sandbox: SandboxServer, team: Team, email: str) -> str:
    (workspace,) = (one for one in sandbox.dump()["workspaces"] if one["account_id"] == team.account_id)
    return next(str(row["seat_type"]) for row in workspace["members"] if row["email"] == email)


def asked(sandbox: SandboxServer, *ops: str) -> list[str]:
    return [row["op"] for row in sandbox.log() if row["op"] in ops]


class TestACodeOfTheirs:
    @pytest.mark.parametrize("kind", OTHERS)
    def test_it_is_refused_and_unused(self, sandbox: SandboxServer, kind: str) -> None:
        team, code = import_sandbox_team(sandbox), a_code()
        sandbox.member(account_id=team.account_id, email=SAM, seat_type=kind)
        sync_team(team_id=team.pk)
        with pytest.raises(errors.OtherSeat):
            redeem(email=SAM, code=code.code)
        deliver()
        assert (uses(code), Redemption.objects.count(), asked(sandbox, "invite")) == (0, 0, [])
        assert seat_type(sandbox, team, SAM) == kind
        check_books()

    @pytest.mark.parametrize("kind", OTHERS)
    def test_an_operator_hears_it_too(self, sandbox: SandboxServer, kind: str) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.member(account_id=team.account_id, email=SAM, seat_type=kind)
        sync_team(team_id=team.pk)
        assert add_people(team=team, text=SAM, actor=JOB)[0].outcome is Added.OTHER_SEAT
        assert not SeatGrant.objects.exists()

    @pytest.mark.parametrize("kind", ["default", "", "something_new"])
    def test_a_standard_or_unknown_seat_is_adopted(self, kind: str) -> None:
        a_member(a_team(outsiders=1), SAM, seat_type=kind)
        assert redeem(email=SAM, code=a_code().code).state == RedemptionState.OPEN

    def test_somebody_invited_to_another_seat_counts(self) -> None:
        a_member(a_team(), SAM, kind=Member.Kind.INVITE, seat_type="prolite")
        with pytest.raises(errors.OtherSeat):
            redeem(email=SAM, code=a_code().code)

    def test_neither_role_nor_permission_changes_it(self) -> None:
        team = a_team()
        a_member(team, SAM, seat_type="usage_based", role="account-admin")
        a_member(team, ANA, seat_type="usage_based")
        AllowedMember.objects.create(team=team, email=ANA, origin="operator")
        for email in (SAM, ANA):
            with pytest.raises(errors.OtherSeat):
                redeem(email=email, code=a_code().code)

    def test_who_is_in_by_right_in_another_team_is_in_already(self) -> None:
        a_member(a_team(), SAM, seat_type="usage_based")
        team = a_team(outsiders=1)
        a_member(team, SAM)
        AllowedMember.objects.create(team=team, email=SAM, origin="baseline")
        assert redeem(email=SAM, code=a_code().code).state == RedemptionState.ALREADY

    def test_a_seat_of_ours_goes_on_and_answers(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = redeem(email=ANA, code=a_code().code)
        deliver()
        sandbox.accept(account_id=team.account_id, email=ANA)
        sync_team(team_id=team.pk)
        sandbox.switch_seat(account_id=team.account_id, email=ANA, seat_type="prolite")
        sync_team(team_id=team.pk)
        code = a_code()
        again = redeem(email=ANA, code=code.code)
        assert (again.state, again.seated_by, uses(code)) == (RedemptionState.ALREADY, redemption, 0)

    def test_no_new_code_goes_on_with_a_seat_that_is_over(self) -> None:
        """An overdue seat whose person was switched: the new code must not adopt them."""
        team = a_team(held=1)
        old = a_redemption(SAM, seat_time=timedelta(hours=1))
        a_grant(old, GrantState.JOINED, team=team)
        Redemption.objects.update(ends_at=old.created_at - timedelta(minutes=1))
        a_member(team, SAM, seat_type="prolite")
        code = a_code()
        with pytest.raises(errors.OtherSeat):
            redeem(email=SAM, code=code.code)
        assert (uses(code), SeatGrant.objects.get().state) == (0, GrantState.JOINED)


class TestTypesThatChange:
    def test_what_is_true_under_the_lock_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        team, code = a_team(outsiders=1), a_code()
        a_member(team, SAM)
        lock = locking.lock_team

        def lock_late(team_id: int) -> None:
            Member.objects.update(seat_type="prolite")
            lock(team_id)

        monkeypatch.setattr("invites.locking.lock_team", lock_late)
        with pytest.raises(errors.OtherSeat):
            redeem(email=SAM, code=code.code)
        assert (uses(code), SeatGrant.objects.count()) == (0, 0)

    @pytest.mark.parametrize("turn", range(4))
    def test_a_switch_and_a_code_at_once(self, sandbox: SandboxServer, turn: int) -> None:
        """Whoever is first: they are not adopted, and their code is unused in the end."""
        team, code = import_sandbox_team(sandbox, seats=2), a_code()
        sandbox.member(account_id=team.account_id, email=SAM)
        sync_team(team_id=team.pk)
        sandbox.switch_seat(account_id=team.account_id, email=SAM, seat_type="prolite")
        results = run_together(
            lambda: sync_team(team_id=team.pk), lambda: redeem(email=SAM, code=code.code), lambda: deliver()
        )
        assert isinstance(results[1], errors.OtherSeat | Redemption), results
        deliver()
        assert (uses(code), SeatGrant.objects.live().count()) == (0, 0)
        for claim in Redemption.objects.all():
            assert (claim.state, claim.refusal) == (RedemptionState.REFUSED, Refusal.OTHER_SEAT)
        assert (seat_type(sandbox, team, SAM), asked(sandbox, "remove")) == ("prolite", [])
        check_books()


class TestAnInvitationToSomebodyThere:
    """The last list did not show them: ChatGPT does."""

    @pytest.mark.parametrize("kind", OTHERS)
    @pytest.mark.parametrize("answer", ["list", "already_409_member"])
    def test_a_member_in_another_seat_is_no_success(self, sandbox: SandboxServer, kind: str, answer: str) -> None:
        team, code = import_sandbox_team(sandbox), a_code()
        sandbox.member(account_id=team.account_id, email=SAM, seat_type=kind)
        sandbox.set_workspace(account_id=team.account_id, shapes={"already_member": answer})
        redemption = redeem(email=SAM, code=code.code)
        deliver()
        deliver()
        redemption.refresh_from_db()
        team.refresh_from_db()
        assert (redemption.state, redemption.refusal) == (RedemptionState.REFUSED, Refusal.OTHER_SEAT)
        assert (uses(code), team.seats_held, seat_type(sandbox, team, SAM)) == (0, 0, kind)
        check_books()
        sync_team(team_id=team.pk)
        with pytest.raises(errors.OtherSeat):
            redeem(email=SAM, code=code.code)

    def test_an_invitation_to_another_seat_is_not_ours(self, sandbox: SandboxServer) -> None:
        team, code = import_sandbox_team(sandbox), a_code()
        sandbox.invite_from_web(account_id=team.account_id, email=SAM, seat_type="usage_based")
        sandbox.advance(seconds=1200)
        redemption = redeem(email=SAM, code=code.code)
        deliver()
        deliver()
        redemption.refresh_from_db()
        assert (redemption.state, redemption.refusal, uses(code)) == ("refused", Refusal.OTHER_SEAT, 0)
        assert asked(sandbox, "revoke") == []

    def test_a_moved_person_goes_on_to_another_team(self, sandbox: SandboxServer) -> None:
        """A claim that had a seat before is not refused: it takes a seat where its person is not."""
        first, second = import_sandbox_team(sandbox, last_invite_at="2026-01-01T00:00Z"), import_sandbox_team(sandbox)
        redemption = a_redemption(ANA, try_number=2, is_waiting=True)
        sandbox.member(account_id=first.account_id, email=ANA, seat_type="usage_based")
        reconcile()
        assert SeatGrant.objects.get().team == first
        deliver()
        deliver()
        deliver()
        grant = SeatGrant.objects.live().get()
        assert (grant.redemption, grant.team) == (redemption, second)
        check_books()


class TestASeatOfOurs:
    @pytest.fixture
    def team(self, sandbox: SandboxServer) -> Team:
        """Ana joined with a code for an hour and was switched to a Premium seat then."""
        team = import_sandbox_team(sandbox)
        redeem(email=ANA, code=a_code(seat_time=timedelta(hours=2)).code)
        deliver()
        sandbox.accept(account_id=team.account_id, email=ANA)
        sync_team(team_id=team.pk)
        sandbox.switch_seat(account_id=team.account_id, email=ANA, seat_type="prolite")
        return team

    def test_it_goes_on_and_is_not_absent(self, team: Team) -> None:
        for _ in range(3):
            sync_team(team_id=team.pk)
            pass_time(1200)
        grant = SeatGrant.objects.get()
        assert (grant.state, grant.absent_since) == (GrantState.JOINED, None)

    def test_it_ends_by_its_time_and_the_person_stays(self, sandbox: SandboxServer, team: Team, client: Any) -> None:
        pass_time(2 * 3600 + 60)
        sync_team(team_id=team.pk)
        grant, claim = SeatGrant.objects.get(), Redemption.objects.get()
        assert (grant.state, grant.reason, claim.state) == (GrantState.ENDED, "other_seat", RedemptionState.ENDED)
        assert (uses(RedeemCode.objects.get()), seat_type(sandbox, team, ANA)) == (1, "prolite")
        assert asked(sandbox, "remove", "revoke") == []
        check_books()
        for language, sentence in (
            ("zh-hans", "你仍在 Team 里，用的是另一种席位"),
            ("en", "You are still in the Team, in a seat of another kind."),
        ):
            shown = client.get(f"/r/{claim.public_id}/", headers={"accept-language": language}).content.decode()
            assert sentence in shown

    def test_taken_back_it_ends_and_the_person_stays(self, sandbox: SandboxServer, team: Team) -> None:
        seat.take_back(redemption_id=Redemption.objects.get().pk, actor=JOB)
        reconcile()
        way = Departure.objects.get()
        assert (way.state, way.last_problem) == (DepartureState.DROPPED, OTHER_SEAT)
        assert SeatGrant.objects.get().state == GrantState.ENDED
        assert (seat_type(sandbox, team, ANA), asked(sandbox, "remove", "revoke")) == ("prolite", [])
        check_books()

    def test_the_guardian_reports_them_after_the_end(self, sandbox: SandboxServer, team: Team) -> None:
        configure()
        mode.enable(actor=JOB, takes_baseline=False)
        mode.set_mode(mode=settings.ENFORCE, would_go=0, actor=JOB)
        pass_time(2 * 3600 + 60)
        for _ in range(4):
            sweep.run_now(is_dry=False)
            Finding.objects.update(first_seen_at=timezone.now() - timedelta(hours=3))
        reconcile()
        finding = Finding.objects.standing().get()
        assert (finding.kind, finding.state) == (Kind.OTHER_SEAT, State.OPEN)
        assert preview.if_enforced(timezone.now()).fates == [(finding, preview.Fate.NEVER)]
        with pytest.raises(seat.Refused):
            deciding.remove(finding_id=finding.pk, actor=JOB)
        assert (seat_type(sandbox, team, ANA), asked(sandbox, "remove", "revoke")) == ("prolite", [])


class TestNobodyIsRemoved:
    @pytest.mark.parametrize("kind", OTHERS)
    def test_a_stranger_switched_before_the_call(self, sandbox: SandboxServer, kind: str) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.member(account_id=team.account_id, email=SAM)
        sync_team(team_id=team.pk)
        way = outsiders.remove(member_id=Member.objects.get(email=SAM).pk, actor=JOB)
        sandbox.switch_seat(account_id=team.account_id, email=SAM, seat_type=kind)
        reconcile()
        way.refresh_from_db()
        assert asked(sandbox, "remove", "revoke") == []
        assert seat_type(sandbox, team, SAM) == kind

    def test_nor_by_an_operator_who_asks(self) -> None:
        row = a_member(a_team(), SAM, seat_type="prolite")
        with pytest.raises(seat.Refused, match="other_seat"):
            outsiders.remove(member_id=row.pk, actor=JOB)
