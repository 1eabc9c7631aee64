"""A deed and its record are one: whoever is killed between the two has done neither."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from guardian import mode, settings
from guardian.models import Finding, Sweep, Watch
from guardian.rules.states import State
from guardian.sweeping import sweep
from invites.departures.carry_out import carry_out
from invites.following.sync import sync_team
from invites.models import Departure
from invites.settings import REMOVALS_PAUSED
from notifications.audit import events
from sandbox.server import SandboxServer
from tests.cast import SAM, import_sandbox_team
from tests.guardian.pool import OLGA, configure
from tests.stories.test_guardian_safety import audit, enforce, look

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """Right where the record would have been written."""


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], object]], None]:
    """Run this, and be killed when it comes to this record."""

    def run(fact: str, deed: Callable[[], object]) -> None:
        def die(**_fact: Any) -> None:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(events, fact, die)
            with pytest.raises(Killed):
                deed()

    return run


def test_upstream_was_told(sandbox: SandboxServer, kill: Any) -> None:
    team = import_sandbox_team(sandbox)
    sync_team(team_id=team.pk)
    now = timezone.now()
    departure = Departure.objects.create(team=team, email=SAM, reason="taken_back", due_at=now)
    kill("departure_moved", lambda: carry_out(departure_id=departure.pk))
    departure.refresh_from_db()
    assert departure.told_at is None


def test_somebody_stays_after_all(sandbox: SandboxServer, kill: Any) -> None:
    team = import_sandbox_team(sandbox)
    sandbox.member(team.account_id, SAM, role="account-admin", lag=0)
    sync_team(team_id=team.pk)
    departure = Departure.objects.create(team=team, email=SAM, reason="taken_back", due_at=timezone.now())
    kill("departure_moved", lambda: carry_out(departure_id=departure.pk))
    departure.refresh_from_db()
    assert departure.state == "open"


def test_too_many_at_once(sandbox: SandboxServer, kill: Any) -> None:
    team = import_sandbox_team(sandbox, seats=9)
    sync_team(team_id=team.pk)
    enforce()
    for n in range(3):
        sandbox.member(team.account_id, f"crowd{n}@example.com", lag=0)
    look(sandbox)
    kill("guardian_capped", lambda: look(sandbox))
    assert not Finding.objects.filter(state=State.HELD).exists()
    look(sandbox)
    assert Finding.objects.filter(state=State.HELD).count() == 3
    assert "guardian_capped" in audit()


def test_the_mode(kill: Any) -> None:
    mode.enable(actor=OLGA)
    kill("guardian_mode_changed", lambda: mode.set_mode(mode=settings.ENFORCE, would_go=0, actor=OLGA))
    assert not settings.current_policy().enforces
    kill("setting_changed", lambda: mode.set_mode(mode=settings.ENFORCE, would_go=0, actor=OLGA))
    assert "guardian_enforce" not in audit()


def test_switched_off(kill: Any) -> None:
    mode.enable(actor=OLGA)
    kill("guardian_switched", lambda: mode.disable(actor=OLGA))
    assert Watch.objects.get().armed_at is not None
    mode.settle()
    assert "guardian_disabled" in audit()


def test_removals_pause_and_go_on(kill: Any) -> None:
    kill("removals_paused", lambda: mode.pause_removals(stood_still_hours=26))
    assert not REMOVALS_PAUSED.get()
    mode.pause_removals(stood_still_hours=26)
    kill("removals_resumed", lambda: mode.resume_removals(actor=OLGA))
    assert REMOVALS_PAUSED.get()


def test_a_sweep_was_too_slow(kill: Any) -> None:
    configure()
    slow = Sweep.objects.create(mode="report", started_at=timezone.now() - timedelta(hours=1))
    kill("sweep_too_slow", lambda: sweep._finish(slow, settings.current_policy()))
    assert Watch.objects.get().too_slow_since is None
