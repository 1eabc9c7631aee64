"""Five wrong tries, then half an hour: counted in the database, by the address nobody can forge."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from base.actors import command
from base.times import clock
from notifications.models import AuditEvent, Message
from notifications.settings import runtime
from tests.cast import OLGA, noon

PASSWORD = "a-good-long-one"
HERE = "198.51.100.7"


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_superuser(OLGA, "olga@example.com", PASSWORD)


def attempt(password: str, *, username: str = OLGA, ip: str = HERE, **headers: Any) -> HttpResponse:
    """From a fresh browser each time: a cookie is not what is counted."""
    form = {"username": username, "password": password}
    return Client(REMOTE_ADDR=ip, HTTP_ACCEPT_LANGUAGE="en").post("/admin/login/", form, headers=headers or None)


def lock(**options: Any) -> list[int]:
    return [attempt("wrong", **options).status_code for _ in range(5)]


class TestLogIn:
    def test_a_wrong_password_says_one_sentence(self, person: User) -> None:
        text = attempt("wrong").content.decode()
        assert "User name or password is wrong." in text

    def test_an_unknown_name_reads_the_same(self, person: User) -> None:
        assert "User name or password is wrong." in attempt("wrong", username="nobody").content.decode()

    def test_a_switched_off_account_reads_the_same(self, person: User) -> None:
        User.objects.filter(pk=person.pk).update(is_active=False)
        assert "User name or password is wrong." in attempt(PASSWORD).content.decode()

    def test_somebody_who_is_no_operator_reads_the_same(self, person: User) -> None:
        User.objects.filter(pk=person.pk).update(is_staff=False, is_superuser=False)
        assert "User name or password is wrong." in attempt(PASSWORD).content.decode()


class TestLockout:
    def test_the_port_a_proxy_writes_makes_nobody_a_new_visitor(self, person: User, settings: Any) -> None:
        settings.TRUSTED_PROXY_COUNT = 1
        for port in range(5):
            attempt("wrong", **{"X-Forwarded-For": f"203.0.113.7:{40000 + port}"})
        assert attempt(PASSWORD, **{"X-Forwarded-For": "203.0.113.7:50000"}).status_code == 429
        assert attempt(PASSWORD, **{"X-Forwarded-For": "203.0.113.8:50000"}).status_code == 302

    def test_one_home_is_one_visitor(self, person: User) -> None:
        for number in range(5):
            attempt("wrong", ip=f"2001:db8:1:2::{number}")
        assert attempt(PASSWORD, ip="2001:db8:1:2:ffff::9").status_code == 429
        assert attempt(PASSWORD, ip="2001:db8:1:3::9").status_code == 302

    def test_after_a_wrong_one_the_password_is_typed_next(self, person: User) -> None:
        fields = re.findall(r"<input[^>]* autofocus[^>]*>", attempt("wrong").content.decode())
        assert [re.findall(r'name="(\w+)"', field) for field in fields] == [["password"]]

    def test_the_fifth_wrong_try_locks_and_the_right_one_is_refused(self, person: User) -> None:
        assert lock() == [200, 200, 200, 200, 429]
        assert attempt(PASSWORD).status_code == 429

    def test_four_wrong_tries_do_not(self, person: User) -> None:
        assert [attempt("wrong").status_code for _ in range(4)] == [200] * 4
        assert attempt(PASSWORD).status_code == 302

    def test_it_ends_after_half_an_hour(self, person: User) -> None:
        start = timezone.now()
        with time_machine.travel(start, tick=False) as traveller:
            lock()
            traveller.move_to(start + timedelta(minutes=29, seconds=59))
            assert attempt(PASSWORD).status_code == 429
            traveller.move_to(start + timedelta(minutes=30, seconds=1))
            assert attempt(PASSWORD).status_code == 302

    def test_it_says_when_and_trying_again_does_not_put_it_off(self, person: User) -> None:
        start = noon()
        sentence = f"Too many tries. Try again after {clock(start + timedelta(minutes=30), start)}."
        with time_machine.travel(start, tick=False) as traveller:
            lock()
            assert sentence in attempt("wrong").content.decode()
            traveller.move_to(start + timedelta(minutes=20))
            assert sentence in attempt("wrong").content.decode()

    def test_it_reads_the_same_for_a_name_that_does_not_exist(self, person: User) -> None:
        with time_machine.travel(timezone.now(), tick=False):
            lock()
            lock(username="nobody")
            known, unknown = attempt("wrong"), attempt("wrong", username="nobody")
        strip = lambda response: response.content.decode().split("csrfmiddlewaretoken")[0]  # noqa: E731
        assert known.status_code == unknown.status_code == 429
        assert strip(known) == strip(unknown)

    def test_another_address_is_not_locked(self, person: User) -> None:
        lock()
        assert attempt(PASSWORD, ip="198.51.100.8").status_code == 302

    def test_a_forged_header_does_not_help(self, person: User) -> None:
        answers = [attempt("wrong", **{"x-forwarded-for": f"203.0.113.{n}"}).status_code for n in range(5)]
        assert answers == [200, 200, 200, 200, 429]
        assert attempt(PASSWORD, **{"x-forwarded-for": "203.0.113.99"}).status_code == 429

    def test_a_forged_header_does_not_help_behind_a_proxy(self, person: User, settings: Any) -> None:
        settings.TRUSTED_PROXY_COUNT = 1
        answers = [attempt("wrong", **{"x-forwarded-for": f"203.0.113.{n}, {HERE}"}).status_code for n in range(5)]
        assert answers == [200, 200, 200, 200, 429]
        assert attempt(PASSWORD, **{"x-forwarded-for": f"203.0.113.99, {HERE}"}).status_code == 429
        assert attempt(PASSWORD, **{"x-forwarded-for": "198.51.100.8"}).status_code == 302

    def test_another_browser_does_not_help(self, person: User) -> None:
        answers = [attempt("wrong", **{"user-agent": f"browser {n}"}).status_code for n in range(5)]
        assert answers[-1] == 429
        assert attempt(PASSWORD, **{"user-agent": "another"}).status_code == 429

    def test_it_is_on_record_once(self, person: User) -> None:
        lock()
        attempt("wrong")
        attempt(PASSWORD)
        event = AuditEvent.objects.get(action="operator_locked_out")
        assert (event.actor, event.ip, event.object_label) == (OLGA, HERE, OLGA)

    def test_operators_are_told_once_an_hour_and_address(self, person: User) -> None:
        User.objects.create_superuser("oscar", password=PASSWORD)
        runtime.change({"notifications.bark_url": "https://api.day.app/key"}, actor=command("tests"))
        with time_machine.travel("2026-03-02T06:10:00Z", tick=False) as traveller:
            lock()
            lock(username="oscar")
            assert Message.objects.get().context == {"username": OLGA, "ip": HERE}
            lock(ip="198.51.100.8")
            assert Message.objects.count() == 2
            traveller.move_to("2026-03-02T07:10:00Z")
            lock()
            assert Message.objects.count() == 3
        assert AuditEvent.objects.filter(action="operator_locked_out").count() == 4

    def test_nobody_is_told_of_names_that_are_no_operators(self, person: User) -> None:
        User.objects.create_user("clerk", password=PASSWORD)
        runtime.change({"notifications.bark_url": "https://api.day.app/key"}, actor=command("tests"))
        for name in ("nobody", "clerk"):
            assert lock(username=name)[-1] == 429
        assert not Message.objects.exists()
        assert AuditEvent.objects.filter(action="operator_locked_out").count() == 2

    def test_a_long_name_is_no_error(self, person: User) -> None:
        assert lock(username="n" * 150)[-1] == 429
        assert AuditEvent.objects.get().object_label == "n" * 150

    def test_the_page_looks_like_the_others(self, person: User, client: Client) -> None:
        client.force_login(person)
        pages = [attempt("wrong"), client.post("/admin/logout/")]
        lock()
        pages.append(attempt("wrong"))
        assert [page.status_code for page in pages] == [200, 200, 429]
        for text in (page.content.decode() for page in pages):
            assert "/static/admin.css" in text
            assert text.index("/static/admin/mark-light.svg") < text.index("<h1")

    def test_the_page_stays_in_the_language(self, person: User) -> None:
        lock()
        assert '<html lang="en"' in attempt("wrong").content.decode()


class TestUnlock:
    def test_unlocking_lets_the_person_in_and_is_on_record(self, person: User) -> None:
        lock()
        other = Client(HTTP_ACCEPT_LANGUAGE="en")
        other.force_login(User.objects.create_superuser("oscar"))
        page = reverse("admin:axes_accessattempt_changelist")
        assert "Locked until" in other.get(page).content.decode()
        row = AccessAttempt.objects.get()
        response = other.post(page, {"action": "unlock", "_selected_action": [row.pk]}, follow=True)
        assert "1 log-in unlocked." in response.content.decode()
        assert attempt(PASSWORD).status_code == 302
        event = AuditEvent.objects.get(action="operator_unlocked")
        assert (event.actor, event.object_label) == ("oscar", OLGA)

    def test_the_list_shows_nothing_that_was_typed(self, person: User) -> None:
        attempt("hunter2-typed-by-mistake")
        other = Client()
        other.force_login(User.objects.create_superuser("oscar"))
        text = other.get(reverse("admin:axes_accessattempt_changelist")).content.decode()
        assert OLGA in text
        assert "hunter2" not in text

    def test_only_operators_with_all_rights_see_it(self, person: User) -> None:
        clerk = Client()
        clerk.force_login(User.objects.create_user("clerk", is_staff=True))
        assert clerk.get(reverse("admin:axes_accessattempt_changelist")).status_code == 403
