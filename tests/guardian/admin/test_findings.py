"""The page of findings: what each row says, what can be decided, and who may."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from guardian import mode
from guardian.decisions import deciding
from guardian.models import Finding
from guardian.rules.states import Kind, State
from invites.actions.seat import Refused
from invites.models import Departure, Redemption
from invites.settings import REMOVALS_PAUSED
from notifications.models import AuditEvent
from notifications.settings import runtime
from teampool.models import AllowedMember
from tests.cast import ANA, SAM, a_team, noon
from tests.guardian.rows import (
    MINUTE,
    OLGA,
    a_finding,
    a_removal,
    a_sweep,
    a_vanished,
    an_overdue,
    an_overdue_seat,
    set_guardian,
)
from tests.invites.rows import a_grant, a_redemption

LIST = "/admin/guardian/finding/"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _noon(time_machine: Any) -> None:
    """These pages name the day of a time only when it is another one."""
    time_machine.move_to(noon())


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.cookies["django_language"] = "en"
    return olga_client


@pytest.fixture
def looker(client: Client) -> Client:
    """May see findings and sweeps, decide nothing."""
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_finding", "view_sweep"]))
    client.force_login(clerk)
    client.cookies["django_language"] = "en"
    return client


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def page(desk: Client, path: str = LIST) -> str:
    answer = desk.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def row(desk: Client, email: str, path: str = LIST) -> str:
    """The row of one person, markup and all."""
    found = [line for line in re.findall(r"<tr.*?</tr>", page(desk, path), re.S) if email in line]
    assert len(found) == 1, email
    return found[0]


def buttons(html: str) -> list[str]:
    return re.findall(r'class="row-button">([^<]*)<', html)


def emails(desk: Client, query: str = "") -> set[str]:
    return {one.email for one in desk.get(f"{LIST}{query}").context["cl"].result_list}


def picked(answer: Any) -> list[str]:
    return re.findall(r'name="picked" value="(\d+)"', answer.content.decode())


def main_button(answer: Any) -> str:
    return "".join(re.findall(r'<button class="sk-button sk-main">([^<]*)</button>', answer.content.decode()))


def remove(desk: Client, *found: Finding) -> Any:
    data = {"confirmed": "yes", "picked": [one.pk for one in found], "next": LIST}
    return desk.post(reverse("admin:findings_remove"), data, follow=True)


class TestList:
    def test_a_stranger_says_since_when_how_often_and_until_when(self, desk: Client) -> None:
        a_finding(age=MINUTE, sightings=1)
        said = words(row(desk, SAM))
        assert re.search(r"Stranger .* first seen \d\d:\d\d · 1/3 times · grace until \d\d:\d\d .* Watched", said)

    def test_each_kind_has_its_buttons(self, desk: Client) -> None:
        a_finding("a@x.co"), a_finding("b@x.co", kind=Kind.DUPLICATE)
        an_overdue("c@x.co"), a_vanished("d@x.co")
        wanted = {
            "a@x.co": ["Remove", "Allow", "Dismiss"],
            "b@x.co": ["Remove", "Allow", "Dismiss"],
            "c@x.co": ["Remove", "Dismiss"],
            "d@x.co": ["Take back", "Dismiss"],
        }
        assert {email: buttons(row(desk, email)) for email in wanted} == wanted

    def test_a_duplicate_names_the_team_of_the_seat(self, desk: Client) -> None:
        a_grant(a_redemption(SAM), "joined", team=a_team(name="Home", held=1))
        a_finding(kind=Kind.DUPLICATE)
        assert "seat in Home" in words(row(desk, SAM))

    def test_a_duplicate_known_by_the_id_names_it_too(self, desk: Client) -> None:
        finding = a_finding(kind=Kind.DUPLICATE)
        home = a_team(name="Home", held=1)
        a_grant(a_redemption(ANA), "joined", team=home, upstream_user_id=finding.upstream_id)
        assert "seat in Home" in words(row(desk, SAM))

    def test_one_that_did_not_work_says_why_and_that_it_is_checked_again(self, desk: Client) -> None:
        a_finding("a@x.co", state=State.FAILED, problem="a redemption is under way")
        a_finding("b@x.co", state=State.FAILED)
        assert "Not removed a redemption is under way" in words(row(desk, "a@x.co"))
        assert "The removal did not work; it is checked again after the next complete list." in words(
            row(desk, "b@x.co")
        )

    def test_it_shows_those_that_stand_unless_asked_for_others(self, desk: Client) -> None:
        kept = a_finding("a@x.co", state=State.DISMISSED)
        a_finding("b@x.co", state=State.GONE), a_finding("c@x.co", state=State.HELD)
        a_finding("d@x.co", team=a_team(archived_at=kept.first_seen_at))
        assert emails(desk) == {"a@x.co", "c@x.co"}
        assert emails(desk, "?state=held") == {"c@x.co"}
        assert emails(desk, "?state=all") == {"a@x.co", "b@x.co", "c@x.co", "d@x.co"}
        assert emails(desk, f"?team={kept.team_id}") == {"a@x.co"}
        assert emails(desk, "?q=c@x") == {"c@x.co"}
        assert emails(desk, "?kind=overdue") == set()

    def test_an_empty_one_says_when_was_looked_last(self, desk: Client) -> None:
        assert "No findings. No sweep yet." in words(page(desk))
        a_sweep()
        assert re.search(r"No findings\. Last sweep \d\d:\d\d", words(page(desk)))
        assert re.search(r"Last sweep <time datetime=[^>]+>\d\d:\d\d</time>", page(desk))

    def test_the_number_in_the_menu_counts_those_that_ask_for_somebody(self, desk: Client) -> None:
        a_finding("a@x.co"), a_finding("b@x.co", state=State.HELD), a_finding("c@x.co", state=State.DISMISSED)
        items = [item for group in desk.get(LIST).context["sidebar_navigation"] for item in group["items"]]
        assert [item.get("badge") for item in items if item["title"] == "Findings"] == ["2"]

    def test_it_asks_the_database_as_often_for_forty_as_for_one(self, desk: Client) -> None:
        a_finding("first@x.co"), an_overdue("late@x.co"), a_vanished("gone@x.co")
        page(desk)
        with CaptureQueriesContext(
            connection,
        ) as few:
            page(desk)
        for n in range(20):
            a_finding(f"s{n}@x.co"), an_overdue(f"o{n}@x.co"), a_vanished(f"v{n}@x.co")
        with CaptureQueriesContext(connection) as many:
            page(desk)
        assert len(many) == len(few)


class TestRemove:
    def test_the_page_lists_exactly_who_goes_and_who_stays(self, desk: Client) -> None:
        goes, invited = a_finding("a@x.co"), a_finding("b@x.co", is_invite=True)
        gone = a_finding("c@x.co", state=State.GONE)
        a_finding("other@x.co")
        chosen = [goes.pk, invited.pk, gone.pk]
        answer = desk.post(f"{LIST}?state=all", {"action": "remove", "_selected_action": chosen})
        assert picked(answer) == [str(goes.pk), str(invited.pk)]
        assert main_button(answer) == "Remove 2 people"
        said = words(answer.content.decode())
        assert "1 person stays as they are." in said
        assert "The invitation is revoked." in said
        assert "other@x.co" not in said
        assert not Departure.objects.exists(), "nothing is done by looking"

    def test_one_is_asked_about_too(self, desk: Client) -> None:
        finding = a_finding()
        answer = desk.post(reverse("admin:finding_remove", args=[finding.pk]), {"next": LIST})
        assert (picked(answer), main_button(answer)) == ([str(finding.pk)], "Remove 1 person")
        assert not Departure.objects.exists()

    def test_it_writes_at_once_that_they_leave(self, desk: Client) -> None:
        finding = a_finding()
        assert f"{SAM}: Started: the person is being removed." in words(remove(desk, finding).content.decode())
        finding.refresh_from_db()
        departure = Departure.objects.get()
        assert (finding.state, finding.departure, finding.decided_by) == (State.REMOVING, departure, "olga")
        assert (departure.reason, departure.upstream_user_id) == ("stranger", finding.upstream_id)
        assert departure.evidence["approved_by"] == "olga"
        assert AuditEvent.objects.filter(action="finding_approved", actor="olga", object_label=SAM).exists()

    def test_several_get_a_result_each(self, desk: Client) -> None:
        first, second = a_finding("a@x.co"), a_finding("b@x.co")
        Finding.objects.filter(pk=second.pk).update(state=State.GONE)
        said = words(remove(desk, first, second).content.decode())
        assert "Started for 1 of 2." in said
        assert "b@x.co changed meanwhile; look again" in said

    def test_somebody_with_a_right_by_then_stays(self, desk: Client) -> None:
        finding = a_finding()
        AllowedMember.objects.create(team=finding.team, email=SAM, origin="operator")
        assert "may stay after all" in words(remove(desk, finding).content.decode())
        finding.refresh_from_db()
        assert (finding.state, Departure.objects.count()) == (State.GONE, 0)

    def test_it_works_with_the_guardian_off_and_is_not_called_off_by_it(self, desk: Client) -> None:
        finding = an_overdue()
        remove(desk, finding)
        mode.settle()
        finding.refresh_from_db()
        assert (finding.state, Departure.objects.get().state) == (State.REMOVING, "open")

    def test_one_that_was_interrupted_is_taken_up_again(self, desk: Client) -> None:
        finding = a_finding(state=State.APPROVED, decided_by="olga")
        remove(desk, finding)
        assert Departure.objects.get().email == SAM

    def test_nobody_is_removed_while_removals_are_paused(self, desk: Client) -> None:
        finding = a_finding()
        runtime.change({REMOVALS_PAUSED.key: "on"}, actor=OLGA)
        answer = desk.post(reverse("admin:finding_remove", args=[finding.pk]), {"next": LIST})
        assert main_button(answer) == ""
        assert "Removals are paused" in words(answer.content.decode())
        assert "removals are paused" in words(remove(desk, finding).content.decode())
        finding.refresh_from_db()
        assert (finding.state, Departure.objects.count()) == (State.OPEN, 0)

    def test_a_seat_nobody_sits_in_is_nobody_to_remove(self, desk: Client) -> None:
        finding = a_vanished()
        answer = desk.post(reverse("admin:finding_remove", args=[finding.pk]), {"next": LIST})
        assert main_button(answer) == ""
        with pytest.raises(Refused):
            deciding.remove(finding_id=finding.pk, actor=OLGA)


class TestAllowAndDismiss:
    def test_one_click_allows(self, desk: Client) -> None:
        finding = a_finding()
        said = desk.post(reverse("admin:finding_allow", args=[finding.pk]), {"next": LIST}, follow=True)
        assert f"{SAM} may stay in {finding.team}." in words(said.content.decode())
        finding.refresh_from_db()
        assert (finding.state, finding.decided_by) == (State.ALLOWED, "olga")
        assert AllowedMember.objects.get().upstream_user_id == finding.upstream_id

    def test_one_click_dismisses_and_it_can_be_decided_anew(self, desk: Client) -> None:
        finding = a_finding()
        desk.post(reverse("admin:finding_dismiss", args=[finding.pk]), {"next": LIST})
        finding.refresh_from_db()
        assert finding.state == State.DISMISSED
        assert buttons(row(desk, SAM)) == ["Remove", "Allow"]

    def test_many_at_once(self, desk: Client) -> None:
        ids = [a_finding(f"s{n}@x.co", state=State.HELD).pk for n in range(24)]
        overdue = an_overdue().pk
        answer = desk.post(LIST, {"action": "allow", "_selected_action": [*ids, overdue]}, follow=True)
        said = words(answer.content.decode())
        assert "24 people may stay." in said
        assert "1 finding stays as it is" in said
        assert AllowedMember.objects.count() == 24
        a_finding("x@x.co")
        desk.post(LIST, {"action": "dismiss", "_selected_action": Finding.objects.values_list("pk", flat=True)})
        assert Finding.objects.filter(state=State.DISMISSED).count() == 2

    def test_one_on_the_way_out_or_out_is_allowed_from_now_on(self, desk: Client) -> None:
        finding = a_removal()
        desk.post(reverse("admin:finding_allow", args=[finding.pk]), {"next": LIST})
        finding.refresh_from_db()
        assert (finding.state, AllowedMember.objects.get().email) == (State.REMOVED, SAM)

    def test_time_over_is_nothing_to_be_allowed(self, desk: Client) -> None:
        finding = an_overdue()
        desk.post(reverse("admin:finding_allow", args=[finding.pk]), {"next": LIST})
        assert not AllowedMember.objects.exists()

    @pytest.mark.parametrize("deed", ["allow", "dismiss"])
    def test_a_look_changes_nothing(self, desk: Client, deed: str) -> None:
        assert desk.get(reverse(f"admin:finding_{deed}", args=[a_finding().pk])).status_code == 405
        assert Finding.objects.get().state == State.OPEN


class TestOverdueSeats:
    URL = "/admin/guardian/finding/overdue/"

    def test_they_are_listed_and_removed_with_the_guardian_off(self, desk: Client) -> None:
        late = an_overdue_seat()
        an_overdue_seat("soon@x.co", over_for=MINUTE)
        answer = desk.get(self.URL)
        assert (picked(answer), main_button(answer)) == ([str(late.pk)], "Remove 1 person")
        assert "soon@x.co" not in answer.content.decode()
        assert not Departure.objects.exists()
        desk.post(self.URL, {"confirmed": "yes", "picked": [late.pk]})
        departure = Departure.objects.get()
        assert (departure.email, departure.reason, departure.grant) == (ANA, "overdue", late)
        assert picked(desk.get(self.URL)) == []

    def test_nothing_is_said_of_a_code_nobody_used(self, desk: Client) -> None:
        Redemption.objects.filter(pk=an_overdue_seat().redemption_id).update(code=None)
        an_overdue_seat("sam@x.co")
        assert "Is removed from the Team." in words(row(desk, ANA, self.URL))
        assert "Is removed from the Team; the code stays used." in words(row(desk, "sam@x.co", self.URL))

    def test_one_that_was_extended_meanwhile_stays(self, desk: Client) -> None:
        late = an_overdue_seat()
        late.redemption.ends_at = None
        late.redemption.save(update_fields=["ends_at"])
        desk.post(self.URL, {"confirmed": "yes", "picked": [late.pk]})
        assert not Departure.objects.exists()

    def test_one_left_be_is_not_asked_about_again(self, desk: Client) -> None:
        an_overdue(state=State.DISMISSED)
        assert picked(desk.get(self.URL)) == []

    def test_not_while_removals_are_paused(self, desk: Client) -> None:
        late = an_overdue_seat()
        runtime.change({REMOVALS_PAUSED.key: "on"}, actor=OLGA)
        assert main_button(desk.get(self.URL)) == ""
        desk.post(self.URL, {"confirmed": "yes", "picked": [late.pk]})
        assert not Departure.objects.exists()


class TestVanishedSeats:
    def test_their_seats_are_taken_back_from_one_list(self, desk: Client) -> None:
        finding = a_vanished()
        answer = desk.get("/admin/guardian/finding/vanished/")
        assert main_button(answer) == "Take back 1 seat"
        values = re.findall(r'name="picked" value="([^"]*)"', answer.content.decode())
        desk.post(reverse("admin:redemptions_take_back"), {"confirmed": "yes", "picked": values})
        assert (Departure.objects.get().email, Departure.objects.get().grant) == (ANA, finding.grant)


class TestPermissions:
    def test_who_may_only_look_sees_no_button(self, looker: Client) -> None:
        a_finding()
        html = page(looker)
        assert SAM in html
        assert buttons(html) == []
        assert "Switch on" not in html

    @pytest.mark.parametrize(
        "view",
        [
            "findings_remove",
            "guardian_overdue",
            "guardian_vanished",
            "guardian_switch",
            "guardian_report",
            "guardian_enforce",
            "guardian_resume",
            "guardian_look",
        ],
    )
    def test_nor_does_anything(self, looker: Client, view: str) -> None:
        finding = a_finding()
        data = {"confirmed": "yes", "picked": [finding.pk], "to": "on", "going": "0"}
        assert looker.post(reverse(f"admin:{view}"), data).status_code == 403
        assert (Departure.objects.count(), AuditEvent.objects.count()) == (0, 0)

    @pytest.mark.parametrize("deed", ["remove", "allow", "dismiss"])
    def test_nor_to_one(self, looker: Client, deed: str) -> None:
        finding = a_finding()
        assert looker.post(reverse(f"admin:finding_{deed}", args=[finding.pk])).status_code == 403
        looker.post(LIST, {"action": deed, "_selected_action": [finding.pk]})
        finding.refresh_from_db()
        assert finding.state == State.OPEN

    def test_strangers_are_sent_to_the_log_in(self, client: Client) -> None:
        for view in ("guardian_finding_changelist", "guardian_sweep_changelist", "guardian_switch"):
            assert client.get(reverse(f"admin:{view}")).status_code == 302

    @pytest.mark.parametrize("view", ["guardian_switch", "guardian_enforce", "guardian_resume", "findings_remove"])
    def test_a_form_of_another_site_is_refused(self, olga: User, view: str) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(olga)
        set_guardian(enabled="on")
        before = AuditEvent.objects.count()
        assert client.post(reverse(f"admin:{view}"), {"to": "off", "going": "0"}).status_code == 403
        assert AuditEvent.objects.count() == before


class TestTeamList:
    """The Teams' own list can be narrowed to those with findings."""

    TEAMS = "/admin/teampool/team/"

    def listed(self, client: Client) -> list[str]:
        return [team.name for team in client.get(self.TEAMS + "?findings=yes").context["cl"].result_list]

    def test_it_shows_those_somebody_should_look_at(self, desk: Client) -> None:
        a_finding(team=a_team(name="with"))
        a_finding("b@x.co", team=a_team(name="decided"), state=State.DISMISSED)
        a_team(name="without")
        assert "With findings" in words(desk.get(self.TEAMS).content.decode())
        assert self.listed(desk) == ["with"]

    def test_a_team_with_several_is_listed_once(self, desk: Client) -> None:
        team = a_team(name="with")
        a_finding(team=team), a_finding("b@x.co", team=team)
        assert self.listed(desk) == ["with"]

    def test_it_is_for_those_who_may_see_findings(self, client: Client) -> None:
        clerk = User.objects.create_user("clerk", is_staff=True)
        clerk.user_permissions.set(Permission.objects.filter(codename="view_team"))
        client.force_login(clerk)
        a_finding(team=a_team(name="with"))
        a_team(name="without")
        client.cookies["django_language"] = "en"
        assert "With findings" not in words(client.get(self.TEAMS).content.decode())
        assert sorted(self.listed(client)) == ["with", "without"]
