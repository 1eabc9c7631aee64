"""A skipped test fails the run where nothing may be skipped."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings

RUN = "import pytest\ndef test_it_runs(): pass\n"
AT_RUN_TIME = RUN + "def test_it_skips(): pytest.skip('no reason')\n"
AT_COLLECTION = "import pytest\npytest.importorskip('no_such_module')\n"


@pytest.mark.parametrize(
    ("source", "workers", "no_skip", "code"),
    [
        (RUN, "0", "1", 0),
        (AT_RUN_TIME, "0", "1", 1),
        (AT_RUN_TIME, "0", "", 0),
        (AT_COLLECTION, "0", "1", 1),
        (AT_COLLECTION, "1", "1", 1),
    ],
    ids=["nothing skipped", "a test", "a test, where it may", "a module", "a module, by a worker"],
)
def test_it_fails_the_run(tmp_path, source, workers, no_skip, code):
    (tmp_path / "test_one.py").write_text(source)
    (tmp_path / "test_two.py").write_text(RUN)
    plugins = ("-p", "tests.no_skips", "-p", "no:django", "-p", "no:cacheprovider")
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "-n", workers, "-c", os.devnull, f"--rootdir={tmp_path}", tmp_path],
        cwd=settings.BASE_DIR,
        env=os.environ | {"CI_NO_SKIP": no_skip},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == code, answer.stdout + answer.stderr
    assert ("nothing may be" in answer.stdout) == bool(code)
