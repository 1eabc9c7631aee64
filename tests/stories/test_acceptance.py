"""The numbered browser tests: none of the 25 acceptance items and none of the ten daily tasks is missing."""

from __future__ import annotations

import re
from pathlib import Path

BROWSER = Path(__file__).resolve().parents[1] / "browser"
NAMES = [
    name
    for path in sorted(BROWSER.glob("test_acceptance_*.py"))
    for name in re.findall(r"def test_(\w+)", path.read_text("utf-8"))
]


def test_each_item_has_its_test() -> None:
    tried = {
        int(number)
        for name in NAMES
        for number in re.findall(r"\d\d", re.match(r"(?:\d\d_(?:and_)?)*", name)[0])  # type: ignore[index]
    }
    assert tried >= set(range(1, 26))


def test_each_daily_task_has_its_test() -> None:
    tried = {int(number) for name in NAMES for number in re.findall(r"^task_(\d+)", name)}
    assert tried == set(range(1, 11))
