"""`create_api_key NAME --scope import`: make a key and print it once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from base import actors
from teampool import api_keys


class Command(BaseCommand):
    help = "Makes an API key and prints it on stdout. It cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what it is for, up to 60 characters")
        parser.add_argument("--scope", choices=api_keys.SCOPES, default=api_keys.IMPORT, help="what it opens")

    def handle(self, *, name: str, scope: str, **options: Any) -> None:
        try:
            _key, plain = api_keys.create(name=name, scope=scope, actor=actors.command("create_api_key"))
        except api_keys.NameTaken:
            raise CommandError(f"There is a key called {name!r} already.") from None
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(plain)
