"""Owners: which log-ins are good, until when."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from base.times import full
from sandbox.server import SandboxServer
from teampool.models import ImportJob, Owner, Team, TeamLogin
from tests.cast import a_team, an_owner, import_sandbox_team
from tests.teampool.imports.bringing import finish

# These write wall-clock times as people read them.
pytestmark = pytest.mark.usefixtures("shanghai")

LIST = "/admin/teampool/owner/"
SECRET = "canary-5f1d0e"


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


def text_of(desk: Client, address: str = LIST) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", desk.get(address).content.decode()))


def row(desk: Client) -> str:
    text = text_of(desk)
    (found,) = re.findall(r"a@x\.co .*? (?:Paste new session|Import Teams)", text)
    return found


class TestList:
    def test_an_empty_one_says_where_they_come_from(self, desk: Client) -> None:
        assert "They appear by themselves when Teams are imported." in desk.get(LIST).content.decode()

    def test_a_working_login(self, desk: Client) -> None:
        owner = an_owner("a@x.co", session_token=SECRET)
        a_team(owner=owner), a_team(owner=owner), a_team(owner=owner, archived_at=timezone.now())
        page = text_of(desk)
        assert re.search(r"a@x\.co .*Working .*Renews itself Team \w+ \w+ in use Team \w+ \w+ in use", page)
        assert "Paste new session" not in page  # only where it helps

    def test_a_lone_token_says_until_when(self, desk: Client) -> None:
        end = timezone.now() + timedelta(days=9)
        a_team(owner=an_owner("a@x.co"), access_expires_at=end)
        assert f"Until {full(end)}" in row(desk)

    @pytest.mark.parametrize(
        ("client", "words"),
        [
            ({"client_id": "app_1", "client_state": "proven"}, "Renews itself"),
            ({"client_id": "app_1", "client_state": "given"}, "then by its refresh token, which was not tried yet"),
            (
                {"client_id": "app_1", "client_state": "wrong"},
                "wrong client id: import its refresh token",
            ),
            ({"client_id": ""}, "client id missing: import its refresh token with it"),
        ],
    )
    @pytest.mark.parametrize("state", [Team.Token.HEALTHY, Team.Token.EXPIRED])
    def test_a_refresh_token_says_what_is_known_of_its_client_id(
        self, desk: Client, client: dict[str, str], words: str, state: str
    ) -> None:
        a_team(owner=an_owner("a@x.co", refresh_token=SECRET, **client), token_state=state)
        lacks = client["client_id"] == "" or client["client_state"] == "wrong"
        assert (words in text_of(desk)) == (lacks or state == Team.Token.HEALTHY)
        assert ("Renews itself" in text_of(desk)) == (words == "Renews itself" and state == Team.Token.HEALTHY)

    @pytest.mark.parametrize(
        ("login", "words"),
        [
            ("expired", "Needs a new session"),
            ("disabled", "Disabled"),
            ("mismatch", "Belongs to someone else"),
        ],
    )
    def test_a_login_that_is_over(self, desk: Client, login: str, words: str) -> None:
        a_team(owner=an_owner("a@x.co", login=login, session_token=SECRET))
        assert re.search(rf"{words}.*Expired\b", row(desk))

    def test_a_login_that_is_over_says_how_long_its_token_still_runs(self, desk: Client) -> None:
        end = timezone.now() + timedelta(days=9)
        owner = an_owner("a@x.co", login="expired", session_token=SECRET)
        a_team(owner=owner, access_expires_at=end)
        a_team(owner=owner, access_expires_at=end - timedelta(days=1), token_state=Team.Token.EXPIRED)
        assert f"Expired; access token until {full(end)}" in row(desk)

    def test_a_refused_token_needs_a_new_session(self, desk: Client) -> None:
        a_team(owner=an_owner("a@x.co"), token_state=Team.Token.EXPIRED)
        assert "Needs a new session" in row(desk)

    def test_what_ended_it_when_and_what_is_left(self, desk: Client) -> None:
        ended = timezone.now() - timedelta(hours=3)
        an_owner("a@x.co", login="expired", session_token=SECRET, login_ended_at=ended)
        text = row(desk)
        assert f"{full(ended)}: its session or refresh token is no longer accepted" in text
        assert "Nothing is left to try: a new session or a sign-in mends it." in text

    def test_its_teams_by_name_with_those_it_could_run(self, desk: Client) -> None:
        owner = an_owner("a@x.co")
        led = a_team(owner=owner, name="Led")
        for name, problem in (("Spare", ""), ("Lost", "access_lost"), ("Low", "insufficient_role")):
            team = a_team(owner=an_owner(f"{name}@x.co".lower()), name=name)
            TeamLogin.objects.create(team=team, owner=owner, problem=problem)
        text = row(desk)
        assert f"{led} in use" in text
        for words in ("Spare", "Lost", "Low"):
            assert re.search(rf"{words} \w+ (spare|no access|role too low)", text)

    def test_more_than_a_few_teams_end_in_a_link_to_the_list(self, desk: Client) -> None:
        owner = an_owner("a@x.co")
        for _ in range(7):
            a_team(owner=owner)
        assert "3 more" in row(desk)
        assert 'href="/admin/teampool/team/?q=a%40x.co"' in desk.get(LIST).content.decode()

    def test_broken_first_then_the_soonest_end(self, desk: Client) -> None:
        now = timezone.now()
        an_owner("renews@x.co", session_token=SECRET)
        a_team(owner=an_owner("late@x.co"), access_expires_at=now + timedelta(days=9))
        a_team(owner=an_owner("soon@x.co"), access_expires_at=now + timedelta(days=2))
        an_owner("over@x.co", login="expired")
        found = re.findall(r"\w+@x\.co", text_of(desk))
        assert list(dict.fromkeys(found)) == ["over@x.co", "soon@x.co", "late@x.co", "renews@x.co"]

    @pytest.mark.parametrize(
        ("chip", "shown"),
        [("", 4), ("broken", 1), ("soon", 1), ("fixed", 3)],
    )
    def test_the_chips(self, desk: Client, chip: str, shown: int) -> None:
        now = timezone.now()
        an_owner("renews@x.co", session_token=SECRET)
        a_team(owner=an_owner("late@x.co"), access_expires_at=now + timedelta(days=9))
        a_team(owner=an_owner("soon@x.co"), access_expires_at=now + timedelta(days=2))
        an_owner("over@x.co", login="expired")
        found = re.findall(r"\w+@x\.co", text_of(desk, f"{LIST}?login={chip}" if chip else LIST))
        assert len(set(found)) == shown

    def test_the_button_opens_the_import_that_names_the_owner(self, desk: Client) -> None:
        owner = an_owner("a@x.co")
        assert f'href="/admin/import/?owner={owner.pk}">Paste new session</a>' in desk.get(LIST).content.decode()

    def test_a_disabled_one_needs_the_login_of_another_admin(self, desk: Client) -> None:
        owner = an_owner("a@x.co", login="disabled")
        page = desk.get(LIST).content.decode()
        assert 'href="/admin/import/">Import Teams</a>' in page
        assert f"?owner={owner.pk}" not in page

    def test_a_wrong_client_id_is_not_called_working(self, desk: Client) -> None:
        a_team(owner=an_owner("a@x.co", refresh_token=SECRET, client_id="app_1", client_state="wrong"))
        assert "Working" not in row(desk)
        assert "Cannot renew itself" in row(desk)

    def test_a_session_in_doubt_says_so(self, desk: Client) -> None:
        doubted = timezone.now() - timedelta(minutes=4)
        owner = an_owner("a@x.co", session_token=SECRET, doubted_at=doubted)
        a_team(owner=owner)
        said = f"Its session gave no token at {full(doubted)}; it is asked again."
        assert said in text_of(desk)
        Owner.objects.update(doubted_at=None)
        assert said not in text_of(desk)

    def test_nothing_is_edited_and_no_secret_shown(self, desk: Client) -> None:
        owner = an_owner("a@x.co", session_token=SECRET, refresh_token=SECRET, client_id="app_1")
        page = f"{LIST}{owner.pk}/change/"
        assert SECRET not in desk.get(LIST).content.decode()
        assert desk.get(page).status_code == desk.post(page, {"email": "b@x.co"}).status_code == 404
        assert Owner.objects.get().email == "a@x.co"

    def test_its_queries_do_not_grow(self, desk: Client, django_assert_max_num_queries: Any) -> None:
        counts = []
        for owners in (3, 27):
            for n in range(owners):
                a_team(owner=an_owner(f"{owners}-{n}@example.com"))
            desk.get(LIST)  # fills what the process keeps
            with django_assert_max_num_queries(10) as asked:
                desk.get(LIST)
            counts.append(len(asked))
        assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
class TestRenew:
    """From the button of the row: a new session mends that very login, and nobody else's."""

    @pytest.fixture
    def broken(self, sandbox: SandboxServer) -> Team:
        """A login that needs its owner, with a Team that takes no one."""
        team = import_sandbox_team(sandbox)
        Owner.objects.update(login=Owner.Login.EXPIRED, session_token="", refresh_token="")
        Team.objects.update(token_state=Team.Token.EXPIRED, access_token="over")
        return team

    def box(self, desk: Client, team: Team) -> str:
        (found,) = re.findall(r'href="(/admin/import/[^"]*)"[^>]*>Paste new session', desk.get(LIST).content.decode())
        assert found == f"/admin/import/?owner={team.owner_id}"
        return found

    def paste(self, desk: Client, team: Team, text: str) -> Any:
        return desk.post(self.box(desk, team), {"owner": team.owner_id, "text": text})

    def session(self, sandbox: SandboxServer, account_id: str) -> str:
        """What chatgpt.com/api/auth/session shows its owner."""
        login = next(one for one in sandbox.credentials() if account_id in one["account_ids"])
        return json.dumps(
            {
                "user": {"id": login["user_id"], "email": login["email"]},
                "accessToken": login["access_token"],
                "sessionToken": login["session_token"],
            }
        )

    def test_the_owners_session_mends_the_row(self, desk: Client, sandbox: SandboxServer, broken: Team) -> None:
        assert self.paste(desk, broken, self.session(sandbox, broken.account_id)).status_code == 302
        (line,) = finish(ImportJob.objects.get())
        owner = Owner.objects.get()
        broken.refresh_from_db()
        assert (line.state, line.teams[0]["id"]) == ("updated", broken.pk)
        assert (owner.pk, owner.login, bool(owner.session_token)) == (broken.owner_id, "ok", True)
        assert (broken.token_state, broken.access_token == "over") == ("healthy", False)

    def test_a_bare_session_token_mends_it_too(self, desk: Client, sandbox: SandboxServer, broken: Team) -> None:
        token = json.loads(self.session(sandbox, broken.account_id))["sessionToken"]
        assert self.paste(desk, broken, token).status_code == 302
        finish(ImportJob.objects.get())
        assert Owner.objects.get().login == "ok"

    def test_a_session_of_somebody_else_is_refused(self, desk: Client, sandbox: SandboxServer, broken: Team) -> None:
        other = sandbox.workspace(seats=5)
        answer = self.paste(desk, broken, self.session(sandbox, other["account_id"]))
        text = re.sub(r"\s+", " ", answer.content.decode())
        email = other["credentials"]["email"]
        assert answer.status_code == 400
        assert f"This session belongs to {email}, not to {broken.owner.email}. Nothing was saved." in text
        assert not ImportJob.objects.exists()

    def test_a_bare_token_of_somebody_else_saves_nothing(
        self, desk: Client, sandbox: SandboxServer, broken: Team
    ) -> None:
        other = sandbox.workspace(seats=5)
        self.paste(desk, broken, other["credentials"]["session_token"])
        (line,) = finish(ImportJob.objects.get())
        assert line.reason == "email_mismatch"
        assert Owner.objects.get().login == "expired"
        assert Team.objects.count() == 1

    def test_it_says_so_in_chinese(self, desk: Client, broken: Team) -> None:
        desk.cookies["django_language"] = "zh-hans"
        url = f"/admin/import/?owner={broken.owner_id}"
        answer = desk.post(url, {"owner": broken.owner_id, "text": f"b@x.co,{SECRET * 3}"})
        assert f"这个 Session 属于 b@x.co，不是 {broken.owner.email}，没有保存。" in answer.content.decode()
