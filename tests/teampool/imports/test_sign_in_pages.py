"""The doors of signing in at OpenAI: who may, what is refused, and that nothing secret leaves."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.models import AuditEvent
from teampool.login.sign_in import GOOD_FOR, KEPT_FOR
from teampool.models import ImportJob, ImportLine, Owner, SignIn, Team
from tests.cast import OMAR, SAM, an_operator, an_owner
from tests.teampool.imports.bringing import State, finish

pytestmark = pytest.mark.django_db(transaction=True)
BEGIN = "/admin/sign-in/"


@pytest.fixture
def desk(olga_client):
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


def begin(client, owner=None) -> str:
    """The page of a new sign-in."""
    answer = client.post(f"{BEGIN}owner/{owner.pk}/" if owner else BEGIN)
    assert answer.status_code == 302, answer.content
    return answer["Location"]


def address_on(client, page) -> str:
    found = re.search(r'id="sign-in-address" readonly value="([^"]+)"', client.get(page).content.decode())
    return html.unescape(found[1]) if found else ""


def said(response) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())))


def paste(client, page, landing):
    return client.post(page, {"landing": landing})


class TestTheWayThrough:
    def test_from_the_button_to_a_team_that_is_alive(self, desk, sandbox):
        sandbox.workspace(OMAR)
        owner = an_owner(OMAR, login=Owner.Login.EXPIRED)
        page = begin(desk, owner)
        assert f"Sign in as {OMAR}." in said(desk.get(page))
        landing = sandbox.sign_in(address_on(desk, page), OMAR)["landing"]
        answer = paste(desk, page, f"\n “{landing}” ")
        job = ImportJob.objects.get()
        assert answer["Location"] == reverse("admin:import_job", args=[job.pk])
        assert (job.actor, job.total) == ("olga", 1)
        assert sandbox.log(op="token") == []  # the web process waits for nobody
        finish(job)
        assert Team.objects.get().token_state == Team.Token.HEALTHY
        assert Owner.objects.get().login == Owner.Login.OK
        shown = said(desk.get(answer["Location"]))
        assert OMAR in shown
        assert "Demo Team 01" in shown
        assert "Renews itself" in shown

    def test_the_result_says_whose_log_in_it_was(self, desk, sandbox):
        sandbox.workspace(SAM)
        page = begin(desk, an_owner(OMAR, login=Owner.Login.EXPIRED))
        paste(desk, page, sandbox.sign_in(address_on(desk, page), SAM)["landing"])
        job = ImportJob.objects.get()
        finish(job)
        text = f"This log-in belongs to {SAM}, not to {OMAR}. Nothing was saved."
        assert text in said(desk.get(reverse("admin:import_job", args=[job.pk])))
        desk.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-hans"
        text = f"这个登录属于 {SAM}，不是 {OMAR}，没有保存。"
        assert text in said(desk.get(reverse("admin:import_job", args=[job.pk])))

    def test_only_the_code_will_do(self, desk, sandbox):
        sandbox.workspace(OMAR)
        page = begin(desk)
        landing = sandbox.sign_in(address_on(desk, page), OMAR)["landing"]
        assert paste(desk, page, re.search(r"code=([^&]+)", landing)[1]).status_code == 302
        assert finish(ImportJob.objects.get())[0].state == State.CREATED

    def test_the_page_can_be_loaded_again(self, desk):
        page = begin(desk)
        assert address_on(desk, page) == address_on(desk, page) != ""
        assert SignIn.objects.count() == 1

    def test_the_audit_tells_it_without_secrets(self, desk, sandbox):
        sandbox.workspace(OMAR)
        page = begin(desk)
        address = address_on(desk, page)
        verifier = SignIn.objects.get().verifier
        landing = sandbox.sign_in(address, OMAR)["landing"]
        paste(desk, page, landing)
        events = list(AuditEvent.objects.order_by("pk"))
        assert [event.action for event in events] == ["sign_in_begun", "sign_in_used", "import_accepted"]
        code = re.search(r"code=([^&]+)", landing)[1]
        told = str([vars(event) for event in events])
        assert not any(secret in told for secret in (verifier, code, landing, address))


class TestRefusals:
    @pytest.mark.parametrize(
        ("pasted", "text"),
        [
            ("", "Paste the address of the last page."),
            ("https://chatgpt.com/", "This is not the address of the last page"),
            ("http://localhost:1455/auth/callback?code=ac_abcdefgh", "The address is not complete."),
            ("http://evil.example/auth/callback?code=ac_abcdefgh&state=x", "This is not the address of the last page"),
            ("code=ac_abcdefgh&state=wrong", "This address belongs to another sign-in."),
            ("error=access_denied&error_description=You+said+%3Cb%3Eno", "OpenAI did not let you in: You said <b>no."),
            ("x" * 100_000, "This is not the address of the last page"),
            ("\x00\ud800\U0010ffff".encode("utf-8", "replace").decode(), "This is not the address"),
        ],
    )
    def test_each_says_what_to_do_and_leaves_the_sign_in_open(self, desk, pasted, text):
        page = begin(desk)
        answer = paste(desk, page, pasted)
        assert answer.status_code == 400
        assert text in said(answer)
        assert 'role="alert"' in answer.content.decode()
        assert "ac_abcdefgh" not in answer.content.decode()
        assert not ImportJob.objects.exists()
        assert address_on(desk, page)

    def test_the_address_to_open_pasted_back(self, desk):
        page = begin(desk)
        assert "This is the address to open." in said(paste(desk, page, address_on(desk, page)))

    def test_a_replayed_address(self, desk, sandbox):
        sandbox.workspace(OMAR)
        page = begin(desk)
        landing = sandbox.sign_in(address_on(desk, page), OMAR)["landing"]
        paste(desk, page, landing)
        answer = paste(desk, page, landing)
        assert answer.status_code == 400
        assert "This sign-in was used already." in said(answer)
        assert reverse("admin:import_job", args=[ImportJob.objects.get().pk]) in answer.content.decode()
        elsewhere = paste(desk, begin(desk), landing)
        assert "This address belongs to another sign-in." in said(elsewhere)
        assert ImportLine.objects.count() == 1

    def test_after_ten_minutes(self, desk, sandbox):
        sandbox.workspace(OMAR)
        page = begin(desk)
        landing = sandbox.sign_in(address_on(desk, page), OMAR)["landing"]
        with time_machine.travel(timezone.now() + GOOD_FOR, tick=False):
            for answer in (desk.get(page), paste(desk, page, landing)):
                assert "Ten minutes are over." in said(answer)
                assert "Begin again" in said(answer)
                assert "sign-in-address" not in answer.content.decode()
        assert not ImportJob.objects.exists()

    def test_another_operators_sign_in(self, desk, sandbox):
        """Sam got hold of the address Olga landed on, and even of the number of her page."""
        sandbox.workspace(OMAR)
        page = begin(desk)
        landing = sandbox.sign_in(address_on(desk, page), OMAR)["landing"]
        thief = Client(HTTP_ACCEPT_LANGUAGE="en")
        thief.force_login(an_operator("thief"))
        assert paste(thief, page, landing).status_code == 404
        assert thief.get(page).status_code == 404
        assert "belongs to another sign-in" in said(paste(thief, begin(thief), landing))
        assert not ImportJob.objects.exists()

    def test_the_same_operator_in_another_session(self, desk, olga, sandbox):
        sandbox.workspace(OMAR)
        page = begin(desk)
        landing = sandbox.sign_in(address_on(desk, page), OMAR)["landing"]
        other = Client(HTTP_ACCEPT_LANGUAGE="en")
        other.force_login(olga)
        answer = paste(other, page, landing)
        assert answer.status_code == 404
        assert "begun in another browser" in said(answer)
        assert not ImportJob.objects.exists()
        assert paste(desk, page, landing).status_code == 302

    def test_a_code_slipped_to_an_operator_is_worth_nothing(self, desk, sandbox):
        """Sam's code alone, without a state: OpenAI refuses it with Olga's verifier."""
        sandbox.workspace(SAM)
        thief = Client()
        thief.force_login(an_operator("thief"))
        landing = sandbox.sign_in(address_on(thief, begin(thief)), SAM)["landing"]
        paste(desk, begin(desk), re.search(r"code=([^&]+)", landing)[1])
        assert finish(ImportJob.objects.get())[0].reason == "sign_in_refused"
        assert not Owner.objects.exists()

    def test_a_forgotten_one(self, desk):
        page = begin(desk)
        SignIn.objects.update(created_at=timezone.now() - KEPT_FOR - timedelta(minutes=1))
        SignIn.objects.all().delete()
        answer = desk.get(page)
        assert answer.status_code == 404
        assert "Begin again" in said(answer)


class TestWhoMay:
    @pytest.fixture
    def clerk(self, db):
        user = User.objects.create_user("clerk", is_staff=True)
        client = Client()
        client.force_login(user)
        return client

    def test_only_those_who_may_import(self, clerk):
        assert clerk.post(BEGIN).status_code == 403
        assert clerk.get(f"{BEGIN}1/").status_code == 403
        assert not SignIn.objects.exists()
        User.objects.get(username="clerk").user_permissions.add(Permission.objects.get(codename="add_importjob"))
        assert clerk.post(BEGIN).status_code == 302

    def test_nobody_without_a_log_in(self, db):
        assert "/admin/login/" in Client().post(BEGIN)["Location"]

    def test_it_needs_the_token_of_the_form(self, olga):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(olga)
        assert strict.post(BEGIN).status_code == 403
        assert strict.post(f"{BEGIN}1/", {"landing": "x"}).status_code == 403
        assert not SignIn.objects.exists()

    def test_looking_begins_nothing(self, desk):
        owner = an_owner(OMAR)
        assert desk.get(BEGIN)["Location"] == "/admin/import/"
        assert desk.get(f"{BEGIN}owner/{owner.pk}/")["Location"] == f"/admin/import/?owner={owner.pk}"
        assert not SignIn.objects.exists()

    def test_no_such_owner(self, desk):
        assert desk.post(f"{BEGIN}owner/99/").status_code == 404
        assert desk.post(f"{BEGIN}owner/{10**30}/").status_code == 404


class TestThePages:
    @pytest.mark.parametrize("language", ["en", "zh-hans"])
    def test_the_verifier_never_leaves(self, desk, sandbox, language):
        desk.defaults["HTTP_ACCEPT_LANGUAGE"] = language
        sandbox.workspace(OMAR)
        page = begin(desk)
        verifier = SignIn.objects.get().verifier
        answers = [desk.get(page), paste(desk, page, "nonsense")]
        landing = sandbox.sign_in(address_on(desk, page), OMAR)["landing"]
        answers += [paste(desk, page, landing), desk.get(page), desk.get("/admin/import/1/")]
        finish(ImportJob.objects.get())
        answers += [
            desk.get(reverse("admin:import_job", args=[ImportJob.objects.get().pk])),
            desk.get("/admin/import/"),
        ]
        for answer in answers:
            assert verifier not in answer.content.decode()
            assert verifier not in str(answer.headers)

    def test_the_address_is_no_link(self, desk):
        """A link would open beside the wrong log-in."""
        assert "oauth/authorize" not in "".join(
            re.findall(r"<a [^>]*>|<form [^>]*>", desk.get(begin(desk)).content.decode())
        )

    def test_its_queries_do_not_grow(self, desk, django_assert_max_num_queries):
        page = begin(desk)
        for _ in range(30):
            begin(desk)
        desk.get(page)
        with django_assert_max_num_queries(8):
            desk.get(page)

    def test_the_import_page_offers_it(self, desk):
        owner = an_owner(OMAR)
        shown = desk.get("/admin/import/").content.decode()
        assert 'form="sign-in"' in shown
        assert f'action="{BEGIN}"' in shown
        assert f'action="{BEGIN}owner/{owner.pk}/"' in desk.get(f"/admin/import/?owner={owner.pk}").content.decode()
