"""`qcluster`: django-q2's command, with everything loaded before the workers are forked."""

from __future__ import annotations

from typing import Any

from django_q.management.commands import qcluster

from config.service.warmup import warm_up


class Command(qcluster.Command):  # type: ignore[misc]  # it has no types
    def handle(self, *args: Any, **options: Any) -> None:
        warm_up()
        super().handle(*args, **options)
