"""Fixtures every test may use; the cast and the builders are in `tests.base`."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client, TransactionTestCase
from hypothesis import settings as hypothesis

from sandbox.server import SandboxServer
from tests import cast, lock_order
from tests.lock_order import locks_in_order as locks_in_order

# What the migrations made, for every test.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}
VACUUM_FROM = 1000

# How many examples a property is tried on. No deadline for one of them: other tests run at the same time.
hypothesis.register_profile("ci", deadline=None)
hypothesis.register_profile("dev", max_examples=50, deadline=None)
hypothesis.load_profile("ci")


def empty_tables(_case: TransactionTestCase) -> None:
    """In place of Django's flush, which cuts off every table and makes the permissions anew: half a minute in a hundred
    tests on PostgreSQL. Rows are deleted, whoever they belong to; nothing here asks for ids that start at 1.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        emptied = {}
        for table in sorted(set(connection.introspection.django_table_names()) - KEPT):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
            emptied[table] = cursor.rowcount
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for table in (table for table, count in emptied.items() if count >= VACUUM_FROM):
                cursor.execute(f"VACUUM {connection.ops.quote_name(table)}")


TransactionTestCase._fixture_teardown = empty_tables


def pytest_configure(config: pytest.Config) -> None:
    lock_order.RECORDER.install()
    database = project.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        # A file: threads and other processes must see what a test wrote.
        database.setdefault("TEST", {})["NAME"] = str(project.DATA_DIR / "tests.sqlite3")
    # Not what was last collected in this folder, and may be collected anew meanwhile.
    project.STATIC_ROOT = project.DATA_DIR / "staticfiles"
    # Hashing well is slow on purpose; no test is about that.
    project.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first, the slowest before all: no worker shall begin one when the others are done."""
    items.sort(key=seconds, reverse=True)


def seconds(item: pytest.Item) -> float:
    slow = item.get_closest_marker("slow")
    return slow.args[0] if slow else 0


def pytest_unconfigure(config: pytest.Config) -> None:
    data = Path(project.DATA_DIR)
    if not hasattr(config, "workerinput") and data.name.startswith("seatkeeper-tests-"):
        shutil.rmtree(data, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """What the product began in a thread ends with the test: it must not meet the next one's database, or none."""
    for thread in threading.enumerate():
        if thread.name.startswith(("import", "sync", "sweep", "deliver")):
            while thread.ident is None:  # listed already, but not started yet: it cannot be joined
                time.sleep(0.01)
            thread.join(60)


@pytest.fixture
def shanghai(settings) -> None:
    """The operator's time zone is Asia/Shanghai, whatever the suite runs under."""
    settings.TIME_ZONE = "Asia/Shanghai"


@pytest.fixture
def olga(db: None) -> User:
    """Olga, the operator."""
    return cast.an_operator()


@pytest.fixture
def olga_client(olga: User) -> Client:
    """A browser in which Olga is logged in."""
    client = Client()
    client.force_login(olga)
    return client


@pytest.fixture
def sandbox(settings) -> Iterator[SandboxServer]:
    """A sandbox of this test's own, empty but for what the test opens; the product speaks to it."""
    server = SandboxServer(0, teams=0)
    server.start()
    settings.UPSTREAM_BASE_URL = settings.UPSTREAM_AUTH_URL = server.url
    yield server
    server.stop()


@pytest.fixture
def process_env(transactional_db: None) -> dict[str, str]:
    """The environment in which another process works on this test's database."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{values['NAME']}"
    else:
        login = f"{values['USER']}:{values['PASSWORD']}" if values["PASSWORD"] else values["USER"]
        url = f"postgres://{login}@{values['HOST']}:{values['PORT'] or 5432}/{values['NAME']}"
    return os.environ | {
        "DATABASE_URL": url,
        "UPSTREAM_BASE_URL": project.UPSTREAM_BASE_URL,
        "UPSTREAM_AUTH_URL": project.UPSTREAM_AUTH_URL,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


collect_ignore = (
    ["config/test_sqlite3.py"]
    if os.environ.get("DATABASE_URL", "").startswith("postgres")
    else ["stories/test_seams_postgres.py"]
)
