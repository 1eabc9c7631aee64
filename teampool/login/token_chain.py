"""Spending refresh tokens: each is sent once, by one process, and what it became is never lost.

A refresh token works a single time, and sending it again may cost the whole grant (upstream §12).
So its digest is written down before it leaves, its successor before anything else is done with the answer;
and whoever turns up with an old one later (a second import of the same file) is led on to the newest.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from teampool.models import SentToken
from teampool.upstream.client import refresh_oauth
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure, Op, TokenSet

POLL_SECONDS = 0.2
BUSY = "busy"
_LONGEST_CHAIN = 10_000
_WRITES = 5


def newest(token: str) -> str:
    """What this refresh or session token has become, as far as it was exchanged here."""
    for _ in range(_LONGEST_CHAIN):
        successor = SentToken.objects.filter(digest=digest(token)).values_list("successor", flat=True).first()
        if not successor:
            return token
        token = successor
    return token


def remember(*, sent: str, received: str) -> None:
    """Note that `received` takes the place of `sent`. Committed on return."""
    if not received or received == sent:
        return
    now = timezone.now()
    for attempt in range(_WRITES):
        try:
            with transaction.atomic(durable=True):
                SentToken.objects.update_or_create(
                    digest=digest(sent), defaults={"successor": received, "sent_at": now, "lease_until": now}
                )
            return
        except OperationalError:
            # This row is all that is left of the grant: try harder than usual.
            if attempt == _WRITES - 1:
                raise
            time.sleep(1)


def spend(*, refresh_token: str, client_id: str, patience: timedelta) -> TokenSet:
    """Exchange the newest token of this chain; the one to keep comes back as `refresh_token`, committed already.

    Waits up to `patience` for whoever else is sending it. Raises UpstreamError as `refresh_oauth` does, and
    REFRESH_TRANSIENT with code "busy" when the other one takes longer.
    """
    token = _claim(refresh_token, time.monotonic() + patience.total_seconds())
    try:
        answer = refresh_oauth(token, client_id)
    except UpstreamError as error:
        if error.salvage is not None and error.salvage.refresh_token:
            remember(sent=token, received=error.salvage.refresh_token)
        else:
            # Spent or not, one more try is all that can tell (upstream §12, rule 4).
            SentToken.objects.filter(digest=digest(token), successor="").update(lease_until=timezone.now())
        raise
    if answer.refresh_token and answer.refresh_token != token:
        remember(sent=token, received=answer.refresh_token)
        return answer
    # None came back: the old one goes on being good.
    SentToken.objects.filter(digest=digest(token), successor="").delete()
    return replace(answer, refresh_token=token)


def _claim(token: str, give_up_at: float) -> str:
    """The newest token of the chain, for this caller alone to send. Raises when another one keeps it too long."""
    while True:
        token = newest(token)
        now = timezone.now()
        mine = {"sent_at": now, "lease_until": now + lease()}
        try:
            with transaction.atomic():
                SentToken.objects.create(digest=digest(token), **mine)
            return token
        except IntegrityError:
            pass  # sent before: by someone who is at it, or who never heard the answer
        unanswered = SentToken.objects.filter(digest=digest(token), successor="", lease_until__lte=now)
        if unanswered.update(**mine):
            return token
        if time.monotonic() > give_up_at:
            raise UpstreamError(Failure.REFRESH_TRANSIENT, code=BUSY, op=Op.OAUTH)
        time.sleep(POLL_SECONDS)


def lease() -> timedelta:
    """How long a token that was sent is nobody else's to send."""
    return timedelta(seconds=settings.UPSTREAM_TIMEOUT + 10)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
