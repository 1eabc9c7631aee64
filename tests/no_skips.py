"""Fails the run when a test was skipped: on CI everything a test needs is there, or something is wrong.

Loaded by `-p tests.no_skips`; CI_NO_SKIP=1 switches it on.
"""

from __future__ import annotations

import os

import pytest

SKIPPED = "skipped_tests"


class NoSkips:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.skipped: set[str] = set()

    @property
    def is_worker(self) -> bool:
        return hasattr(self.config, "workerinput")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self.skipped.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.add(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error) -> None:
        # What a worker process skipped while it collected is told to nobody else.
        self.skipped.update(getattr(node, "workeroutput", {}).get(SKIPPED, ()))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.is_worker:
            self.config.workeroutput[SKIPPED] = sorted(self.skipped)
        elif self.skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter) -> None:
        for nodeid in sorted(self.skipped):
            terminalreporter.write_line(f"SKIPPED, and nothing may be: {nodeid}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("CI_NO_SKIP") == "1":
        config.pluginmanager.register(NoSkips(config), "no-skips")
