"""Operators: added, switched off, given a new password; and every change on record."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from base.actors import Actor
from config.backoffice import operators
from notifications.models import AuditEvent

PASSWORD = "quite-a-long-one"
ADD = "/admin/auth/user/add/"


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


@pytest.fixture
def oscar(db: None) -> User:
    return User.objects.create_superuser("oscar", "oscar@example.com", PASSWORD)


def page_of(user: User) -> str:
    return reverse("admin:auth_user_change", args=[user.pk])


class TestAdd:
    def test_a_new_operator_can_do_everything(self, desk: Client) -> None:
        assert desk.post(ADD, {"username": "oscar", "email": "", "new_password": PASSWORD}).status_code == 302
        oscar = User.objects.get(username="oscar")
        assert oscar.is_staff
        assert oscar.is_superuser
        assert oscar.check_password(PASSWORD)
        event = AuditEvent.objects.get(action="operator_added")
        assert (event.actor, event.object_label) == ("olga", "oscar")

    def test_the_password_is_needed_and_must_be_good(self, desk: Client) -> None:
        for password in ("", "short", "1234567890", "password12"):
            response = desk.post(ADD, {"username": "oscar", "email": "", "new_password": password})
            assert "new_password" in response.context["adminform"].form.errors, password
        assert not User.objects.filter(username="oscar").exists()

    def test_no_new_operator_keeps_the_password_there_is(self, desk: Client, oscar: User) -> None:
        assert "Empty: stays as it is." not in desk.get(ADD).content.decode()
        assert "Empty: stays as it is." in desk.get(page_of(oscar)).content.decode()

    def test_no_password_is_on_record_or_on_a_page(self, desk: Client) -> None:
        response = desk.post(ADD, {"username": "bad name!", "email": "", "new_password": PASSWORD})
        assert PASSWORD not in response.content.decode()
        desk.post(ADD, {"username": "oscar", "email": "", "new_password": PASSWORD})
        assert not any(PASSWORD in str(event.details) for event in AuditEvent.objects.all())


class TestChange:
    def test_switching_off_ends_the_access(self, desk: Client, oscar: User) -> None:
        theirs = Client()
        theirs.force_login(oscar)
        assert desk.post(page_of(oscar), {"email": oscar.email, "new_password": ""}).status_code == 302
        assert theirs.get("/admin/").status_code == 302
        event = AuditEvent.objects.get(action="operator_changed")
        assert (event.details["before"], event.details["after"]) == ({"is_active": True}, {"is_active": False})

    def test_an_empty_password_changes_nothing(self, desk: Client, oscar: User) -> None:
        desk.post(page_of(oscar), {"email": "new@example.com", "is_active": "on", "new_password": ""})
        oscar.refresh_from_db()
        assert oscar.email == "new@example.com"
        assert oscar.check_password(PASSWORD)

    def test_a_new_password_ends_old_sessions_and_is_only_named(self, desk: Client, oscar: User) -> None:
        theirs = Client()
        theirs.force_login(oscar)
        form = {"email": oscar.email, "is_active": "on", "new_password": "another-long-one"}
        desk.post(page_of(oscar), form)
        oscar.refresh_from_db()
        assert oscar.check_password("another-long-one")
        assert theirs.get("/admin/").status_code == 302
        assert AuditEvent.objects.get(action="operator_changed").details["after"] == {"password": "changed"}

    def test_changing_ones_own_password_keeps_one_logged_in(self, desk: Client, olga: User) -> None:
        desk.post(page_of(olga), {"email": olga.email, "is_active": "on", "new_password": "another-long-one"})
        assert desk.get("/admin/").status_code == 200

    def test_nobody_locks_themselves_out(self, desk: Client, olga: User) -> None:
        response = desk.post(page_of(olga), {"email": olga.email, "new_password": ""})
        assert "You cannot lock yourself out." in response.content.decode()
        olga.refresh_from_db()
        assert olga.is_active

    def test_the_door_below_the_page_refuses_it_too(self, olga: User) -> None:
        olga.is_active = False
        with pytest.raises(operators.WouldLockYourselfOut):
            operators.change(
                user=olga, fields=["is_active"], has_new_password=False, actor=Actor("operator", olga.username)
            )

    def test_the_name_stays(self, desk: Client, oscar: User) -> None:
        desk.post(page_of(oscar), {"username": "mallory", "email": "", "is_active": "on", "new_password": ""})
        oscar.refresh_from_db()
        assert oscar.username == "oscar"

    def test_no_hash_is_on_the_page(self, desk: Client, oscar: User) -> None:
        assert oscar.password not in desk.get(page_of(oscar)).content.decode()

    def test_nothing_changed_leaves_no_trace(self, desk: Client, oscar: User) -> None:
        desk.post(page_of(oscar), {"email": oscar.email, "is_active": "on", "new_password": ""})
        assert not AuditEvent.objects.exists()


class TestWhoMay:
    def test_staff_without_all_rights_may_not(self, client: Client, oscar: User) -> None:
        clerk = User.objects.create_user("clerk", is_staff=True)
        client.force_login(clerk)
        for page in ("/admin/auth/user/", ADD, page_of(oscar)):
            assert client.get(page).status_code == 403
        form = {"email": "", "new_password": "another-long-one"}
        assert client.post(page_of(oscar), form).status_code == 403


class TestOnRecord:
    """Who came in, and from where; who gave themselves a new password."""

    def test_a_log_in(self, client: Client, oscar: User) -> None:
        assert client.post("/admin/login/", {"username": "oscar", "password": PASSWORD}).status_code == 302
        event = AuditEvent.objects.get()
        assert (event.action, event.actor, event.object_label) == ("operator_logged_in", "oscar", "oscar")
        assert event.ip == "127.0.0.1"

    def test_a_wrong_try_is_none(self, client: Client, oscar: User) -> None:
        client.post("/admin/login/", {"username": "oscar", "password": "wrong"})
        client.get("/admin/login/")
        assert not AuditEvent.objects.exists()

    def test_nor_is_one_by_somebody_who_is_in(self, desk: Client, oscar: User) -> None:
        desk.post("/admin/login/", {"username": "oscar", "password": "wrong"})
        assert not AuditEvent.objects.exists()

    def test_a_new_password_of_ones_own(self, client: Client, oscar: User) -> None:
        client.force_login(oscar)
        new = {"old_password": PASSWORD, "new_password1": "another-long-one", "new_password2": "another-long-one"}
        assert client.post("/admin/password_change/", new).status_code == 302
        oscar.refresh_from_db()
        assert oscar.check_password("another-long-one")
        event = AuditEvent.objects.get()
        assert (event.action, event.actor, event.object_label) == ("operator_changed", "oscar", "oscar")
        assert event.details == {"before": {}, "after": {"password": "changed"}}

    def test_a_refused_one_is_none(self, client: Client, oscar: User) -> None:
        client.force_login(oscar)
        bad = {"old_password": "wrong", "new_password1": "another-long-one", "new_password2": "another-long-one"}
        assert client.post("/admin/password_change/", bad).status_code == 200
        assert not AuditEvent.objects.exists()
