"""SIGKILL at every step: before and after each commit and each call, then a restart.

A child process does the work and kills itself at step N; the parent starts again as a new worker would.
N runs from the first step to beyond the last, a third of them in each part of a test, so no step is left out.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from invites.actions import seat
from invites.delivery import deliver as delivery
from invites.delivery.drain import deliver
from invites.following.sync import sync_team
from invites.models import Departure, Redemption, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming.redeem import redeem
from invites.states import GrantState
from sandbox.server import SandboxServer
from teampool.models import JobLease, Team
from teampool.upstream.transport import Transport
from tests.cast import a_code, import_sandbox_team
from tests.invites.clock import pass_time
from tests.invites.invariants import check_books, check_upstream
from tests.thinning import thin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow(10)]
MOST_STEPS = 200
PARTS = 3  # an odd number: each part has borders before a commit or call, and after
EACH_PART = pytest.mark.parametrize("part", thin(range(PARTS), every=PARTS))


@contextmanager
def killed_at(step: int) -> Iterator[None]:
    """SIGKILL this process when it reaches its `step`-th border: around each commit and each call."""
    reached = 0

    def border() -> None:
        nonlocal reached
        reached += 1
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def bracketed(call: Callable[..., Any]) -> Callable[..., Any]:
        def inner(*args: Any, **kwargs: Any) -> Any:
            border()
            result = call(*args, **kwargs)
            border()
            return result

        return inner

    BaseDatabaseWrapper.commit = bracketed(BaseDatabaseWrapper.commit)  # type: ignore[method-assign]
    Transport.send = bracketed(Transport.send)  # type: ignore[method-assign]
    yield


def dies_at(step: int, work: Callable[[], Any]) -> bool:
    """Run `work` in a process that is killed at `step`; False when it ended before reaching it."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            with killed_at(step):
                work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0, "the child failed by itself"
    return os.WIFSIGNALED(status)


def start_again() -> None:
    """What the worker does after a restart, until nothing is left to do."""
    for _ in range(8):
        reconcile()
        deliver()
        pass_time(100)
        if is_settled():
            return


def is_settled() -> bool:
    under_way = SeatGrant.objects.live().exclude(state__in=[GrantState.VERIFIED, GrantState.JOINED])
    waiting = Redemption.objects.filter(state="open").exclude(pk__in=SeatGrant.objects.live().values("redemption_id"))
    return not under_way.exists() and not waiting.exists()


def next_pool() -> None:
    Team.objects.update(archived_at=timezone.now())


def seated_everywhere(sandbox: SandboxServer) -> dict[str, int]:
    return dict(check_upstream(sandbox))


def run_to_the_end(part: int, scenario: Callable[[int], Callable[[], Any]], check: Callable[[int], None]) -> int:
    """Kill at step 1, 4, 7 … (of part 0) until the work gets through; the last step it was killed at."""
    for step in range(1 + part, MOST_STEPS, PARTS):
        was_killed = dies_at(step, scenario(step))
        start_again()
        check_books()
        check(step)
        next_pool()
        if not was_killed:
            return step - PARTS
    raise AssertionError("it never got through")


