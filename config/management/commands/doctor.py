"""`doctor`: check the deployment and say what to do; exit status 1 when a check failed."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone, translation

from config.service import doctor
from config.service.doctor import Answer, Level


class Command(BaseCommand):
    help = (
        "Checks keys, database, background work, clock, ChatGPT, notices, proxy, disk and log-ins. "
        "Exit status: 0, or 1 when something failed (with --strict also on a warning)."
    )
    # `doctor` must run also where Django's own checks complain.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=("text", "json"), default="text")
        parser.add_argument("--strict", action="store_true", help="exit status 1 on a warning too")
        parser.add_argument("--local", action="store_true", help="ask nobody outside this machine and the database")
        parser.add_argument("--language", choices=[code for code, _name in settings.LANGUAGES])

    def handle(self, *, format: str, strict: bool, local: bool, language: str | None, **options: Any) -> None:
        with translation.override(language or translation.get_language()):
            answers = doctor.examine(timezone.now(), is_outside=not local)
        worst = doctor.worst(answers)
        self.stdout.write(as_json(answers, worst) if format == "json" else as_text(answers))
        if worst == Level.FAILED or (strict and worst == Level.WARNING):
            raise SystemExit(1)


def as_json(answers: list[Answer], worst: Level) -> str:
    rows = [{"check": one.check, "status": one.level.value, "text": one.text, "advice": one.advice} for one in answers]
    return json.dumps({"status": worst.value, "checks": rows}, ensure_ascii=False, indent=2)


def as_text(answers: list[Answer]) -> str:
    lines = []
    for one in answers:
        lines.append(f"{one.level.value:8} {one.check:14} {one.text}")
        if one.advice:
            lines.append(f"{'':23} → {one.advice}")
    return "\n".join(lines)
