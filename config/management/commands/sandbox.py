"""`sandbox`: run the stand-in for ChatGPT alone; the same as `python -m sandbox`, with the same options."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Runs the local stand-in for ChatGPT (--port --teams --seats --latency …)."

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand all options to the sandbox, `--help` too; Django must not read them."""
        become_the_sandbox(argv[2:])

    def handle(self, *args: Any, **options: Any) -> None:
        become_the_sandbox([])


def become_the_sandbox(options: list[str]) -> None:
    os.chdir(settings.BASE_DIR)
    os.execv(sys.executable, [sys.executable, "-m", "sandbox", *options])  # noqa: S606 - no shell
