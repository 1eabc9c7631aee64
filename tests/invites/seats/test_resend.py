from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from base.actors import Actor
from invites.models import Redemption, SeatGrant
from invites.seats.resend import Resend, ResendView, resend_view, want_resend
from invites.states import GrantState, RedemptionState
from notifications.models import AuditEvent
from tests.cast import ANA, run_together
from tests.invites.rows import MINUTE, a_grant, a_redemption, a_seated, an_already

# These write wall-clock times as people read them.
pytestmark = pytest.mark.usefixtures("shanghai")

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANA_HERSELF = Actor("user", ANA, "192.0.2.1")


def view(redemption: Redemption, now: datetime) -> ResendView:
    return resend_view(redemption, redemption.grants.order_by("pk").last(), now)


def want(redemption: Redemption, now: datetime) -> bool:
    return want_resend(redemption_id=redemption.pk, actor=ANA_HERSELF, now=now)


def change(redemption: Redemption, **fields: object) -> None:
    Redemption.objects.filter(pk=redemption.pk).update(**fields)
    redemption.refresh_from_db()


@pytest.mark.django_db
class TestResendView:
    @pytest.mark.parametrize("state", [GrantState.INVITED, GrantState.VERIFIED])
    def test_it_waits_two_minutes_after_the_first_mail(self, state):
        redemption = a_seated(state, at=NOON)
        assert view(redemption, NOON + 119 * timedelta(seconds=1)) == ResendView(Resend.WAIT, NOON + 2 * MINUTE)
        assert view(redemption, NOON + 2 * MINUTE).state is Resend.AVAILABLE

    @pytest.mark.parametrize(
        "state", [GrantState.RESERVED, GrantState.INVITING, GrantState.JOINED, GrantState.CANCELLED]
    )
    def test_it_is_offered_only_while_a_mail_waits_to_be_accepted(self, state):
        assert view(a_seated(state, at=NOON), NOON + 5 * MINUTE).state is Resend.NOT_OFFERED

    def test_it_is_not_offered_without_a_seat(self):
        assert view(a_redemption(), NOON).state is Resend.NOT_OFFERED

    def test_it_is_not_offered_for_an_invite_that_is_not_ours(self):
        redemption = a_redemption(created_at=NOON)
        a_grant(redemption, GrantState.VERIFIED, at=NOON, sends=0)
        assert view(redemption, NOON + 5 * MINUTE).state is Resend.NOT_OFFERED

    def test_it_is_not_offered_once_the_redemption_is_over(self):
        redemption = a_seated(GrantState.VERIFIED, at=NOON)
        change(redemption, state=RedemptionState.ENDED)
        assert view(redemption, NOON + 5 * MINUTE).state is Resend.NOT_OFFERED

    def test_it_is_queued_until_the_worker_sent_it(self):
        redemption = a_seated(GrantState.INVITED, at=NOON, resend_wanted_at=NOON + 3 * MINUTE)
        assert view(redemption, NOON + 30 * MINUTE) == ResendView(Resend.QUEUED)

    def test_it_waits_ten_minutes_after_a_resend(self):
        redemption = a_seated(GrantState.INVITED, at=NOON, resends=1, resent_at=NOON + 5 * MINUTE)
        waiting = view(redemption, NOON + 14 * MINUTE)
        assert waiting == ResendView(Resend.WAIT, NOON + 15 * MINUTE, sent_at=NOON + 5 * MINUTE)
        assert view(redemption, NOON + 15 * MINUTE) == ResendView(Resend.AVAILABLE, sent_at=NOON + 5 * MINUTE)

    def test_it_is_used_up_after_three(self):
        redemption = a_seated(GrantState.INVITED, at=NOON, resends=3, resent_at=NOON + 5 * MINUTE)
        assert view(redemption, NOON + timedelta(days=2)).state is Resend.NONE_LEFT

    def test_a_failed_one_says_so_and_may_be_repeated_soon(self):
        redemption = a_seated(GrantState.INVITED, at=NOON, resend_failed_at=NOON + 5 * MINUTE)
        assert view(redemption, NOON + 6 * MINUTE) == ResendView(Resend.WAIT, NOON + 7 * MINUTE, has_failed=True)
        assert view(redemption, NOON + 7 * MINUTE) == ResendView(Resend.AVAILABLE, has_failed=True)

    def test_an_old_failure_is_forgotten_once_one_was_sent(self):
        redemption = a_seated(
            GrantState.INVITED, at=NOON, resends=1, resend_failed_at=NOON + 5 * MINUTE, resent_at=NOON + 8 * MINUTE
        )
        assert not view(redemption, NOON + 30 * MINUTE).has_failed

    def test_a_new_seat_has_a_first_mail_of_its_own(self):
        redemption = a_redemption(created_at=NOON, try_number=2, resends=1, resent_at=NOON + 5 * MINUTE)
        a_grant(redemption, GrantState.ENDED, at=NOON, try_number=1)
        moved = NOON + 60 * MINUTE
        a_grant(redemption, GrantState.INVITED, at=moved, created_at=moved)
        assert view(redemption, moved + MINUTE) == ResendView(Resend.WAIT, moved + 2 * MINUTE)


