"""API keys: shown once, stored as a digest, valid for one scope."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from base.actors import Actor
from notifications.audit import events
from teampool.models import ApiKey

IMPORT = "import"
SCOPES = (IMPORT,)
LONGEST_NAME = 60
_MARK = "sk_"
_SHOWN = 8
_LAST_USE_IS_KEPT_EVERY = timedelta(minutes=1)


class NameTaken(ValueError):
    """Another key has this name."""


def create(*, name: str, scope: str, actor: Actor) -> tuple[ApiKey, str]:
    """A new key and its text, which is shown only now. Raises NameTaken, and ValueError for a bad name."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise ValueError(f"a name has 1 to {LONGEST_NAME} printable characters")
    plain = _new_text()
    try:
        with transaction.atomic():
            key = ApiKey.objects.create(name=name, scope=scope, prefix=plain[:_SHOWN], digest=_digest(plain))
            events.api_key_created(subject=key.subject, actor=actor)
    except IntegrityError:
        raise NameTaken(name) from None
    return key, plain


def replace(*, key_id: int, prefix: str, actor: Actor) -> str | None:
    """A new text for this key, shown only now; the old text stops working.

    None when the key no longer begins with `prefix` or is revoked: another operator replaced it first.
    """
    plain = _new_text()
    with transaction.atomic():
        changed = ApiKey.objects.filter(pk=key_id, prefix=prefix, revoked_at=None).update(
            prefix=plain[:_SHOWN], digest=_digest(plain), created_at=timezone.now(), last_used_at=None
        )
        if not changed:
            return None
        events.api_key_replaced(subject=ApiKey.objects.get(pk=key_id).subject, actor=actor)
    return plain


def valid(scope: str) -> QuerySet[ApiKey]:
    """The valid keys of `scope`, newest first."""
    return ApiKey.objects.filter(scope=scope, revoked_at=None).order_by("-created_at", "-pk")


def free_name(name: str) -> str:
    """`name`, or `name 2`, `name 3`, …: the first that no key has, revoked keys included."""
    taken = set(ApiKey.objects.filter(name__startswith=name).values_list("name", flat=True))
    return next(one for one in (name, *(f"{name} {n}" for n in range(2, len(taken) + 3))) if one not in taken)


def revoke(*, key_id: int, actor: Actor) -> bool:
    """Refuse this key from now on; False when it was revoked already."""
    with transaction.atomic():
        key = ApiKey.objects.get(pk=key_id)
        if not ApiKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=timezone.now()):
            return False
        events.api_key_revoked(subject=key.subject, actor=actor)
    return True


def check(plain: str, scope: str) -> ApiKey | None:
    """The valid key with this text and `scope`; writes its last use at most once a minute."""
    digest = _digest(plain)
    key = ApiKey.objects.filter(digest=digest, scope=scope, revoked_at=None).first()
    # The query may compare by a collation that ignores case; this comparison is exact.
    if key is None or not hmac.compare_digest(key.digest, digest):
        return None
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _LAST_USE_IS_KEPT_EVERY)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    return key


def _new_text() -> str:
    return _MARK + secrets.token_urlsafe(32)


def _digest(plain: str) -> str:
    """Works for any text: a header may hold anything."""
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
