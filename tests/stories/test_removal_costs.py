"""What removals cost: kept, shown on three pages, told once; and the guardian's limit of a Team and 72 hours."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from guardian.models import Finding
from guardian.rules.states import State
from invites.departures import window
from invites.departures.carry_out import carry_out
from invites.departures.closing import SPENT
from invites.following.sync import sync_team
from invites.models import Departure
from invites.reconcile import reconcile
from invites.states import DepartureState
from notifications.models import AuditEvent, Message
from notifications.texts import notices
from sandbox.server import SandboxServer
from teampool.models import Team
from tests.cast import ANA, SAM, import_sandbox_team, run_together
from tests.guardian.admin.test_findings import words
from tests.guardian.clock import pass_time
from tests.guardian.pool import HOUR, configure
from tests.invites.invariants import check_books
from tests.notifications.conftest import settle
from tests.stories.test_guardian_safety import a_joined, enforce, look, people_of

pytestmark = pytest.mark.django_db(transaction=True)

HOURS = 3600
FREE = 5
SEVEN = [f"over{n}@example.com" for n in range(1, 8)]


@pytest.fixture
def team(sandbox: SandboxServer, settings: Any) -> Team:
    """The sixth vacancy and each after it is charged; operators are told by Bark."""
    settings.TIME_ZONE = "UTC"
    settle(bark_url="http://127.0.0.1:9/key")
    team = import_sandbox_team(sandbox, seats=30)
    sandbox.set_workspace(team.account_id, vacancy_threshold=FREE + 1)
    sync_team(team_id=team.pk)
    return team


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.cookies["django_language"] = "en"
    return olga_client


def all_over(sandbox: SandboxServer, team: Team, emails: list[str] = SEVEN) -> None:
    for email in emails:
        a_joined(sandbox, team, email, ends_at=timezone.now() - HOUR)


def told() -> list[str]:
    with translation.override("en"):
        return [notices.line(one.event, one.context) for one in Message.objects.filter(event="removal_costs")]


def charged(nth: str, team: Team) -> str:
    day = Departure.objects.filter(billed_until__isnull=False).latest("pk").billed_until
    return f"{nth} removal, over the free 5; this seat is billed until {day:%Y-%m-%d} · somebody has to take the seat"


class TestSevenRemovals:
    @pytest.fixture(autouse=True)
    def _removed(self, sandbox: SandboxServer, team: Team) -> None:
        enforce()
        configure(max_removals_per_team=20, max_removals_per_72h=20)
        all_over(sandbox, team)
        look(sandbox, 3)
        assert people_of(sandbox, team) == set()

    def test_each_departure_keeps_what_chatgpt_said(self, team: Team) -> None:
        rows = team.departures.order_by("vacancy_ordinal")
        assert [(one.vacancy_ordinal, one.free_below, one.notice.costs) for one in rows] == [
            (n, FREE + 1, n > FREE) for n in range(1, 8)
        ]
        assert all(one.state == DepartureState.DONE and one.removed_at for one in rows)

    def test_the_sixth_and_the_seventh_are_told_once_each(self, team: Team) -> None:
        assert sorted(told()) == [f"{team}: {charged(nth, team)}" for nth in ("6th", "7th")]

    def test_the_team_the_person_and_the_sweep_show_it(self, team: Team, desk: Client) -> None:
        way = team.departures.get(vacancy_ordinal=6)
        sweep = Finding.objects.get(departure=way).sweep
        assert way.grant is not None
        assert sweep is not None
        for address in (
            reverse("admin:teampool_team_change", args=[team.pk]),
            reverse("admin:invites_redemption_change", args=[way.grant.redemption_id]),
            f"/admin/find/?q={way.email}",
            reverse("admin:guardian_sweep_change", args=[sweep.pk]),
        ):
            said = words(desk.get(address).content.decode())
            assert charged("6th", team) in said, address
        said = words(desk.get(reverse("admin:teampool_team_change", args=[team.pk])).content.decode())
        assert "5th removal, of the 5 that are free" in said

    def test_in_chinese_too(self, team: Team) -> None:
        way = team.departures.get(vacancy_ordinal=6)
        assert way.billed_until is not None
        with translation.override("zh-hans"):
            said = notices.removal_cost(way.notice.facts())
        assert said == f"第 6 次移除，超过免费的 5 次；该席位计费到 {way.billed_until:%Y-%m-%d} · 需要补人"

    def test_the_books_are_right(self) -> None:
        check_books()


class TestSaidNothing:
    def test_a_removal_without_a_word_is_shown_as_such_and_not_told(
        self, sandbox: SandboxServer, team: Team, desk: Client
    ) -> None:
        sandbox.set_workspace(team.account_id, shapes={"policy_notice": "absent"})
        way = a_way_out(sandbox, team, SAM)
        assert carry_out(departure_id=way.pk)
        said = words(desk.get(reverse("admin:teampool_team_change", args=[team.pk])).content.decode())
        assert f"{SAM} {timezone.localtime(timezone.now()):%Y-%m-%d}" in said
        assert "ChatGPT said nothing about the cost" in said
        assert told() == []

    def test_a_revoked_invitation_neither_costs_nor_counts(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.invite_from_web(team.account_id, SAM)
        way = a_way_out(sandbox, team, SAM, is_in=False)
        assert carry_out(departure_id=way.pk)
        way.refresh_from_db()
        assert (way.told_at is not None, way.removed_at) == (True, None)
        assert window.by_team(timezone.now()) == {}


class TestToldOnce:
    def test_a_removal_told_again_is_one_notice(self, sandbox: SandboxServer, team: Team) -> None:
        """The list still shows the person, so ChatGPT is told once more and answers with another number."""
        sandbox.set_workspace(team.account_id, vacancies=5)
        way = a_way_out(sandbox, team, SAM)
        assert carry_out(departure_id=way.pk)
        sandbox.member(team.account_id, SAM, lag=0)
        Departure.objects.update(told_at=None, due_at=timezone.now(), upstream_user_id="")
        assert carry_out(departure_id=way.pk)
        way.refresh_from_db()
        assert way.vacancy_ordinal == 7
        assert len(told()) == 1

    def test_an_answer_that_was_lost_counts_and_is_not_told(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.set_workspace(team.account_id, vacancies=5)
        way = a_way_out(sandbox, team, SAM)
        sandbox.fault("remove", "reset_after")
        assert not carry_out(departure_id=way.pk)
        way.refresh_from_db()
        assert (way.told_at, way.removed_at is not None) == (None, True)
        Departure.objects.update(due_at=timezone.now())
        assert carry_out(departure_id=way.pk)
        way.refresh_from_db()
        assert (way.told_at is not None, way.removed_at is not None, way.vacancy_ordinal) == (True, True, None)
        assert (told(), window.by_team(timezone.now())) == ([], {team.pk: 1})
        pass_time(sandbox, 400)
        sync_team(team_id=team.pk)
        way.refresh_from_db()
        assert way.state == DepartureState.DONE

    def test_a_certain_no_does_not_count(self, sandbox: SandboxServer, team: Team) -> None:
        way = a_way_out(sandbox, team, SAM)
        sandbox.fault("remove", "owner_403")
        assert not carry_out(departure_id=way.pk)
        way.refresh_from_db()
        assert (way.removed_at, window.by_team(timezone.now())) == (None, {})


def a_way_out(sandbox: SandboxServer, team: Team, email: str, *, is_in: bool = True, **fields: Any) -> Departure:
    """An automatic departure of a stranger, who is in unless said otherwise."""
    user_id = sandbox.member(team.account_id, email, lag=0)["user_id"] if is_in else ""
    values = {"reason": "stranger", "is_automatic": True, "due_at": timezone.now(), "upstream_user_id": user_id}
    return Departure.objects.create(team=team, email=email, **(values | fields))


class TestLimit:
    """Five removals of a Team in 72 hours."""

    def test_two_of_seven_stay_until_72_hours_are_over(self, sandbox: SandboxServer, team: Team, desk: Client) -> None:
        enforce()
        configure(max_removals_per_team=20)
        all_over(sandbox, team)
        done = look(sandbox)
        assert (done.removals, done.spent, len(people_of(sandbox, team))) == (5, 2, 2)
        left = Finding.objects.filter(problem=SPENT, state=State.OPEN)
        assert left.count() == 2
        page = words(desk.get(reverse("admin:guardian_sweep_change", args=[done.pk])).content.decode())
        assert "2 people stay for now: the removals of 72 hours are used up in their Teams." in page
        findings = words(desk.get("/admin/guardian/finding/").content.decode())
        assert "removals of 72 hours are used up" in findings
        look(sandbox, 3, apart=23 * HOURS)
        assert len(people_of(sandbox, team)) == 2
        capped = AuditEvent.objects.filter(action="guardian_capped")
        assert [one.details for one in capped] == [{"wanted": 2, "limit": 5, "hours": 72}]
        assert Message.objects.filter(event="guardian_capped").count() == 1
        assert told() == []
        look(sandbox, 2, apart=3 * HOURS)
        assert people_of(sandbox, team) == set()
        check_books()

    def test_strangers_wait_for_a_person_who_may_remove_them(self, sandbox: SandboxServer, team: Team) -> None:
        enforce()
        configure(max_removals_per_team=20)
        all_over(sandbox, team, SEVEN[:4])
        look(sandbox, 2)
        strangers = {"s1@example.com", "s2@example.com"}
        for email in strangers:
            sandbox.member(team.account_id, email, lag=0)
        sandbox.invite_from_web(team.account_id, "s3@example.com")
        look(sandbox, 3)
        assert people_of(sandbox, team) == strangers, "an invitation is revoked all the same"
        held = Finding.objects.filter(state=State.HELD)
        assert {(one.email, one.problem) for one in held} == {(email, SPENT) for email in strangers}
        for one in held:
            Finding.objects.filter(pk=one.pk).update(state=State.APPROVED, decided_by="olga")
        look(sandbox, 2)
        assert people_of(sandbox, team) == set(), "what a person approved goes whatever the numbers"

    def test_the_preview_says_it_before_it_is_switched_on(
        self, sandbox: SandboxServer, team: Team, desk: Client
    ) -> None:
        enforce()
        configure(mode="report", max_removals_per_team=20, max_removals_per_72h=1)
        for email in (SAM, ANA):
            sandbox.member(team.account_id, email, lag=0)
        look(sandbox, 3)
        said = words(desk.get(reverse("admin:guardian_enforce")).content.decode())
        assert said.count("Too many at once: waits for you") == 2
        assert "and 1 a Team in 72 hours" in said
        configure(mode="report", max_removals_per_team=20, max_removals_per_72h=2)
        said = words(desk.get(reverse("admin:guardian_enforce")).content.decode())
        assert said.count("Removed by the next sweep") == 2

    def test_what_an_operator_orders_counts_and_is_not_stopped(self, sandbox: SandboxServer, team: Team) -> None:
        configure(max_removals_per_72h=1)
        for email in SEVEN[:2]:
            way = a_way_out(sandbox, team, email, is_automatic=False, reason="taken_back")
            assert carry_out(departure_id=way.pk)
        approved = a_way_out(sandbox, team, SAM, evidence={"approved_by": "olga"})
        assert carry_out(departure_id=approved.pk)
        way = a_way_out(sandbox, team, ANA)
        assert not carry_out(departure_id=way.pk)
        way.refresh_from_db()
        assert (way.state, way.last_problem, way.removed_at) == (DepartureState.DROPPED, SPENT, None)
        assert people_of(sandbox, team) == {ANA}

    def test_another_team_has_its_own(self, sandbox: SandboxServer, team: Team) -> None:
        configure(max_removals_per_72h=1)
        other = import_sandbox_team(sandbox, seats=5)
        sync_team(team_id=other.pk)
        for one in (team, other):
            way = a_way_out(sandbox, one, f"s{one.pk}@example.com")
            assert carry_out(departure_id=way.pk)


class TestRace:
    """Seven departures are open, and seven workers carry them out at once."""

    @pytest.fixture
    def ways(self, sandbox: SandboxServer, team: Team) -> list[Departure]:
        configure(max_removals_per_72h=5)
        ways = [a_way_out(sandbox, team, email) for email in SEVEN]
        # No call is answered before all have been made.
        sandbox.fault("remove", {"delay": 2}, times=0)
        return ways

    def carry_out_all(self, ways: list[Departure]) -> None:
        for came in run_together(*[lambda pk=way.pk: carry_out(departure_id=pk) for way in ways]):
            assert not isinstance(came, Exception), came

    def test_five_are_removed(self, sandbox: SandboxServer, team: Team, ways: list[Departure]) -> None:
        self.carry_out_all(ways)
        assert len(people_of(sandbox, team)) == 2
        assert Departure.objects.filter(state=DepartureState.DROPPED, last_problem=SPENT).count() == 2

    def test_control_counting_what_was_answered_removes_more(
        self, sandbox: SandboxServer, team: Team, ways: list[Departure], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without a removal written down before the call, those under way at the same moment are not seen."""
        monkeypatch.setattr(window, "removed", lambda now: Q(removed_at__isnull=False, told_at__isnull=False))
        self.carry_out_all(ways)
        assert len(people_of(sandbox, team)) < 2

    def test_a_worker_that_died_after_the_call_is_counted(self, sandbox: SandboxServer, team: Team) -> None:
        configure(max_removals_per_72h=1)
        first, second = a_way_out(sandbox, team, SAM), a_way_out(sandbox, team, ANA)
        sandbox.fault("remove", "reset_after")
        carry_out(departure_id=first.pk)  # nothing was written down after the call
        Departure.objects.filter(pk=first.pk).update(lease_until=timezone.now() - HOUR, due_at=timezone.now())
        assert not carry_out(departure_id=second.pk)
        reconcile()
        assert people_of(sandbox, team) == {ANA}


def test_removals_before_the_upgrade_count(sandbox: SandboxServer, team: Team) -> None:
    now = timezone.now()
    for email, saw in ((SAM, "member"), (ANA, "invite")):
        way = a_way_out(sandbox, team, email, is_in=False, state="done", evidence={"saw": saw})
        Departure.objects.filter(pk=way.pk).update(told_at=now)
    migration = import_module("invites.migrations.0008_count_removals_before")
    migration.count_removals_before(apps, SimpleNamespace(connection=connection))
    assert window.by_team(now) == {team.pk: 1}
