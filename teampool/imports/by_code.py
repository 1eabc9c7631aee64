"""Exchange the code of a sign-in for tokens, as the first step of its line.

A code works once, so the line forgets it before it is sent: whoever finds a line that sent its code and holds no
tokens knows that the answer was lost (upstream §12.1).
"""

from __future__ import annotations

from dataclasses import replace

from teampool.imports.reading.record import Record
from teampool.imports.reasons import SIGN_IN_LOST, SIGN_IN_REFUSED, Refused
from teampool.imports.refreshing import Keep
from teampool.upstream.authorisation import NOT_SENT, exchange_code
from teampool.upstream.clients import CODEX
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure


def with_tokens(record: Record, keep: Keep) -> Record:
    """The record with what its code bought, committed before it is used. A record without a code returns as it is.

    Raises Refused when the person has to sign in again, UpstreamError when the code was not sent and still works.
    """
    if record.is_code_sent and not (record.access_token or record.refresh_token):
        raise Refused(SIGN_IN_LOST)
    if not record.code:
        return record
    sent = replace(record, code="", verifier="", is_code_sent=True)
    keep(sent)
    try:
        tokens = exchange_code(record.code, record.verifier)
    except UpstreamError as error:
        if error.code == NOT_SENT:
            keep(record)
            raise
        if error.salvage is None:
            is_refused = error.failure in (Failure.REFRESH_PERMANENT, Failure.REFRESH_MISCONFIGURED)
            raise Refused(SIGN_IN_REFUSED if is_refused else SIGN_IN_LOST) from None
        tokens = error.salvage
    brought = replace(
        sent,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        client_id=CODEX,
        is_proven=bool(tokens.refresh_token),
    )
    keep(brought)
    return brought