@EACH_PART
class TestEachStep:
    def test_it_brings_the_person_in_once(self, sandbox: SandboxServer, part: int) -> None:
        codes: dict[int, Any] = {}

        def scenario(step: int) -> Callable[[], Any]:
            import_sandbox_team(sandbox, seats=1)
            import_sandbox_team(sandbox, seats=1)
            codes[step] = a_code(seat_time=timedelta(hours=5))
            return lambda: (redeem(email=f"p{step}@example.com", code=codes[step].code), deliver())

        def check(step: int) -> None:
            email = f"p{step}@example.com"
            redemption = redeem(email=email, code=codes[step].code)  # the person submits again: the same page
            start_again()
            check_books()
            grant = SeatGrant.objects.live().get(email=email)
            redemption.refresh_from_db()
            assert (grant.state, redemption.state) == (GrantState.VERIFIED, "open")
            assert redemption.ends_at is not None
            assert Redemption.objects.filter(email=email).count() == 1
            assert check_upstream(sandbox)[email] == 1
            asked = [row for row in sandbox.log() if row["op"] == "invite" and email in str(row["body"])]
            assert len(asked) <= 2, "an unanswered invite may be asked for once more, at the same Team"
            assert len({row["account_id"] for row in asked}) == 1

        assert run_to_the_end(part, scenario, check) > 10

    def test_it_finishes_a_failover(self, sandbox: SandboxServer, part: int) -> None:
        def scenario(step: int) -> Callable[[], Any]:
            bad = import_sandbox_team(sandbox, last_invite_at=timezone.now())
            import_sandbox_team(sandbox)
            sandbox.fault(op="invite", account_id=bad.account_id, action={"preset": "forbidden_403"}, times=9)
            code = a_code().code
            redeem(email=f"p{step}@example.com", code=code)
            return lambda: (deliver(), deliver())

        def check(step: int) -> None:
            email = f"p{step}@example.com"
            for _ in range(3):  # an unanswered send is left the careful way: revoke, a quarter of an hour
                if SeatGrant.objects.live().get(email=email).state != GrantState.VERIFIED:
                    start_again()
            assert SeatGrant.objects.live().get(email=email).state == GrantState.VERIFIED
            assert check_upstream(sandbox)[email] == 1

        assert run_to_the_end(part, scenario, check) > 10

    def test_it_keeps_the_code_of_a_refused_address(self, sandbox: SandboxServer, part: int) -> None:
        codes: dict[int, Any] = {}

        def scenario(step: int) -> Callable[[], Any]:
            import_sandbox_team(sandbox)
            codes[step] = a_code()
            redeem(email=f"p{step}@refused.example", code=codes[step].code)
            return deliver

        def check(step: int) -> None:
            for _ in range(16):  # an unanswered send is left the careful way: revoke, a quarter of an hour
                start_again()
                if Redemption.objects.latest("pk").state == "refused":
                    break
            redemption = Redemption.objects.latest("pk")
            codes[step].refresh_from_db()
            assert (redemption.state, redemption.refusal, codes[step].uses_held) == ("refused", "email_refused", 0)

        assert run_to_the_end(part, scenario, check) > 5

    @pytest.mark.parametrize("preset", ["500_after", "500"])
    def test_it_settles_a_lost_answer(self, sandbox: SandboxServer, part: int, preset: str) -> None:
        def scenario(step: int) -> Callable[[], Any]:
            import_sandbox_team(sandbox)
            import_sandbox_team(sandbox)
            sandbox.clear_faults()
            sandbox.fault(op="invite", action={"preset": preset})
            redeem(email=f"p{step}@example.com", code=a_code().code)
            deliver()
            pass_time(100)
            return deliver

        def check(step: int) -> None:
            assert SeatGrant.objects.live().get(email=f"p{step}@example.com").state == GrantState.VERIFIED
            assert check_upstream(sandbox)[f"p{step}@example.com"] == 1

        assert run_to_the_end(part, scenario, check) > 3

    def test_it_finishes_a_departure(self, sandbox: SandboxServer, part: int) -> None:
        """Reconcile: a person left behind in a Team that returned is taken out there, and only there."""
        lost: dict[int, Team] = {}

        def scenario(step: int) -> Callable[[], Any]:
            lost[step] = import_sandbox_team(sandbox)
            email = f"p{step}@example.com"
            redeem(email=email, code=a_code().code)
            deliver()
            Team.objects.filter(pk=lost[step].pk).update(workspace_state="suspended")
            import_sandbox_team(sandbox)
            redeem(email=email, code=a_code().code)  # is seated elsewhere, the code unused
            deliver()
            Team.objects.filter(pk=lost[step].pk).update(workspace_state="active")
            Departure.objects.update(due_at=timezone.now())
            return lambda: (reconcile(), pass_time(120), sync_team(team_id=lost[step].pk))

        def check(step: int) -> None:
            Departure.objects.update(lease_until=None, due_at=timezone.now())
            Team.objects.update(sync_lease_until=None)
            JobLease.objects.update(until=timezone.now())
            reconcile()
            pass_time(960)  # killed right after the call, it finds nobody to take out: that takes a quarter of an hour
            sync_team(team_id=lost[step].pk)
            assert Departure.objects.filter(team=lost[step]).get().state == "done"
            assert check_upstream(sandbox)[f"p{step}@example.com"] == 1
            assert SeatGrant.objects.live().get(email=f"p{step}@example.com").team != lost[step]

        assert run_to_the_end(part, scenario, check) > 5

    def test_it_finishes_a_sync(self, sandbox: SandboxServer, part: int) -> None:
        teams: dict[int, Team] = {}

        def scenario(step: int) -> Callable[[], Any]:
            teams[step] = import_sandbox_team(sandbox)
            redeem(email=f"p{step}@example.com", code=a_code().code)
            deliver()
            sandbox.accept(account_id=teams[step].account_id, email=f"p{step}@example.com")
            sandbox.member(account_id=teams[step].account_id, email=f"stranger{step}@example.com")
            return lambda: sync_team(team_id=teams[step].pk)

        def check(step: int) -> None:
            pass_time(100)  # a lease that was left behind
            assert sync_team(team_id=teams[step].pk) is not None
            team = Team.objects.get(pk=teams[step].pk)
            assert (team.seats_held, team.outsiders) == (1, 1)
            assert SeatGrant.objects.live().get(email=f"p{step}@example.com").state == GrantState.JOINED

        assert run_to_the_end(part, scenario, check) > 5

    def test_it_finishes_a_reseat(self, sandbox: SandboxServer, part: int) -> None:
        good: dict[int, Team] = {}

        def scenario(step: int) -> Callable[[], Any]:
            lost = import_sandbox_team(sandbox)
            redemption = redeem(email=f"p{step}@example.com", code=a_code().code)
            deliver()
            Team.objects.filter(pk=lost.pk).update(workspace_state="suspended")
            good[step] = import_sandbox_team(sandbox)
            return lambda: (seat.reseat(redemption_id=redemption.pk, actor=delivery.ACTOR), deliver())

        def check(step: int) -> None:
            redemption = Redemption.objects.get(email=f"p{step}@example.com")
            if redemption.grants.filter(team=good[step]).count() == 0:  # killed before the first commit: asked again
                seat.reseat(redemption_id=redemption.pk, actor=delivery.ACTOR)
                start_again()
            assert SeatGrant.objects.live().get(email=redemption.email).team == good[step]
            assert SeatGrant.objects.live().get(email=redemption.email).state == GrantState.VERIFIED
            redemption.refresh_from_db()
            assert (redemption.state, redemption.code.uses_held) == ("open", 1)

        assert run_to_the_end(part, scenario, check) > 5


class TestTheControl:
    def test_it_would_invite_twice_if_unknown_counted_as_failure(
        self, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without the rule "ask first", the same kill puts one person in two Teams."""
        import_sandbox_team(sandbox, last_invite_at=timezone.now())
        import_sandbox_team(sandbox)
        redeem(email="p@example.com", code=a_code().code)
        sandbox.fault(op="invite", action={"preset": "reset_after"})
        deliver()
        pass_time(100)

        careful = delivery._bring_in

        def fail_over_at_once(grant: SeatGrant, access: Any) -> None:
            if not grant.sends:
                careful(grant, access)
            else:
                delivery.settle.left(grant, reason="timeout", now=timezone.now(), actor=delivery.ACTOR)

        with monkeypatch.context() as patch:
            patch.setattr(delivery, "_bring_in", fail_over_at_once)
            deliver()
        start_again()
        with pytest.raises(AssertionError):
            check_upstream(sandbox)


def test_the_database_is_one_that_survives_a_process() -> None:
    assert "memory" not in str(connection.settings_dict["NAME"])
