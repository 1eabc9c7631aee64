"""What `make test` leaves to `make test FULL=1`, which leaves out nothing.

Loaded by `-p tests.thinning`, so that a run without it, as of one file by hand, has every test. Left out are:

- what is marked `full`, on this database if the mark names one: `full(on="postgresql")`;
- what `--leave` names, where the run on another database has it: tests that use no database; the operators' pages;
- most examples of the property tests (`hypothesis`): `--hypothesis-profile=dev`, see tests/conftest.py.

What was left out is listed at the end of the run.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent
LEFT_OUT = "left_out"
NO_DATABASE, PAGES = "no-database", "pages"
USE_THE_DATABASE = {"db", "transactional_db", "django_db_setup", "live_server"}
# The back office: what its pages say and who may see them.
BACK_OFFICE = {"admin", "backoffice"}
ITS_OTHER_PAGES = TESTS / "teampool" / "imports" / "test_pages.py"


def thin(values: Iterable[Any], *, every: int) -> list[Any]:
    """The values for `parametrize`; all but the first of each `every` are marked `full`."""
    return [
        value if number % every == 0 else pytest.param(*one(value), marks=pytest.mark.full)
        for number, value in enumerate(values)
    ]


def one(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def at_most(examples: int) -> int:
    """How many examples a property is tried on: `examples`, or as few as every other one in a quick run."""
    return examples if settings.get_current_profile_name() == "ci" else settings.default.max_examples


def database() -> str:
    return "postgresql" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "sqlite"


def why_left_out(item: pytest.Item, leave: list[str]) -> str:
    """The reason this test is left to a full run; "" when it runs."""
    for mark in item.iter_markers("full"):
        if mark.kwargs.get("on", database()) == database():
            return "variants"
    if PAGES in leave and is_page(item.path) and uses_database(item):
        return "operators' pages, which run on the other database"
    if NO_DATABASE in leave and not uses_database(item):
        return "no database used, so they run on the other one only"
    return ""


def is_page(path: Path) -> bool:
    return path == ITS_OTHER_PAGES or not BACK_OFFICE.isdisjoint(path.parts)


def uses_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return item.get_closest_marker("django_db") is not None or not USE_THE_DATABASE.isdisjoint(fixtures)


class Thinning:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.left_out: dict[str, dict[str, int]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        leave = self.config.getoption("leave")
        reasons = [why_left_out(item, leave) for item in items]
        self.config.hook.pytest_deselected(items=[item for item, why in zip(items, reasons, strict=True) if why])
        for reason in sorted(set(reasons) - {""}):
            paths = [item.path for item, why in zip(items, reasons, strict=True) if why == reason]
            counts = Counter(os.path.relpath(path, TESTS.parent) for path in paths)
            self.left_out[reason] = dict(sorted(counts.items()))
        items[:] = [item for item, why in zip(items, reasons, strict=True) if not why]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error) -> None:
        # Each worker process collects the same, and this one nothing.
        self.left_out.update(getattr(node, "workeroutput", {}).get(LEFT_OUT, {}))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        if hasattr(self.config, "workerinput"):
            self.config.workeroutput[LEFT_OUT] = self.left_out

    def pytest_terminal_summary(self, terminalreporter) -> None:
        for reason, counts in self.left_out.items():
            terminalreporter.write_line(f"Left to FULL: {sum(counts.values())} tests ({reason})")
            for path, count in counts.items():
                terminalreporter.write_line(f"  {count:4} {path}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--leave", action="append", default=[], choices=[NO_DATABASE, PAGES], help="leave these out")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Thinning(config), "thinning-of-the-tests")
