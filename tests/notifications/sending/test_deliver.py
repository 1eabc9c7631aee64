"""The outbox against real receivers: back-off, order, one drain at a time, a worker killed while sending."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
import tracemalloc
from collections import Counter, deque
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override
from django_q.models import OrmQ

from base.actors import command
from notifications import tasks
from notifications.channels.transport import connecting
from notifications.channels.webhook import Webhook
from notifications.models import Message, MessageQuerySet
from notifications.outbox import tell_operators, write_to_redeemer
from notifications.sending import deliver
from notifications.sending.send_again import send_again
from notifications.settings.runtime import change
from tests.cast import ANA, SAM, run_together, wait_until
from tests.notifications.conftest import settle, use_mail
from tests.notifications.receivers import Mailbox, mail_server

pytestmark = pytest.mark.django_db(transaction=True)
BODY = {"event": "low_stock", "current_seats": 5, "threshold": 10, "message": "库存不足预警"}
State = Message.State


def queue(count: int = 1) -> list[str]:
    """So many notices for the webhook; their ids, in order."""
    stock = {"current_seats": 5, "threshold": 10}
    settle(tell_low_stock="off")  # the webhook is told nevertheless
    for _ in range(count):
        tell_operators("low_stock", dedupe_key=os.urandom(8).hex(), context=stock)
    return [str(uid) for uid in Message.objects.order_by("pk").values_list("uid", flat=True)][-count:]


def a_letter(to: str = ANA) -> None:
    context = {"email": to, "status_path": "/r/x/", "ends_at": ""}
    key = os.urandom(8).hex()
    write_to_redeemer("success", recipient=to, language="zh-hans", dedupe_key=key, context=context)


def drain() -> int:
    return deliver.drain(timezone.now() + deliver.SLICE)


def states() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("state", flat=True))


class TestBackOff:
    def test_a_receiver_that_fails_twice_gets_it_the_third_time(self, webhook):
        webhook.answers = [500, 500, 200]
        (uid,) = queue()
        with time_machine.travel(timezone.now(), tick=False) as clock:
            assert drain() == 0
            message = Message.objects.get()
            assert (message.state, message.attempts, message.last_error) == (State.WAITING, 1, "HTTP 500")
            assert message.due_at == timezone.now() + timedelta(minutes=1)
            assert drain() == 0
            assert len(webhook.posts) == 1
            clock.shift(timedelta(minutes=1))
            assert drain() == 0
            assert Message.objects.get().due_at == timezone.now() + timedelta(minutes=5)
            clock.shift(timedelta(minutes=5))
            assert drain() == 1
        message = Message.objects.get()
        assert (message.state, message.attempts, message.last_error) == (State.SENT, 3, "")
        assert webhook.ids == [uid] * 3

    def test_after_the_last_try_it_is_kept_as_failed_and_can_be_sent_again(self, webhook):
        webhook.answers = [500]
        (uid,) = queue()
        waits = []
        with time_machine.travel(timezone.now(), tick=False) as clock:
            while Message.objects.get().state == State.WAITING:
                drain()
                waits.append(Message.objects.get().due_at - timezone.now())
                clock.shift(waits[-1])
            assert [wait.total_seconds() / 60 for wait in waits[:-1]] == [1, 5, 30, 120, 720]
            message = Message.objects.get()
            assert (message.state, message.attempts, message.last_error) == (State.FAILED, 6, "HTTP 500")
            clock.shift(timedelta(days=3))
            assert drain() == 0
            webhook.answers = [200]
            assert send_again(message_ids=[message.pk], actor=command("test")) == 1
            assert send_again(message_ids=[message.pk], actor=command("test")) == 0
            assert drain() == 1
        assert Message.objects.get().state == State.SENT
        assert set(webhook.ids) == {uid}

    def test_a_mail_server_that_is_down_for_an_hour_gets_it_afterwards(self, mailbox, certificates):
        a_letter()
        port = mailbox.port
        settle(smtp_port="1")
        with time_machine.travel(timezone.now(), tick=False) as clock:
            for _ in range(60):
                drain()
                clock.shift(timedelta(minutes=1))
            assert Message.objects.get().attempts == 4
            settle(smtp_port=str(port))
            clock.shift(timedelta(hours=2))
            assert drain() == 1
        assert mailbox.recipients == [[ANA]]

    def test_what_breaks_on_our_side_is_tried_again_too(self, webhook, caplog):
        queue()
        Message.objects.update(context={"event": "low_stock"})
        queue()
        drain()
        assert states() == [State.WAITING, State.WAITING]
        assert webhook.posts == []
        assert "message " in caplog.text

    def test_a_way_that_was_switched_off_keeps_nothing_waiting(self, webhook):
        queue(2)
        settle(webhook_url="")
        assert drain() == 0
        assert states() == [State.FAILED] * 2

    @pytest.mark.parametrize(("language", "said"), [("zh-hans", "关闭"), ("en", "switched off")])
    def test_and_says_so_in_the_operators_language(self, webhook, language, said):
        queue()
        settle(webhook_url="", operator_language=language)
        with override("en" if language != "en" else "zh-hans"):
            drain()
        assert said in Message.objects.get().last_error


class TestMended:
    """An operator who puts a setting right need not wait for the next try."""

    def test_what_waits_is_tried_by_the_next_drain(self, webhook):
        webhook.answers = [500, 200]
        queue()
        drain()
        change({"notifications.webhook_secret": "a new secret"}, actor=command("test"))
        assert drain() == 1

    def test_another_channels_setting_wakes_nothing(self, webhook):
        webhook.answers = [500, 200]
        queue()
        drain()
        change({"notifications.bark_level": "passive"}, actor=command("test"))
        assert drain() == 0


class TestOrder:
    def test_they_arrive_in_the_order_they_were_queued(self, webhook):
        ids = queue(120)
        assert drain() == 120
        assert webhook.ids == ids

    def test_a_later_one_never_overtakes_an_earlier_one(self, webhook):
        webhook.answers = [500, 200]
        first, second, third = queue(3)
        with time_machine.travel(timezone.now(), tick=False) as clock:
            assert drain() == 0
            assert drain() == 0
            assert webhook.ids == [first]
            clock.shift(timedelta(minutes=1))
            assert drain() == 3
        assert webhook.ids == [first, first, second, third]

    def test_one_queued_while_an_earlier_one_waits_waits_too(self, webhook):
        webhook.answers = [500, 200]
        (first,) = queue()
        with time_machine.travel(timezone.now(), tick=False) as clock:
            drain()
            (second,) = queue()
            drain()
            assert webhook.ids == [first]
            clock.shift(timedelta(minutes=1))
            drain()
        assert webhook.ids == [first, first, second]

    def test_one_that_failed_for_good_lets_the_next_one_pass(self, webhook):
        webhook.answers = [500, 200]
        _first, second = queue(2)
        Message.objects.filter(uid=_first).update(attempts=5)
        assert drain() == 1
        assert webhook.ids[-1] == second
        assert states()[:2] == [State.FAILED, State.SENT]

    def test_another_recipient_does_not_wait(self, mailbox):
        refuse = mailbox.handle_RCPT

        async def picky(server, session, envelope, address, options):
            return "451 later" if address == ANA else await refuse(server, session, envelope, address, options)

        mailbox.handle_RCPT = picky
        a_letter(ANA)
        a_letter(ANA)
        a_letter(SAM)
        assert drain() == 1
        assert mailbox.recipients == [[SAM]]
        assert list(Message.objects.order_by("pk").values_list("attempts", flat=True)) == [1, 0, 1]

    def test_one_channel_does_not_wait_for_another(self, webhook, phone, monkeypatch):
        monkeypatch.setattr(connecting, "WHOLE_CALL", 1.0)
        pushed = threading.Event()
        webhook.answers = [lambda _post: 200 if pushed.wait(20) else 500]
        phone.answers = [lambda _post: (pushed.set(), (200, b'{"code":200}'))[1]]
        queue()
        tell_operators("login_expired", dedupe_key="x", context={"owner": "o"})
        assert drain() == 2

    def test_when_the_server_is_down_not_every_mail_waits_for_it(self, mailbox):
        """One try shows it; with a page of mails a hanging server would hold the worker for minutes."""
        for number in range(20):
            a_letter(f"p{number}@example.com")
        settle(smtp_password="wrong-pa55word")
        assert drain() == 0
        assert mailbox.logins == 2  # PLAIN, and then LOGIN
        assert Message.objects.filter(attempts=0).count() == 19


class TestClaim:
    def two_drains(self, webhook) -> Counter[str]:
        """Both want the first message while the receiver has it in hand; it lets go when it has it twice, or soon."""
        twice = threading.Barrier(2)

        def hold(_post) -> int:
            with contextlib.suppress(threading.BrokenBarrierError):
                twice.wait(1)
            return 200

        webhook.answers = [hold, hold, 200]
        queue(3)
        # Past the look for another drain, which the claim does not depend on.
        results = run_together(*[lambda: self.past_the_look()] * 2)
        assert not [result for result in results if isinstance(result, Exception)]
        return Counter(webhook.ids)

    def past_the_look(self) -> int:
        return deliver._send_heads("webhook", Webhook.stored(), timezone.now() + deliver.SLICE)

    def test_two_drains_send_each_message_once(self, webhook):
        assert set(self.two_drains(webhook).values()) == {1}
        drain()
        assert set(Counter(webhook.ids).values()) == {1}
        assert states() == [State.SENT] * 3

    def test_control_without_the_claim_they_send_it_twice(self, webhook, monkeypatch):
        monkeypatch.setattr(MessageQuerySet, "claim", lambda rows, message, now, until: True)
        assert max(self.two_drains(webhook).values()) == 2

    def test_one_drain_works_on_a_channel_at_a_time(self, webhook):
        """The second bell frees its worker at once instead of waiting at a slow receiver."""
        taken, let_go = threading.Event(), threading.Event()
        webhook.answers = [lambda _post: (taken.set(), 200 if let_go.wait(20) else 500)[1], 200]
        queue(2)
        first = threading.Thread(target=lambda: (drain(), connections.close_all()))
        first.start()
        assert taken.wait(10)
        assert drain() == 0
        assert len(webhook.posts) == 1
        let_go.set()
        first.join(20)
        assert states() == [State.SENT] * 2

    def test_a_worker_that_wakes_too_late_changes_nothing(self, webhook):
        queue()
        late = Message.objects.get()
        now = timezone.now()
        assert Message.objects.claim(late, now=now, until=now + deliver.LEASE)
        with time_machine.travel(timezone.now() + deliver.LEASE + timedelta(seconds=1)):
            assert drain() == 1
        assert not Message.objects.let_go(late, state=State.FAILED)
        assert states() == [State.SENT]


class TestKilled:
    """SIGKILL of a real process while it sends."""

    def start_again(self) -> None:
        with time_machine.travel(timezone.now() + deliver.LEASE + timedelta(seconds=1)):
            drain()

    def killed_when(self, ready: threading.Event) -> None:
        """A worker of its own, killed as soon as `ready`."""
        connections.close_all()
        child = os.fork()
        if child == 0:
            try:
                drain()
            finally:
                os._exit(0)
        assert ready.wait(20)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)

    def test_while_the_receiver_has_it_in_hand(self, webhook):
        """It may or may not have been taken: sent once more with the same id, recorded once, order kept."""
        taken, forever = threading.Event(), threading.Event()
        webhook.answers = [lambda _post: (taken.set(), forever.wait(30), 200)[-1], 200]
        ids = queue(3)
        self.killed_when(taken)
        forever.set()
        assert states() == [State.WAITING] * 3
        assert drain() == 0  # the lease of the dead holds
        self.start_again()
        assert webhook.ids == [ids[0], *ids]
        assert states() == [State.SENT] * 3

    def test_a_mail(self, mailbox):
        taken, forever = threading.Event(), threading.Event()
        take = mailbox.handle_DATA

        async def slow(server, session, envelope):
            answer = await take(server, session, envelope)
            if not taken.is_set():
                taken.set()
                await asyncio.to_thread(forever.wait, 30)
            return answer

        mailbox.handle_DATA = slow
        a_letter(ANA)
        a_letter(ANA)
        self.killed_when(taken)
        forever.set()
        self.start_again()
        first, *others = [mail["Message-ID"] for mail in mailbox.mails]
        assert len(others) == 2
        assert others[0] == first
        assert others[1] != first
        assert states() == [State.SENT] * 2

    def test_around_every_commit(self, webhook):
        """Nothing is lost, nothing recorded twice, and no id is new: at most one repetition for each kill."""
        for step in range(1, 20):
            Message.objects.all().delete()
            webhook.posts.clear()
            ids = queue(2)
            was_killed = self.dies_at(step)
            self.start_again()
            assert list(dict.fromkeys(webhook.ids)) == ids, step
            assert len(webhook.ids) <= 2 + was_killed
            assert states() == [State.SENT] * 2
            if not was_killed:
                assert step > 4
                return
        raise AssertionError("it never got through")

    def dies_at(self, step: int) -> bool:
        connections.close_all()
        child = os.fork()
        if child == 0:
            reached = 0
            commit, execute = BaseDatabaseWrapper._commit, Message.objects.none().__class__.update

            def border(call):
                def inner(*args, **kwargs):
                    nonlocal reached
                    for after in (False, True):
                        reached += 1
                        if reached == step:
                            os.kill(os.getpid(), signal.SIGKILL)
                        if not after:
                            result = call(*args, **kwargs)
                    return result

                return inner

            BaseDatabaseWrapper._commit = border(commit)
            Message.objects.none().__class__.update = border(execute)
            try:
                drain()
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)


class TestMany:
    @pytest.mark.parametrize(("count", "most"), [(50, 2.5), (400, 2.1)])
    def test_each_costs_a_claim_and_a_settlement(self, webhook, count, most):
        queue_many(count)
        with CaptureQueriesContext(connection) as queries:
            assert drain() == count
        assert len(queries) / count < most

    def test_ten_thousand_take_no_more_memory_than_a_page(self, webhook):
        """What waits stays in the database: a slice over many holds at its peak what one over few does."""
        webhook.posts = deque(maxlen=1)
        peaks = []
        for count in (100, 10_000):
            queue_many(count)
            tracemalloc.start()
            deliver.drain(timezone.now() + timedelta(seconds=2))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            Message.objects.all().delete()
        assert peaks[1] < peaks[0] + 500_000

    def test_many_recipients_cost_the_same(self, mailbox):
        rows = [row(number) for number in range(200)]
        Message.objects.bulk_create(rows)
        with CaptureQueriesContext(connection) as queries:
            assert drain() == 200
        assert len(queries) / 200 < 2.2
        assert mailbox.logins == 1

    def test_a_slice_ends_in_time_and_rings_for_the_rest(self, webhook, monkeypatch):
        monkeypatch.setattr(tasks, "SLICE", timedelta(seconds=0.5))
        queue(3)
        OrmQ.objects.all().delete()
        webhook.answers = [lambda _post: (threading.Event().wait(0.6), 200)[-1]]
        assert tasks.deliver() == 1
        assert [row.task["func"] for row in OrmQ.objects.all()] == ["notifications.tasks.deliver"]
        assert Message.objects.filter(state=State.WAITING).count() == 2


def queue_many(count: int) -> None:
    now = timezone.now()
    shared = {"event": "low_stock", "channel": "webhook", "context": BODY, "created_at": now, "due_at": now}
    Message.objects.bulk_create([Message(dedupe_key=f"many:{number}", **shared) for number in range(count)])


def row(number: int) -> Message:
    now = timezone.now()
    return Message(
        event="mail_success",
        channel="email",
        recipient=f"p{number}@example.com",
        context={"email": f"p{number}@example.com", "status_path": "/r/x/", "ends_at": ""},
        dedupe_key=f"many:{number}",
        created_at=now,
        due_at=now,
    )


class TestFailing:
    """When one way does not work, operators are told by the others."""

    def fail_for_good(self) -> None:
        Message.objects.filter(state=State.WAITING, channel="webhook").update(attempts=5)
        drain()

    def test_they_are_told_once(self, webhook, phone):
        webhook.answers = [500]
        queue(2)
        self.fail_for_good()
        self.fail_for_good()
        drain()
        assert [post.body["body"] for post in phone.posts] == ["Webhook通知发不出去：HTTP 500"]

    def test_they_are_told_again_when_it_had_worked_in_between(self, webhook, phone):
        webhook.answers = [500, 200, 500]
        queue()
        self.fail_for_good()
        queue()
        drain()
        queue()
        self.fail_for_good()
        drain()
        assert len(phone.posts) == 2

    def test_the_way_that_fails_is_not_used_for_it(self, phone, mailbox):
        settle(operator_email="olga@example.com")
        phone.answers = [(500, b"")]
        tell_operators("login_expired", dedupe_key="x", context={"owner": "o"})
        Message.objects.filter(channel="bark").update(attempts=5)
        drain()
        drain()
        assert not Message.objects.filter(event="delivery_failing", channel="bark").exists()
        assert [mail["Subject"] for mail in mailbox.mails][-1].strip() == "席位管家：Bark通知发不出去：HTTP 500"

    def test_a_notice_about_it_that_fails_tells_nobody(self, phone, mailbox):
        settle(operator_email="olga@example.com")
        phone.answers = [(500, b"")]
        mailbox.says_to_mail = "554 no"
        tell_operators("login_expired", dedupe_key="x", context={"owner": "o"})
        for _ in range(4):
            Message.objects.filter(state=State.WAITING).update(attempts=5, due_at=timezone.now())
            drain()
        # Each way failed, and each failure was told by the other; there it ends.
        assert Message.objects.filter(event="delivery_failing").count() == 2
        assert not Message.objects.filter(state=State.WAITING).exists()

    def test_a_redeemers_mistyped_address_is_no_alarm(self, mailbox, phone):
        mailbox.says_to_recipient = "550 no such user"
        a_letter()
        drain()
        assert states() == [State.FAILED]
        assert phone.posts == []


def test_a_hanging_server_is_given_up(trusted, transactional_db, monkeypatch):
    monkeypatch.setattr(connecting, "WHOLE_CALL", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_mail(Mailbox(port=silent.getsockname()[1]))
        a_letter()
        assert drain() == 0
    assert Message.objects.get().attempts == 1


def test_the_bell_rings_the_worker(webhook):
    """From the fact to the receiver, through the queue's own row."""
    OrmQ.objects.all().delete()
    queue(5)
    rows = [row.task["func"] for row in OrmQ.objects.all()]
    assert rows == ["notifications.tasks.deliver"]
    assert tasks.deliver() == 5
    wait_until(lambda: len(webhook.posts) == 5)


def test_a_server_with_starttls_gets_a_page_of_mails(certificates, trusted, transactional_db):
    with mail_server(certificates.for_server(), security="starttls") as mailbox:
        use_mail(mailbox, smtp_security="starttls")
        for number in range(3):
            a_letter(f"p{number}@example.com")
        assert drain() == 3
