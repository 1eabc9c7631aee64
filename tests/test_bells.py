"""Every task that is rung exists, and its name stands in one place: the `bells.py` of a room, or the timetable.

The queue knows a task by its name only: a name that leads nowhere would fail when it is run, not when it is written.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils.module_loading import import_string
from django_q.models import OrmQ

from guardian.clockwork.timetable import BEATS, SCHEDULED
from tests.test_layers import ROOMS, ROOT, WITH_MODELS, sources

TIMETABLE = ROOT / "guardian/clockwork/timetable.py"
BELLS = {ROOT / room / "bells.py" for room in WITH_MODELS}
NAME = re.compile(rf"\b(?:{'|'.join(ROOMS)})\.tasks\.\w+")


def tasks_named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every task a string names, with its line; what a docstring tells is left out."""
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield from ((node.lineno, name) for name in NAME.findall(node.value))


def named_in(paths: set[Path]) -> list[str]:
    return [name for path in sorted(paths) for _, name in tasks_named(ast.parse(path.read_text()))]


def bells() -> list[Callable[..., None]]:
    rooms = [importlib.import_module(f"{room}.bells") for room in WITH_MODELS]
    return [
        bell
        for room in rooms
        for name, bell in inspect.getmembers(room, inspect.isfunction)
        if bell.__module__ == room.__name__
    ]


# Their addresses stand in queue rows of running installations: each version carries out what the one before queued.
OF_0_2_0 = [
    "teampool.tasks.run_import(1)",
    "teampool.tasks.resume_imports()",
    "teampool.tasks.keep_alive()",
    "teampool.tasks.check_stock()",
    "teampool.tasks.warn_of_subscriptions()",
    "invites.tasks.deliver()",
    "invites.tasks.reconcile()",
    "invites.tasks.sync_team(1)",
    "invites.tasks.sync()",
    "invites.tasks.carry_out(1)",
    "guardian.tasks.beat(sweep,1)",
    "guardian.tasks.reseed()",
    "guardian.tasks.heartbeat()",
    "guardian.tasks.housekeeping()",
    "guardian.tasks.sweep()",
    "guardian.tasks.look_only()",
    "notifications.tasks.deliver()",
]


@pytest.mark.parametrize("row", OF_0_2_0)
def test_what_an_older_version_queued_is_a_task_still(row):
    name, arguments = row.rstrip(")").split("(")
    inspect.signature(import_string(name)).bind(*filter(None, arguments.split(",")))


@pytest.mark.django_db
def test_the_stock_check_of_an_older_version_rings_todays():
    import_string("teampool.tasks.check_stock")()
    assert [row.task["func"] for row in OrmQ.objects.all()] == ["invites.tasks.check_stock"]


def test_no_task_is_named_outside_the_bells_and_the_timetable():
    strays = [
        f"{path.relative_to(ROOT)}:{line} names {name}"
        for room in ROOMS
        for path in sources(room)
        if path not in BELLS | {TIMETABLE}
        for line, name in tasks_named(ast.parse(path.read_text()))
    ]
    assert not strays


def test_no_bell_is_written_twice():
    assert [name for name, count in Counter(named_in(BELLS)).items() if count > 1] == []


@pytest.mark.parametrize("task", sorted({*named_in(BELLS), *(job.task for job in (*SCHEDULED, *BEATS))}))
def test_the_task_is_there(task):
    assert inspect.isfunction(import_string(task))


@pytest.mark.django_db
@pytest.mark.parametrize("bell", bells(), ids=lambda bell: f"{bell.__module__}.{bell.__name__}")
def test_a_bell_rings_a_task_that_takes_what_it_gives(bell):
    given = [value for value in inspect.signature(bell).parameters.values() if value.kind is not value.KEYWORD_ONLY]
    at = {"at": None} if "at" in inspect.signature(bell).parameters else {}
    bell(*range(len(given)), **at)
    rung = OrmQ.objects.get().task
    inspect.signature(import_string(rung["func"])).bind(*rung["args"])


class TestTheReader:
    """The checks above see what they are meant to see."""

    @pytest.mark.parametrize(
        "source",
        ['ring("invites.tasks.sync")', 'SYNC = "invites.tasks.sync"', 'import_string(f"invites.tasks.sync{name}")'],
    )
    def test_it_finds_a_task_in_a_string(self, source):
        assert list(tasks_named(ast.parse(source))) == [(1, "invites.tasks.sync")]

    def test_it_leaves_out_what_is_told_or_imported(self):
        assert not list(tasks_named(ast.parse('"""Rings invites.tasks.sync."""\nfrom invites.tasks import sync')))

    def test_there_is_something_to_read(self):
        assert len(bells()) == len(named_in(BELLS)) > 10
        assert {job.task for job in (*SCHEDULED, *BEATS)} == set(named_in({TIMETABLE}))
