"""An operator's verbs: withdraw, take back, move, extend, add, allow, remove, archive, pause."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from base import actors
from base.actors import Actor
from invites.actions import add_people, archive, outsiders, seat
from invites.actions.add_people import Added
from invites.actions.seat import Refused
from invites.delivery.drain import deliver
from invites.departures import opening
from invites.following.sync import sync_team
from invites.models import Departure, Redemption, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming import errors
from invites.redeeming.redeem import redeem
from invites.settings import IS_OPEN, RECLAIM_AFTER_DAYS
from invites.states import GrantState
from notifications.models import AuditEvent
from notifications.settings import runtime
from sandbox.server import SandboxServer
from teampool.models import AllowedMember, Member, Team
from tests.cast import ANA, SAM, a_code, a_team, import_sandbox_team
from tests.invites.clock import pass_time
from tests.invites.invariants import check_books, check_upstream

pytestmark = pytest.mark.django_db(transaction=True)
OLGA = Actor("operator", "olga", "192.0.2.1")


def finish(*teams: Team) -> None:
    """What the worker does over the next minutes."""
    for _ in range(3):
        reconcile()
        deliver()
        pass_time(90)
        for team in teams:
            sync_team(team_id=team.pk)
    check_books()


def listed(sandbox: SandboxServer, team: Team) -> set[str]:
    here = next(one for one in sandbox.dump()["workspaces"] if one["account_id"] == team.account_id)
    return {one["email"] for one in (*here["members"], *here["invites"])} - {here["owner"]}


def seated(sandbox: SandboxServer, email: str = ANA, *, joined: bool = False, **code: Any) -> Redemption:
    redemption = redeem(email=email, code=a_code(**code).code)
    deliver()
    if joined:
        grant = SeatGrant.objects.live().get(email=email)
        sandbox.accept(account_id=grant.team.account_id, email=email)
        sync_team(team_id=grant.team_id)
    return redemption


class TestWithdraw:
    def test_it_takes_the_invite_back_and_frees_the_code(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = seated(sandbox)
        seat.withdraw(redemption_id=redemption.pk, actor=OLGA)
        assert SeatGrant.objects.live().exists(), "upstream first"
        finish(team)
        redemption.refresh_from_db()
        redemption.code.refresh_from_db()
        assert (redemption.state, redemption.refusal, redemption.code.uses_held) == ("refused", "withdrawn", 0)
        assert listed(sandbox, team) == set()
        right = redeem(email="anna@example.com", code=redemption.code.code)
        deliver()
        assert right.grants.get().state == GrantState.VERIFIED

    def test_it_refuses_when_the_person_is_in(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox)
        redemption = seated(sandbox, joined=True)
        with pytest.raises(Refused) as refused:
            seat.withdraw(redemption_id=redemption.pk, actor=OLGA)
        assert refused.value.code == "joined"

    def test_it_does_not_free_the_code_of_someone_who_accepts_meanwhile(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = seated(sandbox)
        seat.withdraw(redemption_id=redemption.pk, actor=OLGA)
        sandbox.accept(account_id=team.account_id, email=ANA)
        sync_team(team_id=team.pk)
        finish(team)
        redemption.refresh_from_db()
        assert (redemption.state, redemption.code.uses_held, listed(sandbox, team)) == ("ended", 1, set())

    def test_it_gives_up_at_once_what_was_never_sent(self) -> None:
        team = a_team()
        redemption = redeem(email=ANA, code=a_code().code)
        seat.withdraw(redemption_id=redemption.pk, actor=OLGA)
        reconcile()
        redemption.refresh_from_db()
        team.refresh_from_db()
        assert (redemption.refusal, team.seats_held, Departure.objects.count()) == ("withdrawn", 0, 0)


class TestTakeBack:
    def test_it_removes_the_person_and_keeps_the_code_spent(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = seated(sandbox, joined=True)
        seat.take_back(redemption_id=redemption.pk, actor=OLGA)
        seat.take_back(redemption_id=redemption.pk, actor=OLGA)  # a second click changes nothing
        finish(team)
        redemption.refresh_from_db()
        team.refresh_from_db()
        assert (redemption.state, redemption.code.uses_held, team.seats_held) == ("ended", 1, 0)
        assert (listed(sandbox, team), Departure.objects.get().state) == (set(), "done")
        with pytest.raises(Refused):
            seat.take_back(redemption_id=redemption.pk, actor=OLGA)

    def test_it_takes_out_whoever_is_allowed_there_as_well(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = seated(sandbox, joined=True)
        outsiders.allow(team=team, email=ANA, actor=OLGA)
        seat.take_back(redemption_id=redemption.pk, actor=OLGA)
        finish(team)
        assert (listed(sandbox, team), Departure.objects.get().state) == (set(), "done")


class TestReseat:
    def test_it_moves_everyone_out_of_a_lost_team(self, sandbox: SandboxServer) -> None:
        lost = import_sandbox_team(sandbox)
        people = [seated(sandbox, f"p{n}@example.com", joined=n < 2, seat_time=timedelta(days=3)) for n in range(3)]
        ends = dict(Redemption.objects.values_list("pk", "ends_at"))
        sandbox.set_workspace(account_id=lost.account_id, suspended=True)
        sync_team(team_id=lost.pk)
        good = import_sandbox_team(sandbox)
        for redemption in people:
            seat.reseat(redemption_id=redemption.pk, actor=OLGA)
        finish(good)
        assert {grant.team_id for grant in SeatGrant.objects.live()} == {good.pk}
        assert listed(sandbox, good) == {redemption.email for redemption in people}
        assert set(Redemption.objects.values_list("state", "code__uses_held")) == {("open", 1)}
        assert [abs(one.ends_at - ends[one.pk]) < timedelta(minutes=6) for one in Redemption.objects.all()] == [
            True
        ] * 3

    def test_it_waits_for_a_seat_without_losing_the_claim(self, sandbox: SandboxServer) -> None:
        lost = import_sandbox_team(sandbox)
        redemption = seated(sandbox, joined=True)
        Team.objects.filter(pk=lost.pk).update(workspace_state="suspended")
        seat.reseat(redemption_id=redemption.pk, actor=OLGA)
        reconcile()
        redemption.refresh_from_db()
        assert (redemption.state, redemption.code.uses_held) == ("open", 1)
        good = import_sandbox_team(sandbox)
        finish()
        assert SeatGrant.objects.live().get().team == good

    def test_it_lets_a_person_leave_a_living_team_first(self, sandbox: SandboxServer) -> None:
        old = import_sandbox_team(sandbox)
        redemption = seated(sandbox, joined=True)
        new = import_sandbox_team(sandbox)
        Team.objects.filter(pk=old.pk).update(is_enabled=False)
        seat.reseat(redemption_id=redemption.pk, actor=OLGA)
        assert SeatGrant.objects.live().count() == 1
        finish(old, new)
        finish(old, new)
        assert SeatGrant.objects.live().get().team == new
        assert (listed(sandbox, old), listed(sandbox, new)) == (set(), {ANA})
        check_upstream(sandbox)

    def test_it_does_not_lead_back_into_the_team_just_left(self) -> None:
        old = a_team(last_invite_at=timezone.now())
        redemption = redeem(email=ANA, code=a_code().code)
        new = a_team()
        seat.reseat(redemption_id=redemption.pk, actor=OLGA)
        reconcile()
        assert SeatGrant.objects.live().get().team == new
        old.refresh_from_db()
        assert old.seats_held == 0

    @pytest.mark.parametrize("joined", [True, False])
    def test_it_moves_a_bound_claim_out_of_a_lost_team(self, sandbox: SandboxServer, joined: bool) -> None:
        lost = import_sandbox_team(sandbox)
        redemption = seated(sandbox, team=lost, joined=joined)
        good = import_sandbox_team(sandbox)
        Team.objects.filter(pk=lost.pk).update(workspace_state="suspended")
        seat.reseat(redemption_id=redemption.pk, actor=OLGA)
        finish()
        assert SeatGrant.objects.live().get().team == good

    def test_it_refuses_to_move_a_bound_claim_out_of_its_living_team(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = seated(sandbox, team=team)
        with pytest.raises(Refused) as refused:
            seat.reseat(redemption_id=redemption.pk, actor=OLGA)
        assert refused.value.code == "bound"


class TestEndClaim:
    def a_waiting_one(self, sandbox: SandboxServer) -> Redemption:
        """Somebody who was in a lost Team, and no other has a seat."""
        lost = import_sandbox_team(sandbox)
        redemption = seated(sandbox, joined=True)
        Team.objects.filter(pk=lost.pk).update(workspace_state="suspended")
        seat.reseat(redemption_id=redemption.pk, actor=OLGA)
        return redemption

    def test_whoever_was_in_keeps_the_code_spent(self, sandbox: SandboxServer) -> None:
        redemption = self.a_waiting_one(sandbox)
        seat.end_claim(redemption_id=redemption.pk, actor=OLGA)
        redemption.refresh_from_db()
        assert (redemption.state, redemption.code.uses_held) == ("ended", 1)
        assert AuditEvent.objects.get(action="redemption_ended").actor == "olga"
        import_sandbox_team(sandbox)
        assert redeem(email=ANA, code=a_code().code).state == "open", "a new code leads to a seat again"

    def test_whoever_never_was_in_gets_the_code_back(self, sandbox: SandboxServer) -> None:
        old, bound_to = import_sandbox_team(sandbox), import_sandbox_team(sandbox, seats=0)
        seated(sandbox, joined=True, team=old, seat_time=timedelta(hours=1))
        pass_time(7200)
        waiting = redeem(email=ANA, code=a_code(team=bound_to).code)
        assert not waiting.grants.exists(), "has to leave the old Team first"
        seat.end_claim(redemption_id=waiting.pk, actor=OLGA)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.refusal, waiting.code.uses_held) == ("refused", "withdrawn", 0)
        check_books()

    def test_it_refuses_one_with_a_seat_and_one_that_is_over(self, sandbox: SandboxServer) -> None:
        redemption = self.a_waiting_one(sandbox)
        import_sandbox_team(sandbox)
        finish()
        with pytest.raises(Refused) as refused:
            seat.end_claim(redemption_id=redemption.pk, actor=OLGA)
        assert refused.value.code == "changed"
        Redemption.objects.update(state="ended")
        with pytest.raises(Refused) as refused:
            seat.end_claim(redemption_id=redemption.pk, actor=OLGA)
        assert refused.value.code == "over"


class TestSetEnd:
    def test_it_extends_and_makes_permanent(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox)
        redemption = seated(sandbox, seat_time=timedelta(hours=1))
        later = timezone.now() + timedelta(days=9)
        seat.set_end(redemption_id=redemption.pk, ends_at=later, actor=OLGA)
        redemption.refresh_from_db()
        assert redemption.ends_at == later
        seat.set_end(redemption_id=redemption.pk, ends_at=None, actor=OLGA)
        redemption.refresh_from_db()
        assert (redemption.ends_at, redemption.seat_time) == (None, None)
        assert AuditEvent.objects.filter(action="seat_end_changed", actor="olga", ip="192.0.2.1").count() == 2


class TestReclaim:
    def test_it_takes_back_what_nobody_accepted_in_the_days_set(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = seated(sandbox)
        kept = seated(sandbox, SAM, joined=True)
        pass_time(8 * 86400)
        assert reconcile()["reclaimed"] == 0, "off unless set"
        runtime.change({RECLAIM_AFTER_DAYS.key: "7"}, actor=actors.command("config"))
        assert reconcile()["reclaimed"] == 1
        assert reconcile()["reclaimed"] == 0
        finish(team)
        redemption.refresh_from_db()
        kept.refresh_from_db()
        assert (redemption.refusal, kept.state) == ("withdrawn", "open")


class TestPause:
    def test_it_pauses_new_claims_and_leaves_the_others(self) -> None:
        a_team()
        first, second = a_code(), a_code()
        claim = redeem(email=ANA, code=first.code)
        runtime.change({IS_OPEN.key: "off"}, actor=actors.command("config"))
        with pytest.raises(errors.Paused):
            redeem(email=SAM, code=second.code)
        with pytest.raises(errors.CodeUnknown):
            redeem(email=SAM, code="AAAA-AAAA-AAAA-AAAA")
        assert redeem(email=ANA, code=first.code).pk == claim.pk
        second.refresh_from_db()
        assert second.uses_held == 0
        runtime.change({IS_OPEN.key: "on"}, actor=actors.command("config"))
        assert redeem(email=SAM, code=second.code).state == "open"


class TestAddPeople:
    def test_it_answers_for_each_address(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, seats=3)
        seated(sandbox, SAM)
        text = f"{ANA}\nnot an address\n{ANA}\n{SAM}\nb@example.com\nc@example.com\n"
        results = [(one.email, one.outcome) for one in add_people.add_people(team=team, text=text, actor=OLGA)]
        assert results == [
            (ANA, Added.INVITING),
            ("not an address", Added.INVALID),
            (ANA, Added.TWICE),
            (SAM, Added.ALREADY),
            ("b@example.com", Added.INVITING),
            ("c@example.com", Added.NO_SEAT),
        ]
        deliver()
        assert listed(sandbox, team) == {ANA, SAM, "b@example.com"}
        check_books()

    def test_it_never_moves_an_added_person_to_another_team(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        import_sandbox_team(sandbox)
        sandbox.fault(op="invite", account_id=team.account_id, action={"preset": "seat_full_400"})
        add_people.add_people(team=team, text=ANA, actor=OLGA)
        deliver()
        assert Redemption.objects.get().state == "refused"
        assert SeatGrant.objects.count() == 1

    def test_it_gives_a_stranger_the_seat_they_sit_in(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, seats=1)
        sandbox.member(account_id=team.account_id, email=SAM)
        sync_team(team_id=team.pk)
        (result,) = add_people.add_people(team=team, text=SAM, actor=OLGA)
        deliver()
        team.refresh_from_db()
        assert (result.outcome, team.seats_held, team.outsiders) == (Added.INVITING, 1, 0)
        assert SeatGrant.objects.get().state == GrantState.JOINED

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("a@x.co, b@x.co;c@x.co", ["a@x.co", "b@x.co", "c@x.co"]),
            ("a@x.co，b@x.co；c@x.co、d@x.co", ["a@x.co", "b@x.co", "c@x.co", "d@x.co"]),
            ("a@x.co b@x.co\tc@x.co\r\n\r\nd@x.co ", ["a@x.co", "b@x.co", "c@x.co", "d@x.co"]),
            ('Ana Lee <a@x.co>, "Lee, Ben" <b@x.co>,', ["a@x.co", "b@x.co"]),
            ("not an address\nb@x.co", ["not an address", "b@x.co"]),
            (" ,\n", []),
        ],
    )
    def test_it_reads_what_a_mail_has_in_its_to_line(self, text: str, found: list[str]) -> None:
        assert add_people.addresses(text) == found

    def test_it_takes_fifty_addresses_at_most_however_they_are_parted(self) -> None:
        text = ", ".join(f"p{n}@example.com" for n in range(52))
        results = add_people.add_people(team=a_team(seats=60), text=text, actor=OLGA)
        assert [one.outcome for one in results][49:] == [Added.INVITING, Added.TOO_MANY, Added.TOO_MANY]

    def test_it_takes_fifty_at_most(self) -> None:
        text = "\n".join(f"p{n}@example.com" for n in range(52))
        results = add_people.add_people(team=a_team(seats=60), text=text, actor=OLGA)
        assert [one.outcome for one in results][49:] == [Added.INVITING, Added.TOO_MANY, Added.TOO_MANY]


class TestOutsiders:
    @pytest.fixture
    def team(self, sandbox: SandboxServer) -> Team:
        team = import_sandbox_team(sandbox)
        sandbox.member(account_id=team.account_id, email=SAM)
        sandbox.member(account_id=team.account_id, email="admin@example.com", role="account-admin")
        sandbox.invite_from_web(account_id=team.account_id, email="x@example.com")
        sync_team(team_id=team.pk)
        return team

    @pytest.mark.parametrize(("email", "places"), [(SAM, 3), ("x@example.com", 2)])
    def test_it_removes_a_stranger(self, sandbox: SandboxServer, team: Team, email: str, places: int) -> None:
        """The place of somebody who was in waits for a read of the seats; a withdrawn invitation's is back at once."""
        outsiders.remove(member_id=Member.objects.get(email=email).pk, actor=OLGA)
        finish(team)
        assert email not in listed(sandbox, team)
        assert Departure.objects.get().state == "done"
        team.refresh_from_db()
        assert team.outsiders == places

    def test_it_never_removes_owners_and_admins(self, sandbox: SandboxServer, team: Team) -> None:
        for row in Member.objects.filter(role__in=["account-owner", "account-admin"]):
            with pytest.raises(Refused) as refused:
                outsiders.remove(member_id=row.pk, actor=OLGA)
            assert refused.value.code == "manager"
        assert not Departure.objects.exists()

    def test_it_keeps_whoever_is_allowed_before_the_call(self, sandbox: SandboxServer, team: Team) -> None:
        outsiders.remove(member_id=Member.objects.get(email=SAM).pk, actor=OLGA)
        outsiders.allow(team=team, email=SAM, actor=OLGA)
        finish(team)
        assert SAM in listed(sandbox, team)
        assert Departure.objects.get().state == "dropped"

    def test_it_ends_an_exception(self, team: Team) -> None:
        person = outsiders.allow(team=None, email=SAM, actor=OLGA)
        assert outsiders.allow(team=None, email=SAM, actor=OLGA).pk == person.pk
        outsiders.disallow(allowed_id=person.pk, actor=OLGA)
        assert not AllowedMember.objects.exists()
        assert AuditEvent.objects.filter(action="person_disallowed").exists()

    def test_it_waits_while_a_stranger_on_the_way_out_redeems(self, sandbox: SandboxServer, team: Team) -> None:
        outsiders.remove(member_id=Member.objects.get(email=SAM).pk, actor=OLGA)
        redemption = redeem(email=SAM, code=a_code().code)
        assert not redemption.grants.exists()
        finish(team)
        finish(team)
        assert redemption.grants.get().state in (GrantState.VERIFIED, GrantState.JOINED)
        check_upstream(sandbox)


