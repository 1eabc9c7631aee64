"""What a process loads before its first request or task."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.test import override_settings
from django.urls import clear_url_caches, get_resolver
from django.utils import translation

from config.service.warmup import warm_up


@pytest.fixture
def thawed():
    """Leaves the garbage collector as it was."""
    yield
    gc.unfreeze()


class TestWarmUp:
    def test_addresses_are_known_in_each_language(self, thawed) -> None:
        clear_url_caches()
        warm_up()
        assert set(get_resolver()._reverse_dict) >= {language for language, _name in settings.LANGUAGES}

    def test_the_collector_walks_what_stays_for_good_no_more(self, thawed) -> None:
        gc.unfreeze()
        warm_up()
        assert gc.get_freeze_count() > 10_000

    @override_settings(LANGUAGE_CODE="en")
    def test_it_leaves_the_language_as_it_was(self, thawed) -> None:
        with translation.override("en"):
            warm_up()
            assert translation.get_language() == "en"


class TestDoors:
    def test_the_worker_is_forked_from_a_warm_process(self) -> None:
        assert get_commands()["qcluster"] == "config"

    def test_the_web_process_is_warm_before_it_serves(self) -> None:
        ask = "import gc, config.wsgi; print(gc.get_freeze_count())"
        done = subprocess.run(
            [sys.executable, "-c", ask], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
        )
        assert int(done.stdout) > 10_000
