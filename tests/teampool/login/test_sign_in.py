from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from base import actors
from notifications.models import AuditEvent
from teampool import tasks
from teampool.login import sign_in
from teampool.login.landing import NotSignedIn, Problem
from teampool.login.sign_in import GOOD_FOR, KEPT_FOR, begin, begun_by, use
from teampool.models import SignIn
from teampool.upstream.authorisation import address_of, state_of
from tests.cast import an_operator, an_owner, run_together

pytestmark = pytest.mark.django_db
ACTOR = actors.command("tests")
CODE = "ac_sandbox.code-of-the-test"
BROWSER = "the-session-of-olga"


def begun(operator, owner=None, session_key=BROWSER):
    return begin(operator_id=operator.pk, session_key=session_key, owner=owner, actor=ACTOR)


def landing(attempt, **changes):
    fields = {"code": CODE, "state": state_of(attempt.verifier)} | changes
    return "http://localhost:1455/auth/callback?" + "&".join(f"{key}={value}" for key, value in fields.items())


def used(attempt, pasted, **changes):
    return use(sign_in=attempt, pasted=pasted, **({"now": timezone.now(), "actor": ACTOR} | changes))


def refused(attempt, pasted, **changes):
    with pytest.raises(NotSignedIn) as caught:
        used(attempt, pasted, **changes)
    return caught.value.problem


class TestBegin:
    def test_the_verifier_is_stored_encrypted_and_the_state_not_at_all(self, olga):
        attempt = begun(olga)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM teampool_signin")
            stored = str(cursor.fetchall())
        for secret in (attempt.verifier, state_of(attempt.verifier), BROWSER):
            assert secret not in stored

    def test_the_audit_tells_it_without_secrets(self, olga):
        attempt = begun(olga, an_owner("omar@example.com"))
        event = AuditEvent.objects.get(action="sign_in_begun")
        assert (event.object_label, event.actor) == ("omar@example.com", "tests")
        assert attempt.verifier not in str(vars(event))

    def test_it_belongs_to_one_operator_in_one_session(self, olga):
        attempt = begun(olga)
        ann = an_operator("ann")
        assert begun_by(operator_id=olga.pk, session_key=BROWSER).get() == attempt
        assert not begun_by(operator_id=olga.pk, session_key="another").exists()
        assert not begun_by(operator_id=ann.pk, session_key=BROWSER).exists()


class TestUse:
    def test_it_gives_code_and_verifier_and_keeps_neither(self, olga):
        attempt = begun(olga)
        verifier = attempt.verifier
        granted = used(attempt, landing(attempt))
        assert (granted.code, granted.verifier) == (CODE, verifier)
        assert CODE not in repr(granted)
        attempt.refresh_from_db()
        assert attempt.verifier == ""
        assert attempt.used_at is not None
        assert CODE not in str([vars(event) for event in AuditEvent.objects.all()])

    def test_the_code_alone_does_on_its_own_page(self, olga):
        assert used(begun(olga), CODE).code == CODE

    def test_it_is_good_once(self, olga):
        attempt = begun(olga)
        address = landing(attempt)
        used(attempt, address)
        attempt.refresh_from_db()
        assert refused(attempt, address) is Problem.USED

    def test_what_was_refused_may_be_tried_again(self, olga):
        attempt = begun(olga)
        assert refused(attempt, "error=access_denied") is Problem.REFUSED
        assert refused(attempt, "nonsense") is Problem.ELSEWHERE
        assert used(attempt, landing(attempt)).code == CODE

    @pytest.mark.parametrize("state", ["wrong", "状态", "%00", "x" * 5000])
    def test_it_refuses_a_wrong_state(self, olga, state):
        attempt = begun(olga)
        assert refused(attempt, landing(attempt, state=state)) is Problem.OTHER_STATE
        assert SignIn.objects.filter(used_at=None).count() == 1

    def test_it_refuses_the_state_of_another_sign_in(self, olga):
        mine, other = begun(olga), begun(an_operator("ann"), session_key="hers")
        assert refused(mine, landing(other)) is Problem.OTHER_STATE

    def test_it_lasts_ten_minutes(self, olga):
        attempt = begun(olga)
        last = attempt.created_at + GOOD_FOR
        assert timedelta(minutes=10) == GOOD_FOR
        assert refused(attempt, landing(attempt), now=last) is Problem.EXPIRED
        assert used(attempt, landing(attempt), now=last - timedelta(seconds=1)).code == CODE


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_refused(olga):
    attempt = begun(olga)
    address = landing(attempt)
    results = run_together(*[lambda: used(SignIn.objects.get(pk=attempt.pk), address)] * 2)
    assert sorted(type(result).__name__ for result in results) == ["Granted", "NotSignedIn"]


def test_the_minute_job_deletes_old_ones(olga):
    begun(olga)
    with time_machine.travel(timezone.now() + KEPT_FOR - timedelta(seconds=1), tick=False):
        tasks.resume_imports()
        assert SignIn.objects.count() == 1
    with time_machine.travel(timezone.now() + KEPT_FOR + timedelta(seconds=1), tick=False):
        tasks.resume_imports()
        assert SignIn.objects.count() == 0
    assert sign_in.forget(now=timezone.now()) == 0


def test_the_address_comes_again_after_a_reload(olga):
    """A phone drops the page while the person signs in elsewhere."""
    attempt = begun(olga)
    again = SignIn.objects.get(pk=attempt.pk)
    assert address_of(again.verifier) == address_of(attempt.verifier)
    assert parse_qs(urlsplit(address_of(again.verifier)).query)["state"] == [state_of(attempt.verifier)]
