"""Codes: drawn, read as people type them, made in batches, used, given back, voided.

The only writer of `RedeemCode.uses_held` and `RedeemCode.voided_at` (design §3).
"""

from __future__ import annotations

import secrets
import unicodedata
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from base.actors import Actor
from invites.models import CodeBatch, RedeemCode, RedeemCodeQuerySet
from notifications.audit import events
from notifications.audit.events import Subject
from teampool.models import Team

# 32 letters, none of 0, O, 1 and I: 16 of them are 80 bits.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 16
REFERENCE_LENGTH = 20  # 100 bits: the link is the key to the status page
# 256 is a multiple of 32, so every letter is as likely as any other.
_LETTER_OF_BYTE = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
# I and 1 can only be a misread L. What 0 and O stand for nobody can tell (D, Q?), so they match nothing.
_LETTER_AS_TYPED = {letter: letter for letter in ALPHABET} | {letter.lower(): letter for letter in ALPHABET}
_LETTER_AS_TYPED |= {"1": "L", "I": "L", "i": "L"}
_DASHES_OF_OTHER_KINDS = frozenset("_\u2043\u2212\u30fc")  # hyphen bullet, minus, the kana long mark
_LONGEST_TYPED = 200  # more is not a code, however it is spaced

MOST_CODES = 50_000
MOST_USES = 1_000
LONGEST_LABEL = 60
SHORTEST_SEAT, LONGEST_SEAT = timedelta(hours=0.1), timedelta(hours=8760)
LEAST_DAYS, MOST_DAYS = 1, 3650
_ROWS_A_CHUNK = 5_000

# What to say when an argument of `make_batch` is out of bounds.
BOUNDS = {
    "count": _("Between 1 and 50,000."),
    "label": _("At most 60 characters."),
    "team": _("The Team is archived and cannot be bound."),
    "seat_time": _("Between 0.1 and 8,760 hours."),
    "redeem_until": _("Between 1 and 3,650 days."),
    "max_uses": _("Between 1 and 1,000."),
}


class BadBatch(ValueError):
    """A batch that cannot be made; `errors` says why, by the name of the argument at fault."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


def draw() -> str:
    """One new code, 80 bits of it."""
    return _letters(LENGTH)


def draw_reference() -> str:
    """The public id of a new Redemption."""
    return _letters(REFERENCE_LENGTH)


def _letters(count: int) -> str:
    return secrets.token_bytes(count).translate(_LETTER_OF_BYTE).decode("ascii")


def letters_typed(text: str) -> str:
    """The code letters in `text`, dashes and spaces dropped; empty when anything else is in it.

    May be shorter or longer than a code: for looking one up by a part of it.
    """
    if len(text) > _LONGEST_TYPED:
        return ""
    kept = [char for char in unicodedata.normalize("NFKC", text) if not _separates(char)]
    letters = [_LETTER_AS_TYPED.get(char, "") for char in kept]
    return "".join(letters) if all(letters) else ""


def normalise(text: str) -> str:
    """The stored form of a code typed in any case and width, with any dashes and spaces.

    Empty, which is no code, for everything that cannot be one.
    """
    letters = letters_typed(text)
    return letters if len(letters) == LENGTH else ""


def _separates(char: str) -> bool:
    # Zs Zl Zp: spaces; Pd: dashes; Cf: invisible marks that come along when a code is copied.
    return (
        char in "\t\n\r"
        or char in _DASHES_OF_OTHER_KINDS
        or unicodedata.category(char) in ("Zs", "Zl", "Zp", "Pd", "Cf")
    )


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
    """Make `count` codes, all alike, in one transaction; raises BadBatch, and makes none, on a value out of bounds."""
    now = timezone.now()
    _check(count, label, team, seat_time, redeem_until, max_uses, now)
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
        events.codes_made(subject=subject_of(batch), details=details, actor=actor)
    return batch


def _check(
    count: int,
    label: str,
    team: Team | None,
    seat_time: timedelta | None,
    redeem_until: datetime | None,
    max_uses: int,
    now: datetime,
) -> None:
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


def _insert(pattern: RedeemCode, count: int) -> None:
    """Insert `count` rows like `pattern`, each with a new code; codes that exist already are drawn again."""
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
    # Not bulk_create: it prepares every column of every row anew, and SQLite's only write lock is held meanwhile.
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


def use(*, code_id: int, now: datetime) -> bool:
    """Use the code once more; False takes nothing: it is used up, voided or expired."""
    usable = RedeemCode.objects.redeemable(now).filter(pk=code_id)
    return usable.update(uses_held=F("uses_held") + 1) == 1  # 0 rows: somebody was faster


def free(*, code_id: int) -> None:
    """Give one use back. Raises RuntimeError when none is held: the caller counted wrong."""
    rows = RedeemCode.objects.filter(pk=code_id, uses_held__gt=0).update(uses_held=F("uses_held") - 1)
    if rows != 1:
        raise RuntimeError(f"code {code_id} holds no use to give back")


def void(*, codes: RedeemCodeQuerySet, actor: Actor) -> int:
    """Void those of `codes` that have a use left and have not expired; the others, and every past use, stay."""
    now = timezone.now()
    with transaction.atomic(durable=True):
        # One statement: a code used up meanwhile no longer matches, and what was redeemed keeps its seat.
        count = codes.order_by().redeemable(now).update(voided_at=now)
        if count:
            voided = CodeBatch.objects.filter(codes__voided_at=now).annotate(voided=Count("codes"))
            for batch in voided:
                events.codes_voided(subject=subject_of(batch), count=batch.voided, actor=actor)
    return count


def subject_of(batch: CodeBatch) -> Subject:
    return Subject("batch", str(batch.pk), str(batch))
