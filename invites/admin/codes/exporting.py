"""A batch's codes as a CSV file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from base.csv_files import download
from base.times import full
from invites import words
from invites.codes.standing import state_of, with_users
from invites.models import CodeBatch, RedeemCode

_ROWS_AT_ONCE = 2_000


def as_csv(batch: CodeBatch) -> StreamingHttpResponse:
    """Every code of the batch with its state and who used it, streamed."""
    header = [_("Code"), _("State"), _("Used by"), _("Used at"), _("Label"), _("Kind"), _("Team"), _("Redeem until")]
    return download(f"codes-{batch.pk}.csv", header, _rows(batch))


def _rows(batch: CodeBatch) -> Iterator[list[str]]:
    kind = words.kind(is_bound=batch.team_id is not None, is_temporary=batch.seat_time is not None)
    if batch.seat_time is not None:
        kind = f"{kind} {words.duration(batch.seat_time)}"
    until = full(batch.redeem_until) if batch.redeem_until else ""
    common = [batch.label, kind, str(batch.team or ""), until]
    now = timezone.now()
    codes = with_users(RedeemCode.objects.filter(batch=batch).order_by("id"))
    code: Any
    for code in codes.iterator(chunk_size=_ROWS_AT_ONCE):
        users = code.held_by
        used_by, used_at = " ".join(user.email for user in users), " ".join(full(user.created_at) for user in users)
        yield [code.dashed, str(state_of(code, now).label), used_by, used_at, *common]
