"""Use, give back and void codes: the only writer of `RedeemCode.uses_held` and `voided_at` (design §3)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone

from base.actors import Actor
from invites.models import CodeBatch, RedeemCode, RedeemCodeQuerySet
from notifications.audit import events


def use(*, code_id: int, now: datetime) -> bool:
    """Use the code once; False when it is used up, void or expired."""
    usable = RedeemCode.objects.redeemable(now).filter(pk=code_id)
    return usable.update(uses_held=F("uses_held") + 1) == 1  # 0 rows: another redemption was faster


def free(*, code_id: int) -> None:
    """Give one use back. Raises RuntimeError when none is held: the caller counted wrong."""
    rows = RedeemCode.objects.filter(pk=code_id, uses_held__gt=0).update(uses_held=F("uses_held") - 1)
    if rows != 1:
        raise RuntimeError(f"code {code_id} holds no use to give back")


def void(*, codes: RedeemCodeQuerySet, actor: Actor) -> int:
    """Void those of `codes` that have a use left and have not expired. Past uses stay. Returns how many."""
    now = timezone.now()
    with transaction.atomic(durable=True):
        # One statement: a code that is used up meanwhile no longer matches, and its redemption keeps its seat.
        count = codes.order_by().redeemable(now).update(voided_at=now)
        if count:
            voided = CodeBatch.objects.filter(codes__voided_at=now).annotate(voided=Count("codes"))
            for batch in voided:
                events.codes_voided(subject=batch.subject, count=batch.voided, actor=actor)
    return count
