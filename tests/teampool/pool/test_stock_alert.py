"""The low-stock alert: one webhook a crossing, whatever goes to and fro and however many look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation
from django_q.models import OrmQ

from base.actors import command
from invites import tasks
from invites.actions import archive
from invites.delivery.drain import deliver
from invites.redeeming.redeem import redeem
from notifications.models import AuditEvent, Message, Setting
from notifications.settings import runtime
from notifications.texts.notices import line
from sandbox.server import SandboxServer
from teampool import bells
from teampool.login import tokens
from teampool.models import Owner, StockAlert, Team
from teampool.pool import seats, stock, stock_alert, stored
from teampool.teams import changes, health
from teampool.upstream.types import Failure
from tests.cast import ANA, a_code, a_team, import_sandbox_team, run_together

NOW = timezone.now()
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OLGA = command("tests")
KEYS = {"event", "current_seats", "threshold", "message"}


def set_to(key: str, value: Any) -> None:
    Setting.objects.update_or_create(key=key, defaults={"value": value, "updated_at": NOW})


@pytest.fixture(autouse=True)
def webhook(transactional_db: None) -> None:
    set_to("notifications.webhook_url", "https://stock.example.com/webhook/low-stock")
    set_to("notifications.low_stock_threshold", 10)


def webhooks() -> list[dict[str, Any]]:
    return [message.context for message in Message.objects.filter(channel="webhook").order_by("pk")]


def free(team: Team, count: int) -> None:
    """Leave so many seats of this Team free."""
    held = team.seat_total - count
    Team.objects.filter(pk=team.pk).update(seats_held=held, seat_cap=max(team.seat_total, held))


class TestCrossing:
    def test_it_says_what_the_document_says(self) -> None:
        a_team(seats=5)
        stock_alert.check(NOW, waiting=0)
        assert webhooks() == [
            {
                "event": "low_stock",
                "current_seats": 5,
                "threshold": 10,
                "message": "库存不足预警：系统总可用车位仅剩 5，已低于预警阈值 10，请及时补货导入新账号。",
            }
        ]
        event = AuditEvent.objects.get(action="low_stock")
        assert (event.actor_kind, event.details) == ("job", {"current_seats": 5, "threshold": 10})

    @pytest.mark.parametrize(("left", "is_told"), [(11, False), (10, True), (9, True), (0, True)])
    def test_the_line_itself_is_low(self, left: int, is_told: bool) -> None:
        a_team(seats=left)
        stock_alert.check(NOW, waiting=0)
        assert bool(webhooks()) is is_told

    def test_five_more_seats_gone_tell_nothing_more(self) -> None:
        team = a_team(seats=20)
        for left in (11, 10, 9, 8, 7, 6):
            free(team, left)
            stock_alert.check(NOW, waiting=0)
        assert [one["current_seats"] for one in webhooks()] == [10]

    def test_it_is_told_anew_after_a_restock(self) -> None:
        team = a_team(seats=10, created_at=NOW - HOUR)
        stock_alert.check(NOW, waiting=0)
        a_team(seats=4, created_at=NOW + MINUTE)
        stock_alert.check(NOW + MINUTE, waiting=0)
        free(team, 5)
        stock_alert.check(NOW + MINUTE, waiting=0)
        assert [one["current_seats"] for one in webhooks()] == [10, 9]

    def test_a_restock_that_does_not_reach_the_line_tells_nothing_more(self) -> None:
        a_team(seats=3, created_at=NOW - HOUR)
        stock_alert.check(NOW, waiting=0)
        a_team(seats=4, created_at=NOW + MINUTE)
        stock_alert.check(NOW + 2 * MINUTE, waiting=0)
        assert len(webhooks()) == 1
        assert StockAlert.objects.get().is_low

    def test_going_to_and_fro_around_the_line_is_one_alert(self) -> None:
        team = a_team(seats=20, created_at=NOW - HOUR)
        for minute in range(100):
            free(team, 10 + minute % 2 * 3)
            stock_alert.check(NOW + minute * MINUTE, waiting=0)
        assert len(webhooks()) == 1

    def test_seats_that_stay_free_for_five_minutes_arm_it(self) -> None:
        team = a_team(seats=20, created_at=NOW - HOUR)
        for minute, left in ((0, 10), (1, 11), (5, 11), (6, 11), (7, 10)):
            free(team, left)
            stock_alert.check(NOW + minute * MINUTE, waiting=0)
        assert len(webhooks()) == 2

    def test_a_lower_threshold_arms_it_at_once(self) -> None:
        a_team(seats=8, created_at=NOW - HOUR)
        for threshold in (10, 2, 9):
            set_to("notifications.low_stock_threshold", threshold)
            stock_alert.check(NOW, waiting=0)
        assert [one["threshold"] for one in webhooks()] == [10, 9]

    def test_it_reminds_every_six_hours_while_low(self) -> None:
        a_team(seats=4)
        for hour in range(13):
            stock_alert.check(NOW + hour * HOUR, waiting=0)
        assert len(webhooks()) == 3
        assert StockAlert.objects.get().told_at == NOW + 12 * HOUR


class TestWhatCounts:
    def test_a_pool_without_a_team_is_not_low(self) -> None:
        stock_alert.check(NOW, waiting=0)
        a_team(archived_at=NOW)
        stock_alert.check(NOW, waiting=0)
        assert not Message.objects.exists()

    def test_one_whose_teams_all_failed_is(self) -> None:
        a_team(token_state=Team.Token.EXPIRED)
        stock_alert.check(NOW, waiting=0)
        assert webhooks()[0]["current_seats"] == 0

    def test_teams_that_cool_down_are_not_low_stock(self) -> None:
        a_team(seats=20, cooldown_until=NOW + 5 * MINUTE)
        stock_alert.check(NOW, waiting=0)
        assert not webhooks()

    @pytest.mark.parametrize(
        "fields",
        [
            {"seat_total": 0, "seats_known": "unread", "seats_read_at": None, "sync_tried_at": None},
            {"seats_read_at": NOW - 25 * HOUR, "sync_tried_at": NOW - 25 * HOUR},
        ],
        ids=["upgrade", "standstill"],
    )
    def test_seats_that_wait_for_the_first_look_are_not_low_stock(self, fields: dict[str, Any]) -> None:
        """Nor is an alert armed again by it: what the first look says decides."""
        team = a_team(seats=20, **fields)
        stock_alert.check(NOW, waiting=0)
        Team.objects.filter(pk=team.pk).update(sync_tried_at=NOW, sync_lease_until=NOW + MINUTE)
        stock_alert.check(NOW, waiting=0)
        assert not webhooks()
        StockAlert.objects.update(is_low=True, told_at=NOW)
        stock_alert.check(NOW, waiting=0)
        assert StockAlert.objects.get().above_since is None
        StockAlert.objects.update(is_low=False)
        Team.objects.filter(pk=team.pk).update(sync_lease_until=None)
        stock_alert.check(NOW, waiting=0)
        assert webhooks()[0]["current_seats"] == 0

    def test_with_low_stock_they_count_as_on_the_first_screen(self) -> None:
        a_team(seats=3)
        a_team(seats=4, cooldown_until=NOW + 5 * MINUTE)
        stock_alert.check(NOW, waiting=0)
        assert webhooks()[0]["current_seats"] == stock.summary(NOW, waiting=0).free == 3

    @pytest.mark.parametrize(
        "fields",
        [
            {"is_enabled": False},
            {"workspace_state": "suspended"},
            {"upstream_full_at": NOW},
            {"subscription_until": NOW - HOUR},
            {"snapshot_has_self": False},
            {"outsiders": 9},
        ],
        ids=["paused", "suspended", "full", "lapsed", "without its own row", "over-full"],
    )
    def test_teams_that_take_nobody_do_not_count(self, fields: dict[str, Any]) -> None:
        a_team(seats=9, **fields)
        a_team(seats=7)
        stock_alert.check(NOW, waiting=0)
        assert webhooks()[0]["current_seats"] == 7

    def test_an_over_full_team_takes_nothing_from_the_others(self) -> None:
        a_team(seats=4, held=9)
        a_team(seats=7)
        stock_alert.check(NOW, waiting=0)
        assert webhooks()[0]["current_seats"] == 7


class TestWhoHears:
    def test_without_a_webhook_the_operators_still_hear(self) -> None:
        set_to("notifications.webhook_url", "")
        Setting.objects.create(key="notifications.bark_url", secret="https://bark.example.com/key", updated_at=NOW)
        a_team(seats=5)
        stock_alert.check(NOW, waiting=0)
        (message,) = Message.objects.all()
        assert (message.channel, message.event) == ("bark", "low_stock")
        assert message.context == {"current_seats": 5, "threshold": 10}
        with translation.override("en"):
            assert line(message.event, message.context) == "5 free seats, threshold 10"

    def test_with_nothing_set_up_nothing_is_queued(self) -> None:
        Setting.objects.all().delete()
        a_team(seats=5)
        stock_alert.check(NOW, waiting=0)
        assert not Message.objects.exists()

    def test_it_holds_no_more_than_the_document_names(self) -> None:
        a_team(seats=5)
        stock_alert.check(NOW, waiting=0)
        assert set(webhooks()[0]) == KEYS


class TestTogether:
    def test_nodes_that_look_at_once_tell_once(self) -> None:
        a_team(seats=5)
        results = run_together(*(lambda: stock_alert.check(timezone.now(), waiting=0) for _ in range(8)))
        assert results == [None] * 8
        assert len(webhooks()) == 1
        assert AuditEvent.objects.filter(action="low_stock").count() == 1

    def test_without_the_counted_update_each_of_them_would(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def any_row(alert: StockAlert) -> Any:
            return StockAlert.objects.all()

        monkeypatch.setattr(stock_alert, "_unchanged", any_row)
        a_team(seats=5)
        stock_alert.check(NOW, waiting=0)
        seen = StockAlert(is_low=False)
        stock_alert._low(seen, 5, 10, NOW)
        assert len(webhooks()) == 2

    def test_who_looked_before_another_told_does_not_tell_again(self) -> None:
        a_team(seats=5)
        stock_alert.check(NOW, waiting=0)
        stock_alert._low(StockAlert(is_low=False), 5, 10, NOW)
        assert len(webhooks()) == 1

    def test_a_fact_that_is_rolled_back_is_told_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError

        a_team(seats=5)
        with monkeypatch.context() as patch:
            patch.setattr("notifications.audit.events.tell_operators", broken)
            with pytest.raises(RuntimeError):
                stock_alert.check(NOW, waiting=0)
        assert not StockAlert.objects.get().is_low
        stock_alert.check(NOW, waiting=0)
        assert len(webhooks()) == 1


def rung() -> list[str]:
    return [row.task["func"] for row in OrmQ.objects.all() if row.task["func"] == "invites.tasks.check_stock"]


class TestBell:
    def test_one_waits_at_a_time(self) -> None:
        run_together(*(stock_alert.ring for _ in range(8)))
        assert len(rung()) == 1

    def test_the_look_lets_the_next_one_ring(self) -> None:
        stock_alert.ring()
        tasks.check_stock()
        stock_alert.ring()
        assert len(rung()) == 2

    def test_a_lost_one_is_rung_again_after_a_minute(self) -> None:
        stock_alert.ring()
        OrmQ.objects.all().delete()
        stock_alert.ring()
        assert rung() == []
        StockAlert.objects.update(rung_at=timezone.now() - 2 * MINUTE)
        stock_alert.ring()
        assert len(rung()) == 1

    def test_a_second_ring_costs_one_query(self, django_assert_num_queries: Any) -> None:
        stock_alert.ring()
        with django_assert_num_queries(1):
            stock_alert.ring()

    def test_a_queue_that_fails_does_not_undo_what_was_done(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(at: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(bells, "check_stock", broken)
        team = a_team(held=1)
        seats.release(team_id=team.pk)
        team.refresh_from_db()
        assert team.seats_held == 0

    def test_whatever_moves_the_stock_rings(self) -> None:
        team = a_team(held=2)
        capacity = stored.capacity(team, team.created_at)
        moves = {
            "a seat given back": lambda: seats.release(team_id=team.pk),
            "a count": lambda: seats.recount(team_id=team.pk, capacity=capacity, taken=0, outsiders=0),
            "paused": lambda: changes.change_team(team_id=team.pk, changes={"is_enabled": False}, actor=OLGA),
            "a cap": lambda: changes.change_team(team_id=team.pk, changes={"operator_cap": 3}, actor=OLGA),
            "full": lambda: fail(team, Failure.SEATS_FULL),
            "suspended": lambda: fail(team, Failure.WORKSPACE_SUSPENDED),
            "expired": lambda: tokens.expire_team(
                team_id=team.pk,
                owner_id=team.owner_id,
                version=team.owner.credential_version,
                login=Owner.Login.EXPIRED,
                cause="",
                actor=OLGA,
            ),
            "archived": lambda: archive.archive_teams(team_ids=[team.pk], codes_to=None, actor=OLGA),
            "the threshold": lambda: runtime.change({"notifications.low_stock_threshold": "3"}, actor=OLGA),
        }
        for what, move in moves.items():
            OrmQ.objects.all().delete()
            StockAlert.objects.update(rung_at=None)
            move()
            assert len(rung()) == 1, what

    def test_people_who_were_seated_ring_at_the_end_of_the_drain(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox)
        redeem(email=ANA, code=a_code().code)
        assert rung() == []
        deliver()
        assert len(rung()) == 1

    def test_a_drain_with_nothing_to_do_does_not_ring(self) -> None:
        deliver()
        assert rung() == []


def fail(team: Team, failure: Failure) -> None:
    version = team.owner.credential_version
    health.note_failure(team=team, failure=failure, version=version, now=timezone.now(), actor=OLGA)
