"""`reconcile`: one pass over everything a crash may have left unfinished."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from invites.delivery.drain import deliver
from invites.reconcile import reconcile


class Command(BaseCommand):
    help = "Finishes what a crash, a lost bell or a dead worker left; what is due is delivered right here."

    def handle(self, **options: Any) -> None:
        did = reconcile()
        did["delivered"] = deliver()
        self.stdout.write(", ".join(f"{name} {count}" for name, count in did.items()))
