"""The state of codes: each is unused, used, expired or void."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.db.models import Count, F, Prefetch, Q
from django.utils.translation import pgettext_lazy

from invites.models import RedeemCode, RedeemCodeQuerySet, Redemption
from invites.states import HOLDS_CODE


class CodeState(models.TextChoices):
    UNUSED = "unused", pgettext_lazy("code", "unused")
    USED = "used", pgettext_lazy("code", "used")
    EXPIRED = "expired", pgettext_lazy("code", "expired")
    VOID = "void", pgettext_lazy("code", "void")


def state_of(code: RedeemCode, now: datetime) -> CodeState:
    if code.voided_at is not None:
        return CodeState.VOID
    if code.uses_held:
        return CodeState.USED
    if code.redeem_until is not None and code.redeem_until <= now:
        return CodeState.EXPIRED
    return CodeState.UNUSED


def codes_in(state: str, now: datetime) -> Q:
    """The codes for which `state_of` returns `state`."""
    is_over = Q(redeem_until__isnull=False, redeem_until__lte=now)
    untouched = Q(voided_at=None, uses_held=0)
    return {
        CodeState.VOID: Q(voided_at__isnull=False),
        CodeState.USED: Q(voided_at=None, uses_held__gt=0),
        CodeState.EXPIRED: untouched & is_over,
        CodeState.UNUSED: untouched & ~is_over,
    }[CodeState(state)]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many codes are in each state."""

    unused: int = 0
    used: int = 0
    expired: int = 0
    void: int = 0
    # Used codes with a use left.
    partly: int = 0

    @property
    def redeemable(self) -> int:
        return self.unused + self.partly

    @property
    def total(self) -> int:
        return self.unused + self.used + self.expired + self.void

    def each(self) -> list[tuple[CodeState, int]]:
        return [(state, getattr(self, state.value)) for state in CodeState]


def _counted(now: datetime) -> dict[str, Count]:
    is_over = Q(redeem_until__isnull=False, redeem_until__lte=now)
    partly = codes_in(CodeState.USED, now) & Q(uses_held__lt=F("max_uses")) & ~is_over
    counted = {state.value: Count("pk", filter=codes_in(state, now)) for state in CodeState}
    return counted | {"partly": Count("pk", filter=partly)}


def count(codes: models.QuerySet[RedeemCode], now: datetime) -> Counts:
    return Counts(**codes.order_by().aggregate(**_counted(now)))


def count_by_batch(batch_ids: Iterable[int], now: datetime) -> dict[int, Counts]:
    """Counts by batch, in one query; a batch without codes is missing."""
    codes = RedeemCode.objects.order_by().filter(batch_id__in=list(batch_ids))
    rows = codes.values("batch_id").annotate(**_counted(now)).values_list("batch_id", *CodeState.values, "partly")
    return {batch_id: Counts(*numbers) for batch_id, *numbers in rows}


def with_users(codes: RedeemCodeQuerySet) -> RedeemCodeQuerySet:
    """Add to each code the redemptions that hold it, oldest first, as the list `held_by`."""
    holding = Redemption.objects.filter(state__in=HOLDS_CODE).order_by("id")
    fields = holding.only("id", "public_id", "code_id", "email", "created_at")
    return codes.prefetch_related(Prefetch("redemptions", fields, to_attr="held_by"))
