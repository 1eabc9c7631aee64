"""`make test`: the tests on SQLite, on PostgreSQL when one answers, in a browser when there is one.

Without FULL=1 each part leaves something out and lists it (tests/thinning.py). Says at the end what could not be run,
and ends with 1 when anything failed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

import psycopg

from tests.chromium import CHROMIUM
from tests.thinning import NO_DATABASE, PAGES

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
# They touch no database, or bring their own: once is enough.
ONCE = (
    "sandbox",
    "teampool/upstream",
    "teampool/imports/reading",
    "config/service/demo/test_demo.py",
    "config/test_environment.py",
    "config/test_first_run.py",
    "config/service/test_die_with_parent.py",
    "config/test_secrets.py",
    "guardian/rules/test_hours.py",
    "guardian/rules/test_rules.py",
    "notifications/channels/test_bark.py",
    "notifications/test_markdown.py",
    "stories/test_acceptance.py",
    "test_catalogue.py",
    "test_deployment.py",
    "test_docs.py",
    "test_layers.py",
    "test_run.py",
)
# A test's database need not outlive a power cut.
UNHURRIED = "?options=-c%20synchronous_commit%3Doff"
MEMORY = "/dev/shm"  # where Linux keeps files in memory


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def postgres_answers() -> bool:
    try:
        psycopg.connect(POSTGRES.replace("postgres://", "postgresql://"), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def scratch() -> dict[str, str]:
    """Where files that are gone afterwards are written: in memory where there is enough, which takes half the time."""
    has_room = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 2 * 1024**3
    return {"TMPDIR": MEMORY} if has_room and "TMPDIR" not in os.environ else {}


BROWSER = "tests/browser"
NOT_BROWSER = ("tests", f"--ignore={BROWSER}")
THINNED = ("-p", "tests.thinning", "--hypothesis-profile=dev")


@dataclass(frozen=True)
class Part:
    """One run of pytest: what it collects, and what it leaves to a full run because another part has it."""

    title: str
    zone: str  # each part under another one: the product must not mind, nor its tests
    paths: tuple[str, ...]
    database: str = ""
    leave: tuple[str, ...] = ()

    def command(self, *, is_full: bool) -> list[str]:
        # More than there are cores: many tests wait, for processes and pages. One after the other in their order
        # (tests/conftest.py): no worker is given many at once.
        at_once = ("-n", str(min(8, 2 * (os.cpu_count() or 1))), "--dist", "load", "--maxschedchunk", "1")
        options = [] if is_full else [*THINNED, *(f"--leave={name}" for name in self.leave)]
        return [sys.executable, "-m", "pytest", "-q", "-p", "tests.no_skips", *options, *at_once, *self.paths]


def parts(*, has_browser: bool, has_postgres: bool) -> list[Part]:
    """What a machine with these can run. The operators' pages stay with SQLite where there is no PostgreSQL."""
    once = tuple(f"--ignore=tests/{path}" for path in ONCE)
    browser = Part("browser", "UTC", (BROWSER,))
    postgres = Part(
        "PostgreSQL", "America/New_York", (*NOT_BROWSER, *once), database=POSTGRES + UNHURRIED, leave=(NO_DATABASE,)
    )
    sqlite = Part("SQLite", "Asia/Shanghai", NOT_BROWSER, leave=(PAGES,) if has_postgres else ())
    return [*([browser] if has_browser else []), *([postgres] if has_postgres else []), sqlite]


def run(part: Part, *, is_full: bool) -> bool:
    say(f"\n== {part.title}, {part.zone}")
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    env |= {"TIME_ZONE": part.zone, "TZ": part.zone} | scratch()
    if part.database:
        env["DATABASE_URL"] = part.database
    return subprocess.run(part.command(is_full=is_full), env=env, check=False).returncode == 0


def main() -> int:
    is_full = os.environ.get("FULL", "") not in ("", "0")
    has_postgres, missing = postgres_answers(), []
    if not CHROMIUM:
        missing.append("Browser: no Chromium here (Debian: apt install chromium-headless-shell fonts-noto-cjk).")
    if not has_postgres:
        missing.append(f"PostgreSQL: none answers at {POSTGRES} (TEST_POSTGRES_URL says where else).")
    to_run = parts(has_browser=bool(CHROMIUM), has_postgres=has_postgres)
    passed = {part.title: run(part, is_full=is_full) for part in to_run}
    say("\n" + " · ".join(f"{title}: {'passed' if ok else 'FAILED'}" for title, ok in passed.items()))
    for text in missing:
        say(f"Not run. {text}")
    if not is_full:
        say("Each part lists what it left out; `make test FULL=1` and .ci/run leave out nothing.")
    is_complete = not missing or not os.environ.get("CI_NO_SKIP")
    return 0 if all(passed.values()) and is_complete else 1


if __name__ == "__main__":
    sys.exit(main())
