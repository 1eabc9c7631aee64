"""The whole installation under load and under fire: real web and worker processes, a real database, the sandbox."""

from __future__ import annotations

import json
import signal
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from invites.models import RedeemCode, SeatGrant
from invites.states import GrantState
from sandbox.server import SandboxServer
from teampool.models import Owner, Team
from tests.cast import a_code, import_sandbox_team, wait_until
from tests.config.house import House, kill_all
from tests.invites.invariants import check_books, check_upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow(30)]


@pytest.fixture
def house(tmp_path: Path, sandbox: SandboxServer, process_env: dict[str, str]) -> Iterator[House]:
    folder = tmp_path / "data"
    folder.mkdir()
    house = House(
        folder, process_env | {"WORKERS": "4", "WEB_PROCESSES": "2", "HEARTBEAT_LIMIT": "60", "UPSTREAM_TIMEOUT": "2"}
    )
    yield house
    house.demolish()


def submit(house: House, email: str, code: str) -> tuple[int, Any]:
    """One redemption through the door for programs; status 0 when nobody answered."""
    body = json.dumps({"email": email, "code": code}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{house.port}/api/redemptions", body, {"Content-Type": "application/json"}
    )
    try:
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            return answer.status, json.load(answer)
    except (OSError, HTTPException, ValueError):  # cut off before, in the middle of, or after the headers
        return 0, None


def submit_all(house: House, codes: list[str]) -> list[tuple[int, Any]]:
    answers: list[tuple[int, Any]] = [(0, None)] * len(codes)

    def one(number: int) -> None:
        answers[number] = submit(house, f"p{number}@example.com", codes[number])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(codes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def is_settled() -> bool:
    return not SeatGrant.objects.live().exclude(state__in=[GrantState.VERIFIED, GrantState.JOINED]).exists()


class TestSixtyCodesAtOnce:
    def test_it_seats_forty_and_keeps_the_codes_of_twenty(self, house: House, sandbox: SandboxServer) -> None:
        teams = [import_sandbox_team(sandbox) for _ in range(10)]
        codes = [a_code().code for _ in range(60)]
        sandbox.set_latency(0.15)
        house.start()
        house.wait_until_it_answers()
        answers = submit_all(house, codes)
        told = Counter(answer.get("error_code", "accepted") for _, answer in answers)
        assert told == {"accepted": 40, "no_seat": 20}
        wait_until(is_settled, timeout=60, what="all verified")
        check_books()
        assert len(check_upstream(sandbox)) == 40
        assert [Team.objects.get(pk=team.pk).seats_held for team in teams] == [4] * 10
        assert RedeemCode.objects.filter(uses_held=0).count() == 20
        refused = next(code for code, (status, _) in zip(codes, answers, strict=True) if status != 202)
        import_sandbox_team(sandbox)
        assert submit(house, "later@example.com", refused)[0] == 202


class TestEverythingKilled:
    def test_it_goes_on_where_it_was(self, house: House, sandbox: SandboxServer) -> None:
        """SIGKILL of every process twice in the middle of the work; the next start finishes it without a person."""
        for _ in range(6):
            import_sandbox_team(sandbox)
        codes = [a_code().code for _ in range(20)]
        sandbox.set_latency(0.4)
        house.start()
        house.wait_until_it_answers()
        for part in (codes[:10], codes):
            submitting = threading.Thread(target=submit_all, args=(house, part))
            submitting.start()
            wait_until(lambda: sandbox.log(op="invite"), what="the first invite")
            kill_all(house.pids(), signal.SIGKILL)
            submitting.join()
            check_books()
            sandbox.clear_log()
            house.start()
            house.wait_until_it_answers()
        for number, code in enumerate(codes):  # people submit again: the same page, no second seat
            assert submit(house, f"p{number}@example.com", code)[0] == 202
        wait_until(is_settled, timeout=120, what="all verified")
        check_books()
        assert check_upstream(sandbox) == {f"p{number}@example.com": 1 for number in range(20)}
        assert SeatGrant.objects.live().count() == 20


class TestEveryTokenDead:
    def test_twenty_get_in_and_each_log_in_is_renewed_once(self, house: House, sandbox: SandboxServer) -> None:
        """Two Teams a log-in, refresh tokens only: the sandbox punishes a second use of one."""
        for _ in range(3):
            first = import_sandbox_team(sandbox)
            opened = sandbox.workspace(email=first.owner.email, seats=5)
            import_sandbox_team(sandbox, opened["account_id"])
        Owner.objects.update(session_token="")
        codes = [a_code().code for _ in range(20)]
        sandbox.set_latency(0.1)
        house.start()
        house.wait_until_it_answers()
        sandbox.clear_log()
        sandbox.invalidate_tokens(email="all")
        assert {status for status, _ in submit_all(house, codes)} == {202}
        wait_until(is_settled, timeout=60, what="all verified")
        check_books()
        assert sum(check_upstream(sandbox).values()) == 20
        renewals = Counter(row["login"] for row in sandbox.log(op="token"))
        assert renewals
        assert set(renewals.values()) == {1}
        assert {row["status"] for row in sandbox.log(op="token")} == {200}
        assert set(Owner.objects.values_list("login", flat=True)) == {"ok"}
        assert set(Team.objects.values_list("token_state", flat=True)) == {"healthy"}
