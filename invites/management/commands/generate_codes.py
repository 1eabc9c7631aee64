"""`generate_codes N [--team ACCOUNT_ID] [--hours H] [--valid-days D] …`: make codes, print one per line."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from contextlib import nullcontext
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, no_translations

from base import actors
from invites.codes.order import NewCodes

_NAME_OF = {"count": "N", "valid_days": "--valid-days", "max_uses": "--max-uses"}


class Command(BaseCommand):
    help = "Makes codes and prints them, one a line and nothing else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        # All are text: the form reads the numbers, so that a bad number ends with exit code 1 like other mistakes.
        parser.add_argument("count", metavar="N", help="how many, 1 to 50,000")
        parser.add_argument("--team", metavar="ACCOUNT_ID", help="bind them to this Team")
        parser.add_argument("--hours", metavar="H", help="seats end H hours after the confirmation, 0.1 to 8,760")
        parser.add_argument("--valid-days", metavar="D", help="to be redeemed within D days, 1 to 3,650")
        parser.add_argument("--max-uses", metavar="U", help="how many people may use each, 1 to 1,000; 1 unless said")
        parser.add_argument("--label", metavar="L", help="what pages call the batch, at most 60 characters")
        parser.add_argument("--output", metavar="FILE", help="write them there and print nothing")

    @no_translations
    def handle(self, *, output: str | None, **options: Any) -> None:
        order = NewCodes({name: options[name] for name in NewCodes.base_fields})
        if not order.is_valid():
            raise CommandError(_complaints(order))
        # Opened first, so that no codes are made in vain; emptied only when they are made.
        with _open(output) if output else nullcontext() as file:
            batch = order.make(actor=actors.command("generate_codes"))
            if batch is None:
                raise CommandError(_complaints(order))
            lines = (code.dashed for code in batch.codes.order_by("id").iterator())
            if file is None:
                for line in lines:
                    self.stdout.write(line)
            else:
                file.truncate(0)
                file.writelines(f"{line}\n" for line in lines)


def _open(path: str) -> TextIO:
    def private(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    try:
        return open(path, "a", encoding="ascii", opener=private)
    except OSError as error:
        raise CommandError(f"--output: {path}: {error.strerror}") from error


def _complaints(order: NewCodes) -> str:
    said = [f"{_NAME_OF.get(name, f'--{name}')}: {text}" for name, texts in order.errors.items() for text in texts]
    return "\n".join(said)
