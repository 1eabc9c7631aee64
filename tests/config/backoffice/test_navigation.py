"""The frame of the operator's pages: who gets in, what stands at the left, what is never offered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django_q.models import Schedule

from config.backoffice.navigation import navigation
from guardian.admin import words as guardian
from invites.admin.redemptions import standing
from invites.queries.people import LOOKS
from teampool.imports import words as imports
from teampool.models import Team
from teampool.teams.badges import BADGES
from tests.cast import a_team, an_owner

# These write wall-clock times as people read them.
pytestmark = pytest.mark.usefixtures("shanghai")


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


@pytest.fixture
def clerk(db: None) -> User:
    """May enter, may see Teams, nothing else."""
    user = User.objects.create_user("clerk", password="a-good-long-one", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_team"))
    return user


def shown(rf: Any, user: User, path: str = "/admin/") -> list[dict[str, Any]]:
    request = rf.get(path)
    request.user = User.objects.get(pk=user.pk)
    with translation.override("en"):
        return navigation(request)


def groups(rf: Any, user: User) -> dict[str, list[str]]:
    return {group["title"]: [item["title"] for item in group["items"]] for group in shown(rf, user)}


def every_list() -> list[str]:
    return [f"admin:{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry]


class TestNavigation:
    def test_it_has_the_groups_in_their_order(self, rf: Any, olga: User) -> None:
        assert list(groups(rf, olga)) == ["", "Seats", "Invites", "Guardian", "Notices", "System"]

    def test_it_has_the_items_in_their_order(self, rf: Any, olga: User) -> None:
        assert groups(rf, olga) == {
            "": ["Overview", "Find a person"],
            "Seats": ["Team", "Import", "Owners"],
            "Invites": ["New codes", "Codes", "Redemptions"],
            "Guardian": ["Findings", "Sweeps", "Allowed people"],
            "Notices": ["Messages", "Announcement"],
            "System": ["Settings", "Audit", "Operators", "Lockouts", "Jobs"],
        }

    def test_it_offers_only_what_the_person_may_open(self, rf: Any, clerk: User) -> None:
        assert groups(rf, clerk) == {"": ["Overview"], "Seats": ["Team"]}

    def test_every_item_opens(self, rf: Any, olga: User, desk: Client) -> None:
        for group in shown(rf, olga):
            for item in group["items"]:
                assert desk.get(item["link"], follow=True).status_code == 200, item["title"]

    def test_it_counts_the_teams_that_need_a_person(self, rf: Any, olga: User) -> None:
        a_team()
        a_team(token_state=Team.Token.EXPIRED)
        a_team(workspace_state=Team.Workspace.SUSPENDED, held=1)
        assert shown(rf, olga)[1]["items"][0]["badge"] == "2"

    def test_it_shows_no_number_when_there_is_nothing_to_do(self, rf: Any, olga: User) -> None:
        a_team()
        assert "badge" not in shown(rf, olga)[1]["items"][0]

    @pytest.mark.parametrize(
        ("path", "lit"),
        [
            ("/admin/", ["Overview"]),
            ("/admin/import/7/", ["Import"]),
            ("/admin/teampool/team/3/change/", ["Team"]),
            ("/admin/django_q/failure/", ["Jobs"]),
            ("/admin/settings/api/", ["Settings"]),
            ("/admin/teampool/apikey/add/", ["Settings"]),
            ("/admin/invites/codebatch/new/", ["New codes"]),
            ("/admin/invites/codebatch/3/change/", ["Codes"]),
            ("/admin/password_change/", []),
        ],
    )
    def test_it_lights_where_the_person_is(self, rf: Any, olga: User, path: str, lit: list[str]) -> None:
        items = [item for group in shown(rf, olga, path) for item in group["items"]]
        assert [item["title"] for item in items if item["active"]] == lit


class TestForTheEar:
    def test_no_icon_is_read_aloud(self, desk: Client) -> None:
        for path in ("/admin/", "/admin/invites/redemption/", "/admin/django_q/schedule/"):
            icons = re.findall(r"<[^>]*material-symbols-outlined[^>]*>", desk.get(path).content.decode())
            assert icons
            assert [icon for icon in icons if 'aria-hidden="true"' not in icon] == [], path

    def test_every_badge_has_a_tone_the_label_knows(self) -> None:
        tables = (imports._LOOKS, LOOKS, guardian._KINDS, guardian._STATES, guardian._SWEEPS)
        used = {tone for table in tables for _word, tone, _icon in table.values()}
        used |= {one.tone for one in (*BADGES, *standing.ALL)}
        source = Path(settings.BASE_DIR, "templates/unfold/helpers/label.html").read_text()
        assert used <= {*re.findall(r"type == '(\w+)'", source), "default"}

    def test_nor_in_a_badge_that_comes_alone(self) -> None:
        badge = render_to_string("admin/parts/badge.html", {"tone": "success", "icon": "check_circle", "text": "Done"})
        assert 'aria-hidden="true">check_circle</span>' in badge


class TestDoor:
    def test_it_sends_strangers_to_the_log_in(self, client: Client, db: None) -> None:
        response = client.get("/admin/")
        assert response.status_code == 302
        assert response["Location"] == "/admin/login/?next=/admin/"

    def test_a_log_in_without_next_ends_on_the_first_screen(self, client: Client, olga: User) -> None:
        olga.set_password("a-good-long-one")
        olga.save()
        response = client.post("/admin/login/", {"username": "olga", "password": "a-good-long-one"}, follow=True)
        assert response.redirect_chain[-1][0] == "/admin/"
        assert response.status_code == 200

    def test_a_redeemer_with_an_account_does_not_get_in(self, client: Client, db: None) -> None:
        client.force_login(User.objects.create_user("ana"))
        for name in every_list():
            assert client.get(reverse(f"{name}_changelist")).status_code == 302

    def test_the_clerk_opens_only_what_was_given(self, client: Client, clerk: User) -> None:
        client.force_login(clerk)
        opened = [name for name in every_list() if client.get(reverse(f"{name}_changelist")).status_code == 200]
        assert opened == ["admin:teampool_team"]
        assert client.get(reverse("admin:import_teams")).status_code == 403
        assert client.post(reverse("admin:import_teams"), {"text": "x"}).status_code == 403
        assert client.post(reverse("admin:teampool_team_sync_all")).status_code == 403


class TestWhatIsNeverOffered:
    def test_nothing_can_be_deleted(self, desk: Client) -> None:
        for name in every_list():
            page = reverse(f"{name}_delete", args=["1"])
            assert desk.get(page).status_code == desk.post(page).status_code == 404, name

    def test_no_list_offers_the_deletion_of_what_is_chosen(self, desk: Client) -> None:
        for name in every_list():
            assert "delete_selected" not in desk.get(reverse(f"{name}_changelist")).content.decode(), name

    def test_there_is_no_second_history(self, desk: Client) -> None:
        team = a_team()
        assert desk.get(reverse("admin:teampool_team_history", args=[team.pk])).status_code == 404

    def test_teams_and_owners_and_records_cannot_be_added_by_hand(self, desk: Client) -> None:
        for name in ("teampool_team", "teampool_owner", "notifications_auditevent", "invites_redemption"):
            assert desk.get(reverse(f"admin:{name}_add")).status_code == 403, name

    def test_no_address_shows_the_columns_of_a_row_that_has_no_page(self, desk: Client, olga: User) -> None:
        owner = an_owner(session_token="canary")
        assert desk.get(reverse("admin:teampool_owner_change", args=[owner.pk])).status_code == 404
        Schedule.objects.create(func="x", args="'canary'")
        assert desk.get(reverse("admin:django_q_schedule_change", args=[Schedule.objects.get().pk])).status_code == 404

    @pytest.mark.parametrize("model", ["schedule", "ormq", "success", "failure"])
    def test_the_queue_is_to_look_at_only(self, desk: Client, model: str) -> None:
        assert desk.get(reverse(f"admin:django_q_{model}_changelist")).status_code == 200
        assert desk.get(reverse(f"admin:django_q_{model}_add")).status_code == 403
        assert desk.post(reverse(f"admin:django_q_{model}_add"), {"func": "os.system"}).status_code == 403

    def test_there_are_no_pages_of_apps(self, desk: Client) -> None:
        response = desk.get("/admin/teampool/")
        assert (response.status_code, response["Location"]) == (302, "/admin/")


class TestFoot:
    def test_it_names_the_time_zone(self, desk: Client) -> None:
        assert f"Times are {settings.TIME_ZONE}" in desk.get("/admin/").content.decode()

    @pytest.mark.parametrize("path", ["/admin/", "/admin/teampool/team/"])
    def test_the_sandbox_says_so_on_every_page(self, desk: Client, settings: Any, path: str) -> None:
        sentence = "Demo: ChatGPT is not contacted."
        assert sentence not in desk.get(path).content.decode()
        settings.IS_SANDBOX = True
        assert sentence in desk.get(path).content.decode()

    def test_the_sandbox_says_so_at_the_log_in(self, client: Client, db: None, settings: Any) -> None:
        settings.IS_SANDBOX = True
        assert "Demo: ChatGPT" in client.get("/admin/login/", headers={"accept-language": "en"}).content.decode()


class TestLanguage:
    def test_the_switch_changes_it_and_comes_back(self, olga_client: Client) -> None:
        response = olga_client.post(reverse("set_language"), {"language": "en", "next": "/admin/import/"})
        assert response["Location"] == "/admin/import/"
        assert '<html lang="en"' in olga_client.get("/admin/import/").content.decode()

    def test_it_starts_in_chinese(self, olga_client: Client) -> None:
        assert '<html lang="zh-hans"' in olga_client.get("/admin/").content.decode()


class TestStylesheet:
    def test_it_is_small(self) -> None:
        assert len((Path(settings.BASE_DIR) / "static/admin.css").read_bytes()) <= 4096

    def test_times_are_written_alike_in_both_languages(self, olga_client: Client) -> None:
        moment = timezone.now().replace(year=2026, month=3, day=2, hour=6, minute=30)
        a_team(snapshot_started_at=moment, opened_at=moment, now=moment)
        for language in ("en", "zh-hans"):
            text = olga_client.get("/admin/teampool/team/", headers={"accept-language": language}).content.decode()
            assert "2026-03-02 14:30" in text


class TestLoggingOut:
    def test_it_says_so_and_leads_back(self, desk: Client) -> None:
        answer = desk.post(reverse("admin:logout"))
        text = re.sub(
            r"\s+", " ", re.sub(r"<(?:script|style).*?</(?:script|style)>|<[^>]+>", " ", answer.content.decode())
        )
        assert "You are logged out." in text
        assert "Log in again" in text
        assert "quality time" not in text
        assert f'href="{reverse("admin:index")}"' in answer.content.decode()


class TestTitles:
    def title(self, desk: Client, path: str) -> str:
        return " ".join(desk.get(path).content.decode().split("<title>")[1].split("</title>")[0].split())

    @pytest.mark.parametrize(
        ("path", "name"),
        [("teampool/team", "Teams"), ("invites/redemption", "Redemptions"), ("auth/user", "Operators")],
    )
    def test_a_list_is_called_what_it_lists(self, desk: Client, path: str, name: str) -> None:
        assert self.title(desk, f"/admin/{path}/") == f"{name} · Seatkeeper"

    def test_the_page_of_one_by_its_name(self, desk: Client) -> None:
        team = a_team(name="Shanghai")
        page = reverse("admin:teampool_team_change", args=[team.pk])
        assert self.title(desk, page) == f"{team} · Seatkeeper"

    def test_what_the_framework_says_is_said_in_plain_chinese(self, olga_client: Client) -> None:
        a_team(), a_team(held=5)
        page = re.sub(r"\s+", " ", olga_client.get("/admin/teampool/team/?state=over_full").content.decode())
        for odd in ("以 状态", "个被选", "条结果。", "总共"):
            assert odd not in page
        for plain in ("> 状态 <", "已选 0 / 1", "1 条", "共 2 条"):
            assert plain in page
