"""A migrated, empty database for one benchmark, and Django set up on it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.conf import settings
from django.core.management import call_command


@contextmanager
def own_database(url: str = "") -> Iterator[str]:
    """The database's kind. Without a `url` of an empty one it is a SQLite file that is gone afterwards.

    Nothing of the project that needs settings may be imported before.
    """
    with tempfile.TemporaryDirectory(prefix="seatkeeper-bench-") as folder:
        os.environ |= {
            "DATA_DIR": folder,
            "DATABASE_URL": url or f"sqlite:///{folder}/bench.sqlite3",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEBUG": "off",
            "SECURE_COOKIES": "off",
            "ALLOWED_HOSTS": "testserver",
            "SECRET_KEY": "a-benchmark-needs-no-secret-but-it-needs-a-long-text",
            "ENCRYPTION_KEYS": "R2xhZGx5LXRlc3Qta2V5LW5vdC1mb3ItcmVhbC11c2U=",
        }
        settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
        django.setup()
        call_command("migrate", verbosity=0)
        yield settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
