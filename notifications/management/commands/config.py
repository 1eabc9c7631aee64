"""`config list`, `config get KEY`, `config set [--force] KEY=VALUE…`: the run-time settings the admin edits."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from base import actors
from notifications.settings import runtime


class Command(BaseCommand):
    help = "Lists, prints or changes run-time settings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="every setting with its value")
        get = verbs.add_parser("get", help="one value")
        get.add_argument("key")
        put = verbs.add_parser("set", help="change settings, all or none")
        put.add_argument("--force", action="store_true", help="skip the bounds that protect people")
        put.add_argument(
            "pairs", nargs="+", metavar="KEY=VALUE", help="KEY=- reads the value from stdin: a secret, a text"
        )

    def handle(self, *, verb: str, **options: Any) -> None:
        try:
            if verb == "list":
                for key, setting in runtime.declared().items():
                    self.stdout.write(f"{key}={runtime.written(setting.shown(setting.get()))}")
            elif verb == "get":
                setting = runtime.find(options["key"])
                self.stdout.write(runtime.written(setting.shown(setting.get())))
            else:
                runtime.change(values(options["pairs"]), actor=actors.command("config"), force=options["force"])
        except runtime.BadSetting as error:
            raise CommandError(str(error)) from error


def values(pairs: list[str]) -> dict[str, str]:
    """Values by key. `-` reads from stdin, so a secret stays out of the shell's history and the process list."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise CommandError(f"{key}: write it as KEY=VALUE")
        found[key] = value
    asked = [key for key, value in found.items() if value == "-"]
    if len(asked) > 1:
        raise CommandError("only one KEY=- at a time: stdin holds one value")
    for key in asked:
        runtime.find(key)  # refuse an unknown key before asking for a secret
        found[key] = getpass.getpass(f"{key}: ") if sys.stdin.isatty() else sys.stdin.read().rstrip("\r\n")
    return found
