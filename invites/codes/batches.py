"""Make a batch of codes, all alike, in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from base.actors import Actor
from invites.codes.codes import draw
from invites.models import CodeBatch, RedeemCode
from notifications.audit import events
from teampool.models import Team

MOST_CODES = 50_000
MOST_USES = 1_000
LONGEST_LABEL = 60
# Decimals: 0.1 as a float is a little more than the 0.1 that a person types.
LEAST_HOURS, MOST_HOURS = Decimal("0.1"), Decimal(8760)
SHORTEST_SEAT, LONGEST_SEAT = (timedelta(hours=float(hours)) for hours in (LEAST_HOURS, MOST_HOURS))
LEAST_DAYS, MOST_DAYS = 1, 3650
_ROWS_A_CHUNK = 5_000

# The errors for arguments of `make_batch` that are out of bounds.
BOUNDS = {
    "count": _("Between 1 and 50,000."),
    "label": _("At most 60 characters."),
    "team": _("The Team is archived and cannot be bound."),
    "seat_time": _("Between 0.1 and 8,760 hours."),
    "redeem_until": _("Between 1 and 3,650 days."),
    "max_uses": _("Between 1 and 1,000."),
}


class BadBatch(ValueError):
    """A batch that cannot be made; `errors` by argument."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


def make_batch(
    *,
    count: int,
    label: str,
    team: Team | None,
    seat_time: timedelta | None,
    redeem_until: datetime | None,
    max_uses: int,
    actor: Actor,
) -> CodeBatch:
    """Make `count` codes, all alike. Raises BadBatch on a value out of bounds, and then makes none."""
    now = timezone.now()
    is_bad = {
        "count": not 1 <= count <= MOST_CODES,
        "label": len(label) > LONGEST_LABEL or "\0" in label,
        "team": team is not None and team.archived_at is not None,
        "seat_time": seat_time is not None and not SHORTEST_SEAT <= seat_time <= LONGEST_SEAT,
        "redeem_until": redeem_until is not None and not now < redeem_until <= now + timedelta(days=MOST_DAYS),
        "max_uses": not 1 <= max_uses <= MOST_USES,
    }
    if any(is_bad.values()):
        raise BadBatch({name: str(BOUNDS[name]) for name, bad in is_bad.items() if bad})
    terms = {
        "team_id": team.pk if team else None,
        "seat_time": seat_time,
        "redeem_until": redeem_until,
        "max_uses": max_uses,
    }
    with transaction.atomic(durable=True):
        batch = CodeBatch.objects.create(label=label, size=count, created_by=actor.name, created_at=now, **terms)
        pattern = RedeemCode(batch_id=batch.pk, created_at=now, **terms)
        for start in range(0, count, _ROWS_A_CHUNK):
            _insert(pattern, min(_ROWS_A_CHUNK, count - start))
        details = {
            "count": count,
            "team": str(team) if team else None,
            "hours": seat_time / timedelta(hours=1) if seat_time else None,
            "redeem_until": redeem_until.isoformat() if redeem_until else None,
            "max_uses": max_uses,
        }
        events.codes_made(subject=batch.subject, details=details, actor=actor)
    return batch


def _insert(pattern: RedeemCode, count: int) -> None:
    """Insert `count` rows like `pattern`, each with a new code; draw again for codes that exist."""
    fresh: set[str] = set()
    while True:
        while len(fresh) < count:
            fresh.add(draw())
        try:
            with transaction.atomic():
                _insert_rows(pattern, fresh)
        except IntegrityError:
            taken = set(RedeemCode.objects.filter(code__in=fresh).values_list("code", flat=True))
            if not taken:
                raise  # not a collision
            fresh -= taken
        else:
            return


def _insert_rows(pattern: RedeemCode, codes: set[str]) -> None:
    # bulk_create prepares every column of every row anew, while we hold SQLite's only write lock.
    fields = [field for field in RedeemCode._meta.concrete_fields if not field.primary_key]
    values = [field.get_db_prep_save(getattr(pattern, field.attname), connection) for field in fields]
    at = [field.attname for field in fields].index("code")
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {quote(RedeemCode._meta.db_table)} ({columns}) VALUES ({places})",  # noqa: S608 - names only
            [(*values[:at], code, *values[at + 1 :]) for code in codes],
        )
