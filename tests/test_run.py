"""What `make test` runs and leaves out, and that `make test FULL=1` leaves out nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.run import ONCE, THINNED, Part, parts

ROOT = Path(settings.BASE_DIR)
SOURCE = """
import pytest
from hypothesis import settings
from tests.thinning import at_most, thin

@pytest.mark.parametrize("seed", thin(range(6), every=3))
def test_seeds(seed): pass

@pytest.mark.full(on="postgresql")
def test_signals(): pass

@pytest.mark.slow(9)
def test_the_slowest(): pass

@pytest.mark.slow(5)
@pytest.mark.django_db
def test_rows(): pass

def test_examples():
    assert at_most(3000) == {examples}
    assert settings.default.max_examples == {usual}
"""
CONFTEST = "from tests.conftest import pytest_collection_modifyitems as pytest_collection_modifyitems\n"
PAGE = "import pytest\n@pytest.mark.django_db\ndef test_page(): pass\ndef test_words(): pass\n"


SQLITE, POSTGRES = "sqlite:///nowhere.sqlite3", "postgres://postgres@127.0.0.1:1/nowhere"
SEEDS = [f"test_seeds[{seed}]" for seed in range(6)]
PLAIN = ("-p", "no:cacheprovider", "-p", "no:randomly")
QUICK = (*THINNED, "--co")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tests of every kind that something is done about."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(SOURCE)
    (tmp_path / "admin").mkdir()
    (tmp_path / "admin" / "test_page.py").write_text(PAGE)
    return tmp_path


def run(folder: Path, *options: str, url: str = SQLITE) -> str:
    ours = ("DATABASE_URL", "DATA_DIR", "PYTEST_")
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-c",
            ROOT / "pyproject.toml",
            f"--rootdir={folder}",
            *PLAIN,
            *options,
            folder,
        ],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith(ours)} | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def collected(folder: Path, *options: str, url: str = SQLITE) -> list[str]:
    """The tests that would run, in their order."""
    return re.findall(r"::(test_\S+)", run(folder, *options, url=url))


def by_title(*, has_postgres: bool = True) -> dict[str, Part]:
    return {part.title: part for part in parts(has_browser=True, has_postgres=has_postgres)}


class TestOneRun:
    @pytest.mark.parametrize("url", [SQLITE, POSTGRES])
    def test_without_thinning_it_has_every_test_and_the_slowest_first(self, folder, url):
        rest = {*SEEDS, "test_signals", "test_examples", "test_page", "test_words"}
        found = collected(folder, "--co", url=url)
        assert found[:2] == ["test_the_slowest", "test_rows"]
        assert set(found[2:]) == rest

    def test_what_is_marked_is_left_out(self, folder):
        assert not set(collected(folder, *QUICK)) & {SEEDS[1], SEEDS[2], SEEDS[4], SEEDS[5]}

    @pytest.mark.parametrize(("url", "runs"), [(SQLITE, True), (POSTGRES, False)])
    def test_what_is_marked_for_one_database_is_left_out_there(self, folder, url, runs):
        assert ("test_signals" in collected(folder, *QUICK, url=url)) == runs

    def test_what_one_database_leaves_to_the_other_the_other_has(self, folder):
        with_pages = set(collected(folder, *QUICK, "--leave=no-database", url=POSTGRES))
        without = set(collected(folder, *QUICK, "--leave=pages"))
        assert with_pages == {"test_rows", "test_page"}
        assert without == {*SEEDS[::3], "test_signals", "test_the_slowest", "test_rows", "test_examples", "test_words"}

    def test_it_lists_what_it_left_out(self, folder):
        said = run(folder, *QUICK, "--leave=pages")
        assert re.search(r"^Left to FULL: 4 tests \(variants\)\n +4 .*test_some\.py$", said, re.MULTILINE)
        assert re.search(r"^Left to FULL: 1 tests \(operators' pages.*\n +1 .*test_page\.py$", said, re.MULTILINE)

    def test_it_lists_what_its_workers_left_out(self, folder):
        said = run(folder, *THINNED, "-n", "2", "-k", "test_seeds")
        assert re.findall(r"^Left to FULL: 4 tests \(variants\)$", said, re.MULTILINE) != []
        assert "2 passed" in said

    @pytest.mark.parametrize(("options", "examples", "usual"), [((), 3000, 100), (THINNED, 50, 50)])
    def test_a_property_is_tried_on_as_many_examples(self, folder, options, examples, usual):
        (folder / "test_some.py").write_text(SOURCE.replace("{examples}", str(examples)).replace("{usual}", str(usual)))
        assert "1 passed" in run(folder, *options, "-k", "test_examples")


class TestParts:
    def test_each_is_thinned_unless_in_full(self):
        for part in by_title().values():
            quick, full = part.command(is_full=False), part.command(is_full=True)
            where = quick.index("tests.thinning") - 1
            added = [*THINNED, *(f"--leave={one}" for one in part.leave)]
            assert quick == [*full[:where], *added, *full[where:]]

    def test_in_full_nothing_but_folders_another_part_has_is_left_out(self):
        browser, _postgres, sqlite = (part.paths for part in by_title().values())
        assert browser == ("tests/browser",)
        assert sqlite == ("tests", "--ignore=tests/browser")
        for part in by_title().values():
            assert not {"-k", "-m", "--deselect"} & set(part.command(is_full=True)[3:])

    def test_without_postgresql_the_pages_stay_with_sqlite(self):
        assert by_title()["SQLite"].leave == ("pages",)
        assert by_title()["PostgreSQL"].leave == ("no-database",)
        assert by_title(has_postgres=False)["SQLite"].leave == ()
        assert "PostgreSQL" not in by_title(has_postgres=False)

    @pytest.mark.parametrize("path", ONCE)
    def test_what_runs_once_is_there(self, path):
        assert (ROOT / "tests" / path).exists()
