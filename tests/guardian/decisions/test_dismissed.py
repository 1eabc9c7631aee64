"""Whoever an operator said to leave be is left be for as long as they stay, whatever one list shows of them."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from guardian.models import Finding
from guardian.rules import still_possible
from guardian.rules.rules import Found, Row, Seat, TeamView
from guardian.rules.states import Kind, State
from guardian.rules.still_possible import Shown
from guardian.sweeping import findings
from invites.actions import seat
from invites.following.sync import sync_team
from invites.models import SeatGrant
from sandbox.server import SandboxServer
from teampool.models import Team
from tests.cast import ANA, SAM, a_team, import_sandbox_team
from tests.guardian.pool import HOUR, OLGA
from tests.guardian.rows import a_finding
from tests.stories.test_guardian_safety import a_joined, enforce, lists_of, look, people_of

pytestmark = pytest.mark.django_db(transaction=True)
HIDDEN = {"email": None, "verified_email": None}
OWN = Row("user-own", "omar@example.com", role="account-owner")


@pytest.fixture
def team(sandbox: SandboxServer) -> Team:
    team = import_sandbox_team(sandbox, seats=9)
    sync_team(team_id=team.pk)
    enforce()
    return team


def dismiss(email: str = SAM) -> None:
    findings.dismiss(finding_id=Finding.objects.get(email=email).pk, actor=OLGA)


def show(sandbox: SandboxServer, team: Team, changes: dict[str, dict[str, Any]]) -> None:
    """From now on the list says this of these people instead."""
    body = lists_of(sandbox, team, "users")
    for row in body["items"]:
        row.update(changes.get(row["email"], {}))
    sandbox.fault("members", {"status": 200, "body": body}, account_id=team.account_id, times=0)


def states(email: str = SAM) -> list[str]:
    return list(Finding.objects.filter(email=email).order_by("pk").values_list("state", flat=True))


class TestThePersonStays:
    def test_while_one_list_hides_their_address(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.member(team.account_id, SAM, lag=0)
        look(sandbox)
        dismiss()
        show(sandbox, team, {SAM: HIDDEN})
        look(sandbox)
        sandbox.clear_faults()
        look(sandbox, 4)
        assert people_of(sandbox, team) == {SAM}
        assert states() == [State.DISMISSED]

    def test_as_an_invitation_beside_somebody_who_is_hidden(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.invite_from_web(team.account_id, SAM)
        look(sandbox)
        dismiss()
        sandbox.member(team.account_id, ANA, lag=0, hide_email=True)
        look(sandbox)
        sandbox.leave(team.account_id, ANA)
        look(sandbox, 4)
        assert people_of(sandbox, team) == {SAM}
        assert states() == [State.DISMISSED]

    def test_when_their_other_seat_is_over(self, sandbox: SandboxServer, team: Team) -> None:
        other = import_sandbox_team(sandbox)
        sync_team(team_id=other.pk)
        grant = a_joined(sandbox, other, SAM)
        sandbox.member(team.account_id, SAM, lag=0)
        look(sandbox)
        assert Finding.objects.get().kind == Kind.DUPLICATE
        dismiss()
        seat.take_back(redemption_id=grant.redemption_id, actor=OLGA)
        look(sandbox, 5)
        assert people_of(sandbox, other) == set()
        assert people_of(sandbox, team) == {SAM}
        assert list(Finding.objects.values_list("kind", "state")) == [(Kind.STRANGER, State.DISMISSED)]

    def test_under_a_new_address(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.member(team.account_id, SAM, lag=0)
        look(sandbox)
        dismiss()
        show(sandbox, team, {SAM: {"email": "samuel@example.com"}})
        look(sandbox, 4)
        assert people_of(sandbox, team) == {SAM}
        assert states("samuel@example.com") == [State.DISMISSED]

    def test_beyond_their_time_while_one_list_hides_them(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.fault("remove", "busy_409", times=0)
        a_joined(sandbox, team, ANA, ends_at=timezone.now() + timedelta(minutes=3))
        look(sandbox)
        Finding.objects.update(state=State.DISMISSED)
        sandbox.clear_faults()
        SeatGrant.objects.update(upstream_user_id="")
        show(sandbox, team, {ANA: HIDDEN})
        look(sandbox)
        assert states(ANA) == [State.DISMISSED]


class TestNote:
    def note(self, one: Found | None, of: Finding, people: Shown) -> None:
        now = timezone.now()
        found = [one] if one is not None else []
        findings.note(found=found, looked_at={of.team_id: now}, shown={of.team_id: people}, now=now)

    def test_whoever_a_list_shows_no_more_is_gone(self) -> None:
        finding = a_finding(state=State.DISMISSED, last_seen_at=timezone.now() - HOUR)
        self.note(None, finding, Shown(frozenset({"omar@example.com"})))
        assert states() == [State.GONE]

    def test_whoever_has_a_redemption_under_way_is_still_there(self) -> None:
        finding = a_finding(state=State.DISMISSED, last_seen_at=timezone.now() - HOUR)
        self.note(None, finding, Shown(frozenset({SAM})))
        assert states() == [State.DISMISSED]

    def test_one_that_is_watched_starts_anew_as_another_kind(self) -> None:
        finding = a_finding(last_seen_at=timezone.now() - HOUR)
        self.note(Found(Kind.DUPLICATE, finding.team_id, SAM), finding, Shown(frozenset({SAM})))
        assert states() == [State.GONE, State.OPEN]

    def test_an_address_shown_twice_is_one_finding(self) -> None:
        team, now = a_team(), timezone.now()
        both = [Found(Kind.STRANGER, team.pk, SAM, f"user-{n}") for n in range(2)]
        assert findings.note(found=both, looked_at={team.pk: now}, shown={team.pk: Shown()}, now=now) == 1
        assert states() == [State.OPEN]


class TestShown:
    NOW = timezone.now()

    def read(self, *rows: Row, seats: tuple[Seat, ...] = ()) -> Shown:
        return still_possible.read(TeamView(1, "user-own", OWN.email, [OWN, *rows], seats), self.NOW)

    def test_a_person_is_there_by_address_or_by_id(self) -> None:
        here = self.read(Row("user-sam", SAM))
        assert here.may_hold(Kind.STRANGER, SAM, "")
        assert here.may_hold(Kind.STRANGER, "samuel@example.com", "user-sam")
        assert not here.may_hold(Kind.STRANGER, ANA, "user-ana")

    def test_behind_a_hidden_row_there_may_be_anybody(self) -> None:
        assert self.read(Row("user-x", "")).may_hold(Kind.STRANGER, ANA, "")

    def test_a_seat_that_was_extended_is_over_no_more(self) -> None:
        ours = Seat(1, 1, ANA, is_confirmed=True, ends_at=self.NOW - HOUR)
        assert self.read(Row("user-x", ""), seats=(ours,)).may_hold(Kind.OVERDUE, ANA, "")
        assert not self.read(Row("user-ana", ANA)).may_hold(Kind.OVERDUE, ANA, "user-ana")

    def test_whoever_is_seen_again_has_not_vanished(self) -> None:
        hidden = Row("user-x", "")
        assert self.read(hidden).may_hold(Kind.VANISHED, ANA, "")
        assert not self.read(hidden, Row("user-ana", ANA)).may_hold(Kind.VANISHED, ANA, "")
        assert not self.read().may_hold(Kind.VANISHED, ANA, "")


def test_a_dismissal_while_a_list_is_being_judged_is_not_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    team, at = a_team(), timezone.now() + timedelta(minutes=1)
    finding = a_finding(team=team, email=SAM, kind=Kind.STRANGER, age=HOUR)
    seen = Found(team_id=team.pk, kind=Kind.STRANGER, email=SAM, upstream_id=finding.upstream_id, is_invite=False)
    real, threads = findings._left_be, []

    def meanwhile(standing: Any) -> Any:
        """Between what it read and what it writes an operator dismisses, as soon as that is possible."""
        threads.append(threading.Thread(target=in_a_thread_of_its_own))
        threads[0].start()
        threads[0].join(1)
        return real(standing)

    def in_a_thread_of_its_own() -> None:
        dismiss()
        connection.close()

    monkeypatch.setattr(findings, "_left_be", meanwhile)
    findings.note(found=[seen], looked_at={team.pk: at}, shown={team.pk: Shown()}, now=at)
    threads[0].join(30)
    assert states() == [State.DISMISSED]