@pytest.mark.django_db
class TestWantResend:
    def test_it_writes_the_wish_and_makes_the_seat_due(self):
        redemption = a_seated(GrantState.VERIFIED, at=NOON)
        now = NOON + 3 * MINUTE
        assert want(redemption, now)
        change(redemption)
        assert redemption.resend_wanted_at == now
        assert redemption.grants.get().due_at == now
        assert redemption.resends == 0  # the worker counts what it sent

    def test_it_leaves_an_audit_row(self):
        redemption = a_seated(GrantState.VERIFIED, at=NOON)
        want(redemption, NOON + 3 * MINUTE)
        event = AuditEvent.objects.get(action="resend_wanted")
        assert (event.object_id, event.actor, event.ip) == (str(redemption.pk), ANA, "192.0.2.1")

    def test_it_rings_the_worker(self):
        redemption = a_seated(GrantState.VERIFIED, at=NOON)
        want(redemption, NOON + 3 * MINUTE)
        assert OrmQ.objects.count() == 1

    def test_a_double_click_asks_once(self):
        redemption = a_seated(GrantState.VERIFIED, at=NOON)
        assert want(redemption, NOON + 3 * MINUTE)
        assert not want(redemption, NOON + 3 * MINUTE)
        assert AuditEvent.objects.filter(action="resend_wanted").count() == 1

    def test_it_refuses_before_its_time(self):
        redemption = a_seated(GrantState.INVITED, at=NOON)
        assert not want(redemption, NOON + MINUTE)
        change(redemption)
        assert redemption.resend_wanted_at is None

    def test_the_fourth_is_refused(self):
        redemption = a_seated(GrantState.INVITED, at=NOON)
        now = NOON
        for number in range(1, 4):
            now += 11 * MINUTE
            assert want(redemption, now)
            change(redemption, resend_wanted_at=None, resent_at=now, resends=number)
        assert not want(redemption, now + timedelta(days=1))

    @pytest.mark.parametrize("state", [GrantState.RESERVED, GrantState.JOINED, GrantState.ENDED])
    def test_it_refuses_without_a_waiting_mail(self, state):
        redemption = a_seated(state, at=NOON)
        assert not want(redemption, NOON + 5 * MINUTE)
        assert SeatGrant.objects.get().due_at is None


@pytest.mark.django_db(transaction=True)
class TestWantResendAtOnce:
    def test_of_many_at_once_one_is_taken(self):
        redemption = a_seated(GrantState.VERIFIED, at=NOON)
        outcomes = run_together(*[lambda: want(redemption, NOON + 3 * MINUTE) for _ in range(4)])
        assert sorted(outcomes) == [False, False, False, True]


@pytest.mark.django_db
class TestResendDoor:
    URL = "/r/{}/resend"

    def test_a_post_asks_and_leads_back(self, client):
        redemption = a_seated(GrantState.VERIFIED, at=timezone.now() - 3 * MINUTE)
        answer = client.post(self.URL.format(redemption.public_id))
        assert (answer.status_code, answer["Location"]) == (302, f"/r/{redemption.public_id}/")
        change(redemption)
        assert redemption.resend_wanted_at is not None

    def test_a_post_too_early_leads_back_and_asks_nothing(self, client):
        redemption = a_seated(GrantState.VERIFIED)
        assert client.post(self.URL.format(redemption.public_id)).status_code == 302
        change(redemption)
        assert redemption.resend_wanted_at is None

    def test_a_get_is_refused(self, client):
        redemption = a_seated(GrantState.VERIFIED)
        assert client.get(self.URL.format(redemption.public_id)).status_code == 405

    def test_it_needs_a_csrf_token(self):
        redemption = a_seated(GrantState.VERIFIED, at=timezone.now() - 3 * MINUTE)
        answer = Client(enforce_csrf_checks=True).post(self.URL.format(redemption.public_id))
        assert answer.status_code == 403
        change(redemption)
        assert redemption.resend_wanted_at is None

    def test_an_unknown_page_is_not_found(self, client):
        assert client.post(self.URL.format("nobody")).status_code == 404

    def test_the_page_of_an_already_seated_email_repeats_the_seats_mail(self, client):
        seat = a_seated(GrantState.VERIFIED, at=timezone.now() - 3 * MINUTE)
        client.post(self.URL.format(an_already(seat).public_id))
        change(seat)
        assert seat.resend_wanted_at is not None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "button", "queued", "done", "wait", "none_left", "failed"),
    [
        (
            "zh-hans",
            "没收到？重新发送邮件",
            "正在重新发送…",
            "已在 20:05 重新发送。",
            "20:15 之后可以再发。",
            "已重发 3 次。仍没收到请联系给你邀请码的人，并报编号。",
            "这次没有发出，请稍后再试。",
        ),
        (
            "en",
            "No mail? Send it again",
            "Sending again…",
            "Sent again at 20:05.",
            "You can send again after 20:15.",
            "Sent 3 times. Still nothing? Contact the person who gave you the code and quote the reference.",
            "Not sent this time; please try later.",
        ),
    ],
)
class TestResendCopy:
    """NOON is 20:00 in the operator's zone."""

    def test_each_row(self, client, language, button, queued, done, wait, none_left, failed):
        client.cookies["django_language"] = language
        redemption = a_seated(GrantState.VERIFIED, at=NOON)

        def page(minutes: int) -> str:
            with time_machine.travel(NOON + minutes * MINUTE, tick=False):
                return client.get(f"/r/{redemption.public_id}/").content.decode()

        assert f">{button}</button>" in page(3)
        change(redemption, resend_wanted_at=NOON + 3 * MINUTE)
        assert queued in page(4)
        assert button not in page(4)
        change(redemption, resend_wanted_at=None, resent_at=NOON + 5 * MINUTE, resends=1)
        assert done in page(6)
        assert wait in page(6)
        assert button not in page(6)
        assert done in page(15)
        assert button in page(15)
        change(redemption, resend_failed_at=NOON + 20 * MINUTE)
        assert failed in page(21)
        assert done not in page(21)
        change(redemption, resend_failed_at=None, resends=3)
        assert none_left in page(60)
        assert redemption.reference in page(60)
        assert button not in page(60)
