"""What redeemers are written, from the fact to the mail in the outbox: once each, in their language."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from base.actors import Actor
from invites.actions import seat
from invites.delivery.drain import deliver
from invites.models import Redemption, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming.redeem import redeem
from invites.seats import mails, moves
from invites.states import GrantState
from notifications import tasks
from notifications.models import Message
from tests.cast import ANA, a_code, a_team, import_sandbox_team
from tests.invites.rows import HOUR, MINUTE, a_grant, a_redemption, a_seated
from tests.notifications.conftest import certificates as certificates
from tests.notifications.conftest import settle, use_mail
from tests.notifications.conftest import trusted as trusted
from tests.notifications.receivers import mail_server

pytestmark = pytest.mark.django_db
OLGA = Actor("operator", "olga")


@pytest.fixture
def mail() -> None:
    settle(smtp_host="smtp.example.com", smtp_user="desk@seats.example")


def advance(grant: SeatGrant, to: GrantState) -> None:
    assert moves.advance(grant, to, now=timezone.now(), actor=OLGA)


def events() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("event", flat=True))


class TestConfirmed:
    @pytest.mark.parametrize("state", [GrantState.VERIFIED, GrantState.JOINED])
    def test_it_is_written_once_when_first_seen(self, mail, state):
        redemption = a_redemption(language="en", public_id="Q4RT6HZN")
        grant = a_grant(redemption, GrantState.INVITED)
        advance(grant, state)
        if state == GrantState.VERIFIED:
            advance(grant, GrantState.JOINED)
        message = Message.objects.get()
        assert (message.event, message.channel, message.recipient) == ("mail_success", "email", ANA)
        assert message.language == "en"
        assert message.context == {"email": ANA, "status_path": "/r/Q4RT6HZN/", "ends_at": ""}

    def test_an_invitation_that_was_only_sent_is_not_written_of(self, mail):
        advance(a_grant(a_redemption(), GrantState.INVITING), GrantState.INVITED)
        assert events() == []

    @time_machine.travel("2026-03-01T06:30:00Z", tick=False)
    def test_it_knows_the_end_of_a_temporary_seat(self, mail, shanghai):
        grant = a_grant(a_redemption(seat_time=timedelta(hours=24)), GrantState.INVITED)
        advance(grant, GrantState.VERIFIED)
        assert Message.objects.get().context["ends_at"] == "2026年3月2日 14:30（UTC+8）"

    def test_a_seat_that_moved_is_told_as_such(self, mail):
        redemption = a_redemption()
        first = a_grant(redemption, GrantState.INVITED)
        advance(first, GrantState.VERIFIED)
        SeatGrant.objects.filter(pk=first.pk).update(state=GrantState.ENDED)
        Redemption.objects.filter(pk=redemption.pk).update(try_number=2)
        redemption.refresh_from_db()
        advance(a_grant(redemption, GrantState.INVITED), GrantState.VERIFIED)
        assert events() == ["mail_success", "mail_moved"]

    def test_a_team_that_was_left_before_anybody_was_seen_is_no_move(self, mail):
        redemption = a_redemption(try_number=2)
        a_grant(redemption, GrantState.CANCELLED, try_number=1)
        advance(a_grant(redemption, GrantState.INVITED), GrantState.VERIFIED)
        assert events() == ["mail_success"]

    def test_without_a_mail_server_nothing_is_queued_and_it_costs_one_query(self):
        grant = a_grant(a_redemption(), GrantState.INVITED)
        with CaptureQueriesContext(connection) as without:
            advance(grant, GrantState.VERIFIED)
        assert events() == []
        assert sum("notifications_setting" in query["sql"] for query in without) == 1
        assert not any("notifications_message" in query["sql"] for query in without)

    @pytest.mark.parametrize("switch", ["mail_success", "mail_moved"])
    def test_each_mail_can_be_switched_off(self, mail, switch):
        settle(**{switch: "off"})
        advance(a_grant(a_redemption(), GrantState.INVITED), GrantState.VERIFIED)
        assert events() == ([] if switch == "mail_success" else ["mail_success"])


@pytest.mark.django_db(transaction=True)
class TestRemind:
    """A day before the end; at half of the time where that is less than two days."""

    @pytest.mark.parametrize(
        ("seat_time", "left", "is_due"),
        [
            (timedelta(days=30), timedelta(hours=24, minutes=1), False),
            (timedelta(days=30), timedelta(hours=24), True),
            (timedelta(hours=48), timedelta(hours=24), True),
            (timedelta(hours=24), timedelta(hours=12, minutes=1), False),
            (timedelta(hours=24), timedelta(hours=12), True),
            (timedelta(hours=2), timedelta(hours=1), True),
            (timedelta(hours=1), timedelta(minutes=10), False),  # its success mail has only just come
            (None, timedelta(hours=23), True),  # an operator gave it an end
            (timedelta(days=30), timedelta(0), False),
        ],
    )
    def test_when(self, mail, seat_time, left, is_due):
        now = timezone.now()
        a_seated(GrantState.JOINED, at=now - HOUR, seat_time=seat_time, ends_at=now + left)
        with time_machine.travel(now, tick=False):
            assert mails.remind(timezone.now()) == is_due

    def ending(self, **fields) -> Redemption:
        now = timezone.now()
        return a_seated(
            GrantState.JOINED, **{"at": now - 47 * HOUR, "seat_time": 48 * HOUR, "ends_at": now + HOUR} | fields
        )

    def test_it_is_written_once(self, mail):
        self.ending(language="en", public_id="Q4RT6HZN")
        assert reconcile()["reminders"] == 1
        assert reconcile()["reminders"] == 0
        message = Message.objects.get()
        assert (message.event, message.recipient, message.language) == ("mail_reminder", ANA, "en")
        assert message.context["status_path"] == "/r/Q4RT6HZN/"
        assert message.context["ends_at"]

    def test_an_extended_seat_is_reminded_of_its_new_end(self, mail):
        redemption = self.ending()
        mails.remind(timezone.now())
        Message.objects.update(state=Message.State.SENT)
        seat.set_end(redemption_id=redemption.pk, ends_at=timezone.now() + 72 * HOUR, actor=OLGA)
        assert mails.remind(timezone.now()) == 0
        with time_machine.travel(timezone.now() + 71 * HOUR):
            assert mails.remind(timezone.now()) == 1
            assert mails.remind(timezone.now()) == 0
        assert events() == ["mail_reminder"] * 2

    def test_one_that_was_not_sent_yet_is_dropped_when_the_end_changes(self, mail):
        redemption = self.ending()
        mails.remind(timezone.now())
        seat.set_end(redemption_id=redemption.pk, ends_at=None, actor=OLGA)
        assert events() == []
        assert mails.remind(timezone.now()) == 0

    @pytest.mark.parametrize("state", [GrantState.INVITED, GrantState.ENDED])
    def test_who_is_not_in_is_not_written_to(self, mail, state):
        now = timezone.now()
        a_seated(state, at=now - HOUR, seat_time=48 * HOUR, ends_at=now + HOUR)
        assert mails.remind(now) == 0

    def test_without_a_mail_server_nothing_is_looked_for(self):
        self.ending()
        with CaptureQueriesContext(connection) as queries:
            assert mails.remind(timezone.now()) == 0
        assert len(queries) == 1

    def test_a_pass_writes_a_page_at_most(self, mail, monkeypatch):
        monkeypatch.setattr(mails, "_AT_ONCE", 2)
        team = a_team(seats=5, held=3)
        for number in range(3):
            now = timezone.now()
            redemption = a_redemption(f"p{number}@example.com", code=a_code(), seat_time=48 * HOUR, ends_at=now + HOUR)
            a_grant(redemption, GrantState.JOINED, team=team, at=now - 47 * HOUR)
        assert [mails.remind(timezone.now()) for _ in range(3)] == [2, 1, 0]


@pytest.mark.django_db(transaction=True)
class TestUnresolved:
    def test_operators_get_one_notice_for_all_of_them(self):
        settle(bark_url="https://api.day.app/KEY")
        team = a_team(seats=5, held=3)
        for number in range(3):
            redemption = a_redemption(f"p{number}@example.com", created_at=timezone.now() - 11 * MINUTE)
            a_grant(redemption, GrantState.INVITED, team=team, at=timezone.now() - 11 * MINUTE)
        assert reconcile()["alerts"] == 3
        assert reconcile()["alerts"] == 0
        message = Message.objects.get(event="invite_unresolved")
        assert message.context == {"count": 3, "minutes": 10}


@pytest.mark.django_db(transaction=True)
def test_from_the_code_to_the_mailbox(sandbox, certificates, trusted):
    """Ana redeems on the English page; once ChatGPT lists her, she has the mail with the tutorial, and has it once."""
    import_sandbox_team(sandbox)
    with mail_server(certificates.for_server()) as mailbox:
        use_mail(mailbox, public_url="https://seats.example.com")
        redemption = redeem(email=ANA, code=a_code().code, language="en")
        for _ in range(2):
            deliver()
            tasks.deliver()
        assert mailbox.recipients == [[ANA]]
        (mail,) = mailbox.mails
        assert mail["Subject"] == "Your ChatGPT Team invitation"
        text = mail.get_body(("plain",)).get_content()
        assert f"https://seats.example.com/r/{redemption.public_id}/" in text
