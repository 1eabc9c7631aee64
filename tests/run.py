"""`make test`: every test on SQLite, on PostgreSQL when one answers, in a browser when there is one.

Says at the end what could not be run, and ends with 1 when anything failed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import psycopg

from tests.chromium import CHROMIUM

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
# They touch no database, or bring their own: once is enough.
NO_DATABASE = [
    f"--ignore=tests/{path}"
    for path in (
        "sandbox",
        "teampool/upstream",
        "teampool/imports/reading/test_text.py",
        "config/service/demo/test_demo.py",
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
    )
]
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


def run(title: str, *options: str, zone: str, database: str = "") -> bool:
    say(f"\n== {title}, {zone}")
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    env |= {"TIME_ZONE": zone, "TZ": zone} | scratch()
    if database:
        env["DATABASE_URL"] = database
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.no_skips", *options]
    return subprocess.run(command, env=env, check=False).returncode == 0


def main() -> int:
    # More than there are cores: many tests wait, for processes and pages.
    at_once = ("-n", str(min(8, 2 * (os.cpu_count() or 1))), "--dist", "worksteal")
    passed, missing = {}, []
    # Each part under another time zone: the product must not mind, nor its tests.
    if CHROMIUM:
        passed["browser"] = run("browser", "-m", "browser", *at_once, zone="UTC")
    else:
        missing.append("Browser: no Chromium here (Debian: apt install chromium-headless-shell fonts-noto-cjk).")
    if postgres_answers():
        passed["PostgreSQL"] = run(
            "PostgreSQL",
            *("-m", "not browser"),
            *at_once,
            *NO_DATABASE,
            zone="America/New_York",
            database=POSTGRES + UNHURRIED,
        )
    else:
        missing.append(f"PostgreSQL: none answers at {POSTGRES} (TEST_POSTGRES_URL says where else).")
    passed["SQLite"] = run("SQLite", "-m", "not browser", *at_once, zone="Asia/Shanghai")
    say("\n" + " · ".join(f"{title}: {'passed' if ok else 'FAILED'}" for title, ok in passed.items()))
    for text in missing:
        say(f"Not run. {text}")
    is_complete = not missing or not os.environ.get("CI_NO_SKIP")
    return 0 if all(passed.values()) and is_complete else 1


if __name__ == "__main__":
    sys.exit(main())
