"""Somebody has to be let in first, once."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.test import RequestFactory

from base import actors
from config.backoffice.first_operator import create_first_operator
from notifications.models import AuditEvent

ACTOR = actors.command("up")


class TestCreateFirstOperator:
    def test_its_password_opens_the_back_office(self, db, client):
        made = create_first_operator(actor=ACTOR)
        request = RequestFactory().post("/admin/login/")
        assert authenticate(request, username=made.name, password=made.password) == User.objects.get()
        assert User.objects.get().is_superuser
        assert AuditEvent.objects.get().action == "operator_added"

    def test_the_password_is_stored_nowhere(self, db):
        made = create_first_operator(actor=ACTOR)
        assert made.password not in str(list(User.objects.values())) + str(list(AuditEvent.objects.values()))

    def test_a_second_start_makes_nobody(self, db):
        create_first_operator(actor=ACTOR)
        assert create_first_operator(actor=ACTOR) is None
        assert User.objects.count() == 1

    def test_it_takes_over_no_name_that_is_there(self, db):
        User.objects.create_user("operator", password="somebody's")
        assert create_first_operator(actor=ACTOR) is None
        assert not User.objects.filter(is_superuser=True).exists()

    def test_somebody_who_was_shut_out_does_not_count(self, db, olga):
        olga.is_active = False
        olga.save(update_fields=["is_active"])
        assert create_first_operator(actor=ACTOR) is not None
