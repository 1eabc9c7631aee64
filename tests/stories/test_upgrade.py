"""A database of the first version, with a row in every table, comes to today's tables and keeps every value."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import connections, models
from django.db.migrations.executor import MigrationExecutor

OURS = ("guardian", "invites", "notifications", "teampool")
# Version 0.1.0, as it was tagged.
FIRST = [
    ("guardian", "0001_initial"),
    ("invites", "0002_withdrawn"),
    ("notifications", "0001_initial"),
    ("teampool", "0003_syncrun"),
]
OLD = "old"
AT = datetime(2026, 3, 2, 14, 30, 5, 123456, tzinfo=UTC)
# What a generated value would break: the constraints of the first version.
FITTING: dict[str, dict[str, Any]] = {
    "team": {"seat_total": 4, "outsiders": 1, "seats_held": 2, "seat_cap": 3},
    "redeemcode": {"uses_held": 1, "max_uses": 2},
    "redemption": {"seated_by": None},
    "importjob": {"retry_of": None},
}

# What today's tables no longer have, and what the number of seats becomes: unread until the next sync, at once.
GONE = {"teampool.team": {"seats_entitled", "vacancies_held"}}
UNREAD = {"seat_total": 0, "seat_cap": 2, "sync_tried_at": None}


@pytest.fixture
def old(tmp_path: Path, django_db_setup: None, django_db_blocker: Any) -> Iterator[MigrationExecutor]:
    """A database of its own, beside that of the other tests, with the tables of the first version."""
    with django_db_blocker.unblock():
        yield from a_database(tmp_path, at=FIRST)


def a_database(tmp_path: Path, *, at: list[tuple[str, str]]) -> Iterator[MigrationExecutor]:
    here = connections["default"].settings_dict
    name = f"upgrade_{uuid.uuid4().hex[:12]}"
    is_postgres = connections["default"].vendor == "postgresql"
    parts = {"host": here["HOST"], "port": here["PORT"], "user": here["USER"], "password": here["PASSWORD"]}
    admin = {key: value for key, value in parts.items() if value} | {"dbname": "postgres"}
    if is_postgres:
        with psycopg.connect(**admin, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}")
    connections.databases[OLD] = here | {"NAME": name if is_postgres else str(tmp_path / name)}
    try:
        executor = MigrationExecutor(connections[OLD])
        others = [node for node in executor.loader.graph.leaf_nodes() if node[0] not in OURS]
        executor.migrate([*others, *at])
        yield executor
    finally:
        connections[OLD].close()
        del connections[OLD], connections.databases[OLD]
        if is_postgres:
            with psycopg.connect(**admin, autocommit=True) as server:
                server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def fill(state: Any) -> dict[str, Any]:
    """One row in each table of ours, every column other than its default; primary key by table."""
    waiting = [model for app in OURS for model in state.get_app_config(app).get_models()]
    made: dict[str, Any] = {}
    while waiting:
        model = next(one for one in waiting if not needed(one) - made.keys())
        waiting.remove(model)
        values = {field.name: value_of(field, made) for field in model._meta.concrete_fields if not is_counted(field)}
        row = model.objects.using(OLD).create(**(values | FITTING.get(model._meta.model_name, {})))
        made[model._meta.label_lower] = row.pk
    return made


def is_counted(field: Any) -> bool:
    return isinstance(field, models.AutoField | models.BigAutoField)


def needed(model: Any) -> set[str]:
    links = [field for field in model._meta.concrete_fields if field.is_relation]
    return {field.related_model._meta.label_lower for field in links} - {model._meta.label_lower}


def value_of(field: Any, made: dict[str, Any]) -> Any:
    if field.is_relation:
        parent = made.get(field.related_model._meta.label_lower)
        return field.related_model.objects.using(OLD).get(pk=parent) if parent else None
    if field.choices:
        return field.choices[-1][0]
    match field:
        case models.BooleanField():
            return not field.default
        case models.DateTimeField():
            return AT
        case models.DurationField():
            return timedelta(hours=1.5)
        case models.UUIDField():
            return uuid.UUID(int=7)
        case models.JSONField():
            return {"kept": ["席位", 1, None]}
        case models.IntegerField():
            return 3
        case models.CharField() | models.TextField():
            return f"{field.name}-席"[: field.max_length]
    raise TypeError(f"no value for {field}")


def rows(state: Any, made: dict[str, Any], like: Any) -> dict[str, dict[str, Any]]:
    """The row of each table by the columns `like` has."""
    found = {}
    for label, pk in made.items():
        columns = {field.attname for field in like.get_model(label)._meta.concrete_fields} - GONE.get(label, set())
        found[label] = state.get_model(label).objects.using(OLD).filter(pk=pk).values(*columns).get()
    return found


class TestFromTheFirstVersion:
    def test_every_row_keeps_every_value(self, old):
        first = old.loader.project_state(FIRST).apps
        made = fill(first)
        before = rows(first, made, first)
        before["teampool.team"] |= UNREAD
        assert len(made) == sum(len(list(first.get_app_config(app).get_models())) for app in OURS) >= 18
        executor = MigrationExecutor(connections[OLD])
        executor.migrate(executor.loader.graph.leaf_nodes())
        # Read as today's code does: secrets are opened, choices and columns are there.
        assert rows(apps, made, first) == before
        for label, pk in made.items():
            assert apps.get_model(label)._base_manager.using(OLD).get(pk=pk).pk == pk

    def test_the_log_in_of_each_team_is_noted_as_its_first(self, old):
        first = old.loader.project_state(FIRST).apps
        fill(first)
        first.get_model("teampool.team").objects.using(OLD).update(workspace_state="access_lost")
        executor = MigrationExecutor(connections[OLD])
        executor.migrate(executor.loader.graph.leaf_nodes())
        team = apps.get_model("teampool.team").objects.using(OLD).get()
        login = apps.get_model("teampool.teamlogin").objects.using(OLD).get()
        assert (login.team_id, login.owner_id) == (team.pk, team.owner_id)
        assert (login.access_token, login.problem) == ("", "access_lost")

    def test_nothing_is_left_to_migrate(self, old):
        executor = MigrationExecutor(connections[OLD])
        targets = executor.loader.graph.leaf_nodes()
        executor.migrate(targets)
        assert MigrationExecutor(connections[OLD]).migration_plan(targets) == []
