"""What needs a person now: a line per kind, worst first, with the button that helps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from base.actors import job
from base.times import full
from config.backoffice.overview import dashboard
from config.backoffice.overview.line import Line, those_teams
from invites.departures import closing
from invites.models import Departure, Redemption, SeatGrant
from invites.states import GrantState, RedemptionState
from notifications.audit import events
from notifications.models import Setting
from notifications.settings.declared import LOW_STOCK_THRESHOLD
from teampool.models import AllowedMember, Member, Owner, Team
from teampool.stored_snapshot import OTHER_WORKSPACE
from tests.cast import a_team, an_owner
from tests.invites.rows import a_grant, a_member, a_redemption

NOW = timezone.now()
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TEAMS = "/admin/teampool/team/"
IMPORT = "/admin/import/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def no_line(db: None) -> None:
    """No stock is low, however few seats a test needs."""
    draw_line_at(-1)


def draw_line_at(threshold: int) -> None:
    row = {"value": threshold, "updated_at": NOW}
    Setting.objects.update_or_create(key=LOW_STOCK_THRESHOLD.key, defaults=row)


def lines(heartbeat: datetime | None = NOW) -> list[Line]:
    return dashboard.attention(NOW, heartbeat=heartbeat)


def only(heartbeat: datetime | None = NOW) -> Line:
    (line,) = lines(heartbeat)
    return line


def a_late_invite(email: str = "ana@example.com", *, minutes: int = 11) -> Redemption:
    redemption = a_redemption(email, created_at=NOW - minutes * MINUTE)
    a_grant(redemption, GrantState.INVITED, team=a_team(held=1), at=redemption.created_at)
    return redemption


class TestWorker:
    def test_two_minutes_of_silence_are_nothing(self) -> None:
        assert lines(NOW - 2 * MINUTE) == []

    def test_more_is_the_worst_there_is(self) -> None:
        assert only(NOW - 5 * MINUTE).text == "Background work stopped 5 min ago; no invitation goes out"

    def test_a_worker_that_never_ran(self) -> None:
        assert only(None).text == "Background work has not started; no invitation goes out"


class TestTeamGone:
    def test_one_opens_itself(self) -> None:
        team = a_team(name="Shanghai", held=4, workspace_state=Team.Workspace.SUSPENDED)
        line = only()
        assert line.text == f"{team} was suspended; 4 people lost their seat"
        assert (line.link, line.button) == (f"{TEAMS}reseat/?teams={team.pk}", "Re-seat 4")

    def test_one_that_cannot_be_reached_says_so(self) -> None:
        team = a_team(held=1, workspace_state=Team.Workspace.ACCESS_LOST)
        assert only().text == f"The login no longer reaches {team}; 1 person lost their seat"

    def test_several_open_the_list_of_all_their_people(self) -> None:
        a_team(held=1, workspace_state=Team.Workspace.SUSPENDED)
        a_team(held=2, workspace_state=Team.Workspace.ACCESS_LOST)
        line = only()
        assert line.text == "2 Teams were lost; 3 people lost their seat"
        assert (line.link, line.button) == (f"{TEAMS}reseat/", "Re-seat 3")

    def test_an_empty_one_needs_nobody(self) -> None:
        a_team(workspace_state=Team.Workspace.SUSPENDED)
        assert lines() == []

    def test_an_archived_one_needs_nobody(self) -> None:
        a_team(held=1, workspace_state=Team.Workspace.SUSPENDED, archived_at=NOW)
        assert lines() == []

    def test_it_says_since_when(self) -> None:
        team = a_team(held=1, workspace_state=Team.Workspace.SUSPENDED)
        subject = events.Subject("team", str(team.pk), str(team))
        events.team_changed(
            subject=subject,
            before={"workspace_state": "active"},
            after={"workspace_state": "suspended"},
            actor=job("sync"),
        )
        since = only().since
        assert since is not None
        assert timezone.now() - since < MINUTE


class TestLogin:
    def test_one_owner_leads_to_the_import_that_names_them(self) -> None:
        owner = an_owner("a@x.co", login=Owner.Login.EXPIRED)
        a_team(owner=owner, token_state=Team.Token.EXPIRED)
        a_team(owner=owner, token_state=Team.Token.EXPIRED)
        line = only()
        assert line.text == "Login of a@x.co expired; 2 Teams take no one"
        assert (line.link, line.button) == (f"{IMPORT}?owner={owner.pk}", "Paste new session")

    def test_one_team_is_singular(self) -> None:
        a_team(owner=an_owner("a@x.co"), token_state=Team.Token.EXPIRED)
        assert only().text == "Login of a@x.co expired; 1 Team takes no one"

    def test_several_owners_open_the_list(self) -> None:
        for name in "ab":
            a_team(owner=an_owner(f"{name}@x.co"), token_state=Team.Token.DISABLED)
        line = only()
        assert line.text == "2 logins expired; 2 Teams take no one"
        assert line.link.startswith(f"{TEAMS}?id__in=")


class TestTokenEnds:
    def test_a_token_that_ends_today_and_cannot_renew(self) -> None:
        owner = an_owner("a@x.co")
        a_team(owner=owner, access_expires_at=NOW + 23 * HOUR)
        line = only()
        assert line.text.startswith("Token of a@x.co ends ")
        assert line.text.endswith(" and cannot renew itself")
        assert line.link == f"{IMPORT}?owner={owner.pk}"
        assert not line.is_red

    @pytest.mark.parametrize(("client_id", "words"), [("", "client id missing"), ("app_1", "wrong client id")])
    def test_one_whose_refresh_token_lacks_its_client_id_says_so(self, client_id: str, words: str) -> None:
        owner = an_owner("a@x.co", refresh_token="rt_x", client_id=client_id, client_state="wrong")
        a_team(owner=owner, access_expires_at=NOW + 23 * HOUR)
        assert words in only().text

    def test_one_with_a_refresh_token_not_tried_yet_is_no_trouble(self) -> None:
        owner = an_owner("a@x.co", refresh_token="rt_x", client_id="app_1")
        a_team(owner=owner, access_expires_at=NOW + 23 * HOUR)
        assert not lines()

    def test_one_that_renews_itself_needs_nobody(self) -> None:
        a_team(owner=an_owner("a@x.co", session_token="x"), access_expires_at=NOW + HOUR)
        assert lines() == []

    def test_one_that_lasts_needs_nobody(self) -> None:
        a_team(access_expires_at=NOW + 25 * HOUR)
        assert lines() == []

    def test_several_name_the_first_end(self) -> None:
        a_team(owner=an_owner("a@x.co"), access_expires_at=NOW + 20 * HOUR)
        a_team(owner=an_owner("b@x.co"), access_expires_at=NOW + 2 * HOUR)
        assert only().text.startswith("2 logins end soon, the first ")


class TestUnresolved:
    def test_ten_minutes_without_a_confirmation(self) -> None:
        redemption = a_late_invite()
        line = only()
        assert line.text == "1 invitation unconfirmed for 10 min"
        assert line.since == redemption.created_at
        assert line.link == "/admin/invites/redemption/?unconfirmed=yes"
        assert (line.posts_to, line.button) == ("/admin/invites/redemption/check/", "Check again")

    def test_nine_minutes_are_nothing(self) -> None:
        a_late_invite(minutes=9)
        assert lines() == []

    def test_a_settled_one_needs_nobody(self) -> None:
        redemption = a_late_invite()
        Redemption.objects.filter(pk=redemption.pk).update(state=RedemptionState.ENDED)
        assert lines() == []


class TestTeamsThatTakeNoOne:
    @pytest.mark.parametrize("fields", [{"workspace_state": "delinquent"}, {"subscription_until": NOW - HOUR}])
    def test_an_unpaid_one(self, fields: dict[str, Any]) -> None:
        team = a_team(**fields)
        line = only()
        assert (line.kind, line.text) == ("unpaid", f"The subscription of {team} is over; it takes no one")
        assert line.is_red

    def test_one_whose_login_lost_its_role(self) -> None:
        team = a_team(workspace_state="insufficient_role")
        assert only().text == f"The login may no longer invite to {team}; it takes no one"

    def test_one_whose_invitations_are_dropped_comes_back_by_itself(self) -> None:
        team = a_team(held=2, workspace_state="restricted")
        line = only()
        assert line.text == f"ChatGPT drops the invitations to {team}; it takes no one for a day"
        assert not line.is_red

    def test_a_lost_one_is_said_once(self) -> None:
        a_team(held=1, workspace_state="suspended", subscription_until=NOW - HOUR)
        assert [line.kind for line in lines()] == ["gone"]


class TestSubscriptionEnds:
    def test_within_seven_days_and_not_renewed(self) -> None:
        team = a_team(subscription_until=NOW + 7 * 24 * HOUR, will_renew=False)
        line = only()
        assert line.text == f"The subscription of {team} ends {full(NOW + 7 * 24 * HOUR)} and is not renewed"
        assert line.link == reverse("admin:teampool_team_change", args=[team.pk])

    @pytest.mark.parametrize(("days", "renews"), [(8, False), (3, True), (3, None)])
    def test_later_or_renewed_needs_nobody(self, days: int, renews: bool | None) -> None:
        a_team(subscription_until=NOW + days * 24 * HOUR, will_renew=renews)
        assert lines() == []

    def test_several_open_just_those(self, olga_client: Client) -> None:
        for days in (6, 2):
            a_team(subscription_until=NOW + days * 24 * HOUR, will_renew=False)
        a_team()
        line = only()
        assert line.text == f"The subscriptions of 2 Teams end soon, the first {full(NOW + 48 * HOUR)}, unrenewed"
        assert olga_client.get(line.link).context["cl"].result_count == 2


class TestWaitingForASeat:
    def test_ten_minutes_without_one(self, olga_client: Client) -> None:
        redemption = a_redemption(created_at=NOW - 11 * MINUTE)
        line = only()
        assert line.text == "1 person has waited more than 10 min for a free seat"
        assert line.is_red
        assert [one.pk for one in olga_client.get(line.link).context["cl"].result_list] == [redemption.pk]

    def test_nine_minutes_are_nothing(self) -> None:
        a_redemption(created_at=NOW - 9 * MINUTE)
        assert lines() == []

    def test_the_time_counts_from_the_last_seat(self) -> None:
        redemption = a_redemption(created_at=NOW - 48 * HOUR)
        grant = a_grant(redemption, GrantState.ENDED, team=a_team(), ended_at=NOW - 2 * MINUTE)
        assert lines() == []
        SeatGrant.objects.filter(pk=grant.pk).update(ended_at=NOW - 12 * MINUTE)
        assert only().kind == "waiting"


class TestRemovalFailed:
    def a_removal(self, team: Team, email: str = "sam@example.com", **fields: Any) -> Departure:
        a_member(team, email)
        values = {
            "state": "dropped",
            "closed_at": NOW,
            "last_problem": closing.NOT_PERMITTED,
            "opened_at": NOW - HOUR,
        }
        return Departure.objects.create(team=team, email=email, reason="stranger", **(values | fields))

    def test_one_that_is_not_permitted_leads_to_its_team(self) -> None:
        team = a_team()
        self.a_removal(team)
        line = only()
        assert line.text == "The removal of 1 person did not work"
        assert line.link == reverse("admin:teampool_team_change", args=[team.pk])

    def test_one_nobody_could_be_asked_for_an_hour(self) -> None:
        stuck = {"state": "open", "closed_at": None, "last_problem": "timeout", "opened_at": NOW - 2 * HOUR}
        self.a_removal(a_team(), **stuck)
        assert only().kind == "removal"

    @pytest.mark.parametrize(
        "fields",
        [
            {"last_problem": "has a seat again"},
            {"closed_at": NOW - 8 * 24 * HOUR},
            {"state": "open", "closed_at": None, "opened_at": NOW - MINUTE},
            {"state": "open", "closed_at": None, "told_at": NOW - 59 * MINUTE, "opened_at": NOW - 2 * HOUR},
            {"state": "done"},
        ],
        ids=["stays by right", "long ago", "just begun", "told", "done"],
    )
    def test_others_need_nobody(self, fields: dict[str, Any]) -> None:
        self.a_removal(a_team(), **fields)
        assert lines() == []

    def test_one_no_list_proved_for_an_hour(self) -> None:
        told = {"state": "open", "closed_at": None, "last_problem": "", "told_at": NOW - HOUR}
        Departure.objects.create(team=a_team(), email="sam@example.com", reason="withdrawn", **told)
        assert only().kind == "removal"

    def test_one_behind_a_hidden_row_for_as_long_as_nobody_can_name_it(self) -> None:
        team = a_team()
        hidden = a_member(team, "")
        given_up = {"state": "dropped", "closed_at": NOW, "last_problem": closing.HIDDEN}
        Departure.objects.create(team=team, email="sam@example.com", reason="withdrawn", **given_up)
        assert only().link == reverse("admin:teampool_team_change", args=[team.pk])
        AllowedMember.objects.create(team=team, upstream_user_id=hidden.upstream_id, origin="operator")
        assert lines() == []

    def test_one_who_is_gone_or_tried_anew_needs_nobody(self) -> None:
        team = a_team()
        self.a_removal(team)
        Departure.objects.create(team=team, email="sam@example.com", reason="stranger", opened_at=NOW)
        assert lines() == []
        Departure.objects.latest("pk").delete()
        Member.objects.all().delete()
        assert lines() == []

    def test_several_teams_open_just_those(self, olga_client: Client) -> None:
        for n in range(2):
            self.a_removal(a_team(), f"s{n}@example.com")
        a_team()
        line = only()
        assert line.text == "The removal of 2 people did not work"
        assert olga_client.get(line.link).context["cl"].result_count == 2


class TestOverFull:
    def test_one_says_by_how_much(self) -> None:
        team = a_team(held=4, outsiders=1)
        line = only()
        assert line.text == f"{team} is over-full 5/4; nobody is removed by itself"
        assert line.button == "See people"

    def test_several_open_the_list(self) -> None:
        a_team(held=5), a_team(held=6)
        line = only()
        assert (line.text, line.button) == ("2 Teams are over-full; nobody is removed by itself", "See people")


class TestLowStock:
    @pytest.mark.parametrize("seats", [9, 10])
    def test_at_the_line_and_below(self, seats: int) -> None:
        draw_line_at(10)
        a_team(seats=seats)
        line = only()
        assert (line.kind, line.text) == ("low_stock", f"{seats} free seats, threshold 10")
        assert (line.link, line.button) == (IMPORT, "Import Teams")
        assert not line.is_red

    def test_above_it_needs_nobody(self) -> None:
        draw_line_at(10)
        a_team(seats=11)
        assert lines() == []

    def test_nothing_left_keeps_people_out(self) -> None:
        draw_line_at(0)
        a_team(held=4)
        assert only().is_red

    def test_one_seat_is_singular(self) -> None:
        draw_line_at(10)
        a_team(seats=1)
        assert only().text == "1 free seat, threshold 10"

    def test_it_says_the_same_in_chinese(self) -> None:
        draw_line_at(1200)
        a_team(seats=9)
        with translation.override("zh-hans"):
            line = only()
        assert (line.text, line.button) == ("空闲席位 9，不高于阈值 1,200", "导入 Team")

    def test_teams_that_cool_down_come_back_by_themselves(self) -> None:
        draw_line_at(10)
        a_team(seats=11, cooldown_until=NOW + MINUTE)
        assert lines() == []

    def test_a_pool_without_a_team_needs_nobody(self) -> None:
        draw_line_at(10)
        a_team(archived_at=NOW)
        assert lines() == []


class TestSeveral:
    """A Team shows the first badge that applies, and a line may be about another of its facts."""

    BAD: dict[str, dict[str, Any]] = {
        "login": {"token_state": Team.Token.EXPIRED},
        "unpaid": {"subscription_until": NOW - HOUR},
        "role": {"workspace_state": "insufficient_role"},
        "untrusted": {"sync_problem": OTHER_WORKSPACE},
        "token": {"access_expires_at": NOW + HOUR},
        "restricted": {"workspace_state": "restricted"},
        "over_full": {"held": 5},
    }

    def listed(self, client: Client, kind: str) -> set[int]:
        (line,) = (line for line in lines() if line.kind == kind)
        return {team.pk for team in client.get(line.link).context["cl"].result_list}

    @pytest.mark.parametrize("kind", BAD)
    def test_a_line_opens_just_those_it_counts(self, olga_client: Client, kind: str) -> None:
        counted = {a_team(owner=an_owner(f"{n}@x.co"), **self.BAD[kind]).pk for n in range(2)}
        a_team()
        assert self.listed(olga_client, kind) == counted

    @pytest.mark.parametrize("kind", ["login", "unpaid", "untrusted", "over_full"])
    def test_whatever_badge_they_show(self, olga_client: Client, kind: str) -> None:
        other = self.BAD["role" if kind in ("login", "unpaid", "over_full") else "over_full"]
        counted = {a_team(owner=an_owner(f"{n}@x.co"), **self.BAD[kind] | other).pk for n in range(2)}
        assert self.listed(olga_client, kind) == counted

    def test_the_list_says_that_it_is_not_the_whole(self, olga_client: Client) -> None:
        a_team(held=5), a_team(held=5), a_team()
        said = olga_client.get(only().link, HTTP_ACCEPT_LANGUAGE="en").content.decode()
        assert "Only 2 Teams, as chosen on the first screen." in said
        assert '<a class="text-link" href="?">Show all</a>' in said

    def test_more_than_an_address_holds_open_the_whole_list(self) -> None:
        assert those_teams([1, 2]) == f"{TEAMS}?id__in=1,2"
        assert those_teams(list(range(10_000, 10_401))) == TEAMS
        assert len(those_teams(list(range(100_000, 100_400)))) < 4000


class TestOrder:
    def test_the_worst_stands_first(self) -> None:
        draw_line_at(10)
        a_team(held=5)
        a_late_invite()
        a_team(owner=an_owner("a@x.co"), access_expires_at=NOW + HOUR)
        a_team(owner=an_owner("b@x.co"), token_state=Team.Token.EXPIRED)
        a_team(held=1, workspace_state=Team.Workspace.SUSPENDED)
        a_team(workspace_state=Team.Workspace.DELINQUENT)
        a_team(workspace_state=Team.Workspace.RESTRICTED)
        a_redemption("w@example.com", created_at=NOW - HOUR)
        kinds = [line.kind for line in lines(NOW - HOUR)]
        assert kinds == [
            "worker",
            "gone",
            "login",
            "unpaid",
            "waiting",
            "token",
            "restricted",
            "unresolved",
            "over_full",
            "low_stock",
        ]

    def test_a_healthy_pool_needs_nobody(self) -> None:
        a_team(held=3), a_team()
        assert lines() == []
