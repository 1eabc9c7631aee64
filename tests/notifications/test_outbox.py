"""What is queued for whom: only by ways that are on, only what operators ticked, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from base.actors import job
from base.encryption import PREFIX
from notifications import topics
from notifications.audit import events
from notifications.models import Message, Setting
from notifications.outbox import tell_operators
from tests.notifications.conftest import settle

pytestmark = pytest.mark.django_db
BARK = "https://api.day.app/KEY"


def tell(event: str = "login_expired", key: str = "x", **options) -> None:
    tell_operators(event, dedupe_key=key, context={"owner": "omar@example.com"}, **options)


def channels() -> list[str]:
    return sorted(Message.objects.values_list("channel", flat=True))


class TestTellOperators:
    def test_nothing_is_queued_while_every_way_is_off(self):
        tell()
        assert channels() == []

    def test_it_goes_by_every_way_that_is_on(self):
        settle(bark_url=BARK, smtp_host="smtp.example.com", operator_email="olga@example.com", operator_language="en")
        tell()
        assert channels() == ["bark", "email"]
        mail = Message.objects.get(channel="email")
        assert (mail.recipient, mail.language) == ("olga@example.com", "en")

    def test_a_mail_server_alone_is_no_address(self):
        settle(smtp_host="smtp.example.com")
        tell()
        assert channels() == []

    def test_it_is_queued_once_for_a_fact(self):
        settle(bark_url=BARK)
        tell()
        tell()
        tell(key="another")
        assert channels() == ["bark", "bark"]

    @pytest.mark.parametrize("topic", topics.TOPICS)
    def test_what_is_not_ticked_is_not_told(self, topic):
        settle(bark_url=BARK, **{f"tell_{topic}": "off"})
        tell(topic)
        assert channels() == []
        settle(**{f"tell_{topic}": "on"})
        tell(topic)
        assert channels() == ["bark"]

    def test_it_costs_two_queries(self):
        settle(bark_url=BARK, smtp_host="smtp.example.com", operator_email="olga@example.com")
        with CaptureQueriesContext(connection) as queries:
            tell()
        assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 2

    def test_a_lost_key_of_a_secret_does_not_stop_the_fact(self):
        settle(bark_url=BARK)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE notifications_setting SET secret = %s", [PREFIX + "not of our key"])
        tell()
        assert channels() == ["bark"]

    def test_a_fact_rolled_back_is_not_told(self):
        settle(bark_url=BARK)
        with transaction.atomic():
            tell()
            transaction.set_rollback(True)
        assert channels() == []


class TestFacts:
    def test_a_dead_login_is_one_notice_not_one_for_each_team(self):
        settle(bark_url=BARK)
        who, team = events.Subject("owner", "1", "omar@example.com"), events.Subject("team", "1", "Team A")
        changed = {"before": {}, "actor": job("test")}
        events.owner_changed(subject=who, after={"login": "expired"}, teams=2, **changed)
        events.team_changed(subject=team, after={"token_state": "expired"}, is_known=True, **changed)
        assert list(Message.objects.values_list("event", flat=True)) == ["login_expired"]

    @pytest.mark.parametrize(
        ("after", "event"),
        [
            ({"token_state": "expired"}, "token_expired"),
            ({"token_state": "disabled"}, "token_expired"),
            ({"workspace_state": "suspended"}, "team_suspended"),
            ({"workspace_state": "access_lost"}, "team_suspended"),
            ({"workspace_state": "active", "token_state": "healthy"}, None),
        ],
    )
    def test_what_of_a_team_is_told(self, after, event):
        settle(bark_url=BARK)
        events.team_changed(
            subject=events.Subject("team", "1", "A"), before={}, after=after, actor=job("test"), people=3
        )
        assert list(Message.objects.values_list("event", flat=True)) == ([event] if event else [])


class TestWebhook:
    def test_it_is_queued_when_there_is_an_address(self):
        stock = {"current_seats": 3, "threshold": 5}
        tell_operators("low_stock", dedupe_key="x", context=stock)
        assert channels() == []
        settle(webhook_url="https://hooks.example.com/")
        tell_operators("low_stock", dedupe_key="x", context=stock)
        assert Message.objects.get().context.keys() == {"event", "current_seats", "threshold", "message"}

    def test_it_is_told_of_low_stock_alone_and_always(self):
        settle(webhook_url="https://hooks.example.com/", tell_low_stock="off")
        tell()
        assert channels() == []
        tell_operators("low_stock", dedupe_key="x", context={"current_seats": 3, "threshold": 5})
        assert channels() == ["webhook"]


@pytest.mark.django_db(transaction=True)
class TestBell:
    def bells(self) -> int:
        return sum(row.task["func"] == "notifications.tasks.deliver" for row in OrmQ.objects.all())

    def test_a_burst_rings_once(self):
        settle(bark_url=BARK)
        with transaction.atomic():
            for number in range(5):
                tell(key=str(number))
            assert self.bells() == 0
        tell(key="after")
        assert self.bells() == 1

    def test_it_rings_anew_when_the_drain_has_begun(self):
        settle(bark_url=BARK)
        tell(key="1")
        Message.objects.update(attempts=1)
        tell(key="2")
        assert self.bells() == 2

    def test_one_that_waits_for_long_silences_nobody(self):
        settle(bark_url=BARK)
        tell(key="1")
        Message.objects.update(created_at=timezone.now() - timedelta(minutes=1))
        tell(key="2")
        assert self.bells() == 2


def test_the_settings_row_of_a_secret_is_not_read(django_assert_num_queries):
    """Its value would have to be decrypted in every fact."""
    settle(bark_url=BARK)
    with CaptureQueriesContext(connection) as queries:
        tell()
    read = next(query["sql"] for query in queries if "notifications_setting" in query["sql"])
    assert '"secret",' not in read.split("FROM")[0]
    assert Setting.objects.count() == 1
