"""Spend refresh tokens: each is sent once, by one process, and its successor is never lost.

A refresh token works once, and sending it again may cost the whole log-in (upstream §12). So its digest is written
before it is sent, and its successor before the answer is used. An old token that appears later, as in a second import
of the same file, leads to the newest. A client id that upstream refused for a token is never tried again with it.
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
from teampool.upstream.oauth import of_a_guess
from teampool.upstream.types import Failure, Op, TokenSet

POLL_SECONDS = 0.2
BUSY = "busy"
REFUSED_BEFORE = "refused_before"
_LONGEST_CHAIN = 10_000
_WRITES = 5


def newest(token: str) -> str:
    """The last successor of this refresh or session token that we know."""
    return _follow(token)[0]


def proven_client(token: str) -> str:
    """The client id that bought the newest token of this chain; "" when none is known to have."""
    return _follow(token)[1]


def _follow(token: str) -> tuple[str, str]:
    client_id = ""
    for _ in range(_LONGEST_CHAIN):
        sent = SentToken.objects.filter(digest=digest(token)).only("successor", "client_id").first()
        if sent is None or not sent.successor:
            break
        token, client_id = sent.successor, sent.client_id
    return token, client_id


def remember(*, sent: str, received: str) -> None:
    """Store `received` as the successor of `sent`. Committed on return."""
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
            # Without this row the log-in is lost: try longer than elsewhere.
            if attempt == _WRITES - 1:
                raise
            time.sleep(1)


def spend(*, refresh_token: str, client_id: str, patience: timedelta, is_guess: bool = False) -> TokenSet:
    """Exchange the newest token of this chain. `refresh_token` of the result is the one to keep, already committed.

    Waits up to `patience` for another process that is sending it, then raises REFRESH_TRANSIENT with code "busy". Else
    raises UpstreamError as `refresh_oauth` does; REFRESH_MISCONFIGURED also without sending it, when this client id was
    refused for this token before. `is_guess`: nobody said that the client id is this token's.
    """
    token = _claim(refresh_token, client_id, time.monotonic() + patience.total_seconds())
    try:
        answer = refresh_oauth(token, client_id)
    except UpstreamError as error:
        said = of_a_guess(error) if is_guess else error
        if error.salvage is not None and error.salvage.refresh_token:
            remember(sent=token, received=error.salvage.refresh_token)
        else:
            _let_go(token, refused=client_id if said.failure is Failure.REFRESH_MISCONFIGURED else "")
        raise said from None
    if answer.refresh_token and answer.refresh_token != token:
        remember(sent=token, received=answer.refresh_token)
        return answer
    # The answer had no refresh token: the old one stays valid.
    SentToken.objects.filter(digest=digest(token), successor="").delete()
    return replace(answer, refresh_token=token)


def _let_go(token: str, *, refused: str) -> None:
    """Without a refusal only one more try can tell whether it was spent (upstream §12, rule 4)."""
    with transaction.atomic():
        sent = SentToken.objects.select_for_update().filter(digest=digest(token), successor="").first()
        if sent is None:
            return
        if refused and refused not in sent.refused_ids:
            sent.refused_ids.append(refused)
        sent.lease_until = timezone.now()
        sent.save(update_fields=["lease_until", "refused_ids"])


def _claim(token: str, client_id: str, give_up_at: float) -> str:
    """Claim the newest token of the chain for this caller to send. Raises when another process holds it too long.

    Unlike in base/work.py a first claim creates the row, so whoever creates it has it.
    """
    while True:
        token = newest(token)
        now = timezone.now()
        mine = {"sent_at": now, "lease_until": now + lease(), "client_id": client_id}
        try:
            with transaction.atomic():
                SentToken.objects.create(digest=digest(token), **mine)
            return token
        except IntegrityError:
            pass  # sent before: another process is sending it, or never got the answer
        unanswered = SentToken.objects.filter(digest=digest(token), successor="", lease_until__lte=now)
        if client_id in (unanswered.values_list("refused_ids", flat=True).first() or ()):
            raise UpstreamError(Failure.REFRESH_MISCONFIGURED, code=REFUSED_BEFORE, op=Op.OAUTH)
        if unanswered.update(**mine):
            return token
        if time.monotonic() > give_up_at:
            raise UpstreamError(Failure.REFRESH_TRANSIENT, code=BUSY, op=Op.OAUTH)
        time.sleep(POLL_SECONDS)


def lease() -> timedelta:
    """How long only the process that sent a token may send it again."""
    return timedelta(seconds=settings.UPSTREAM_TIMEOUT + 10)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
