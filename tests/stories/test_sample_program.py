"""The document's sample program, unchanged, against the product as real processes: stock runs short, it restocks."""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from base.actors import command
from notifications.models import Message
from notifications.settings import runtime
from sandbox.server import SandboxServer
from teampool import api_keys
from teampool.models import ImportLine, StockAlert, Team
from teampool.pool import stock
from tests.cast import a_code, import_sandbox_team, wait_until
from tests.config.house import House, free_port

REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "integration.zh.md"
ME = command("tests")


def sample() -> str:
    """The one Python block of the document, as it stands there."""
    (block,) = re.findall(r"^```python\n(.*?)^```", REFERENCE.read_text(), re.MULTILINE | re.DOTALL)
    return block


@pytest.mark.parametrize("language", ["en", "zh"])
def test_our_pages_show_the_same_program(language: str) -> None:
    page = Path(settings.BASE_DIR) / "docs" / language / "integration.md"
    assert f"```python\n{sample()}```" in page.read_text()


@pytest.fixture
def house(tmp_path: Path, sandbox: SandboxServer, process_env: dict[str, str]) -> Iterator[House]:
    folder = tmp_path / "data"
    folder.mkdir()
    house = House(folder, process_env | {"HEARTBEAT_LIMIT": "60"})
    yield house
    house.demolish()


@pytest.fixture
def run_sample(house: House, tmp_path: Path) -> Callable[[str], tuple[str, Callable[[], str]]]:
    def run(token: str) -> tuple[str, Callable[[], str]]:
        """Start the program with its address, key and token filled in: where it listens, and what it has said."""
        _key, plain = api_keys.create(name="restock", scope=api_keys.IMPORT, actor=ME)
        filled = sample()
        for blank, value in {
            "http://your-manager-domain.com": f"http://127.0.0.1:{house.port}",
            "YOUR_CONFIGURED_API_KEY": plain,
            "NEW_ACCESS_TOKEN": token,
        }.items():
            assert filled.count(blank) == 1
            filled = filled.replace(blank, value)
        (tmp_path / "sample.py").write_text(filled)
        port, said = free_port(), tmp_path / "sample.log"
        program = (sys.executable, "-m", "uvicorn", "sample:app", "--app-dir", str(tmp_path), "--port", str(port))
        house.start("sh", "-c", 'exec "$@" >"$0" 2>&1', str(said), *program)
        wait_until(lambda: said.exists() and "startup complete" in said.read_text(), timeout=60, what="the program")
        return f"http://127.0.0.1:{port}/webhook/low-stock", said.read_text

    return run


def redeem(house: House, number: int) -> None:
    body = json.dumps({"email": f"p{number}@example.com", "code": a_code().code}).encode()
    address = f"http://127.0.0.1:{house.port}/api/redemptions"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 202


def free_seats() -> int:
    return stock.summary(timezone.now(), waiting=0).free


def told() -> list[dict[str, Any]]:
    sent = Message.objects.filter(channel="webhook", state=Message.State.SENT)
    return [message.context for message in sent.order_by("pk")]


def is_armed() -> bool:
    return StockAlert.objects.filter(is_low=False, told_at__isnull=False).exists()


@pytest.mark.slow(15)
@pytest.mark.django_db(transaction=True)
def test_it_restocks_when_seats_run_short(house: House, sandbox: SandboxServer, run_sample: Any) -> None:
    import_sandbox_team(sandbox, seats=12)
    new = sandbox.workspace("new_team@example.com", seats=9)
    url, said = run_sample(new["credentials"]["access_token"])
    wanted = {"webhook_url": url, "webhook_allow_private": "on", "low_stock_threshold": "10"}
    runtime.change({f"notifications.{key}": value for key, value in wanted.items()}, actor=ME)
    house.start()
    house.wait_until_it_answers()

    redeem(house, 0)
    assert free_seats() == 11
    for number in range(1, 6):
        redeem(house, number)
    wait_until(told, timeout=60, what=f"the webhook; it said:\n{house.said}\nand the program:\n{said()}")
    low = told()[0]["current_seats"]
    assert low in range(6, 11)  # as many of the five as were in when it looked
    assert told() == [
        {
            "event": "low_stock",
            "current_seats": low,
            "threshold": 10,
            "message": f"库存不足预警：系统总可用车位仅剩 {low}，已低于预警阈值 10，请及时补货导入新账号。",
        }
    ]
    assert f"收到预警: {told()[0]['message']}" in said()
    assert "导入结果: {'success': True" in said()

    assert Team.objects.filter(account_id=new["account_id"], owner__email="new_team@example.com").exists()
    assert free_seats() == 14
    wait_until(is_armed, timeout=60, what="armed again")
    assert Message.objects.filter(channel="webhook").count() == 1

    for number in range(6, 10):
        redeem(house, number)
    wait_until(lambda: len(told()) == 2, timeout=60, what="the next crossing")
    assert told()[1]["current_seats"] == 10
    # The same account once more does no harm.
    assert list(ImportLine.objects.order_by("pk").values_list("state", flat=True)) == ["created", "updated"]
    assert said().count('"POST /webhook/low-stock HTTP/1.1" 200') == 2