class TestArchive:
    def test_it_previews_then_voids_bound_codes(self, sandbox: SandboxServer) -> None:
        team, other = import_sandbox_team(sandbox), import_sandbox_team(sandbox)
        seated(sandbox, team=team)
        bound, free = a_code(team=team), a_code()
        Team.objects.filter(pk=team.pk).update(token_state="expired")
        assert archive.expired_team_ids() == [team.pk]
        (plan,) = archive.preview([team.pk])
        assert (plan.seated, plan.codes) == (1, 1)
        assert archive.archive_teams(team_ids=[team.pk], codes_to=None, actor=OLGA) == 1
        assert archive.archive_teams(team_ids=[team.pk], codes_to=None, actor=OLGA) == 0
        bound.refresh_from_db()
        free.refresh_from_db()
        assert bound.voided_at is not None
        assert free.voided_at is None
        assert Team.objects.filter(pk=team.pk).exists()
        assert SeatGrant.objects.live().get().team == team
        assert other in Team.objects.allocatable(timezone.now())
        assert team not in Team.objects.allocatable(timezone.now())

    def test_it_points_bound_codes_elsewhere(self) -> None:
        team, other, code = a_team(), a_team(), a_code()
        bound = a_code(team=team)
        archive.archive_teams(team_ids=[team.pk], codes_to=other, actor=OLGA)
        bound.refresh_from_db()
        assert (bound.team, bound.voided_at) == (other, None)
        assert redeem(email=ANA, code=bound.code).grants.get().team == other
        code.refresh_from_db()
        assert code.team is None

    @pytest.mark.parametrize("is_moved", [True, False])
    def test_uses_left_of_a_used_code_go_the_same_way(self, is_moved: bool) -> None:
        team, other = a_team(), a_team()
        code = a_code(team=team, max_uses=5)
        ana = redeem(email=ANA, code=code.code)
        (plan,) = archive.preview([team.pk])
        assert plan.codes == 1
        archive.archive_teams(team_ids=[team.pk], codes_to=other if is_moved else None, actor=OLGA)
        assert redeem(email=ANA, code=code.code).pk == ana.pk, "who used it before keeps their claim"
        if is_moved:
            assert redeem(email=SAM, code=code.code).grants.get().team == other
        else:
            with pytest.raises(errors.CodeVoid):
                redeem(email=SAM, code=code.code)

    @pytest.mark.parametrize("is_moved", [True, False])
    def test_a_used_up_code_given_back_later_goes_the_same_way(self, is_moved: bool) -> None:
        team, other = a_team(), a_team()
        code = a_code(team=team)
        ana = redeem(email=ANA, code=code.code)
        (plan,) = archive.preview([team.pk])
        assert plan.codes == 0
        archive.archive_teams(team_ids=[team.pk], codes_to=other if is_moved else None, actor=OLGA)
        assert opening.leave_dead_team(grant=SeatGrant.objects.live().get(), now=timezone.now(), actor=OLGA)
        seat.end_claim(redemption_id=ana.pk, actor=OLGA)
        code.refresh_from_db()
        assert code.uses_held == 0
        if is_moved:
            assert redeem(email=SAM, code=code.code).grants.get().team == other
            return
        with pytest.raises(errors.CodeVoid):
            redeem(email=SAM, code=code.code)
        Team.objects.filter(pk=team.pk).update(archived_at=None)
        assert redeem(email=SAM, code=code.code).grants.get().team == team

    def test_it_refuses_to_point_codes_to_a_team_that_goes(self) -> None:
        team = a_team()
        with pytest.raises(ValueError, match="stays"):
            archive.archive_teams(team_ids=[team.pk], codes_to=team, actor=OLGA)
