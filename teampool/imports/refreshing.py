"""Spend an imported refresh token under its client id, or under the usual ones when it came without (upstream §12)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from teampool.imports.reading.record import Record
from teampool.imports.reading.shapes import REFRESH, slot_of
from teampool.login import token_chain
from teampool.models import Owner
from teampool.upstream.claims import Claims
from teampool.upstream.clients import USUAL, for_refresh
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure, Op, TokenSet

Keep = Callable[[Record], None]
_OTHERS_TURN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Client:
    """The client id of a refresh token, and how it is known: an `Owner.Client`, or "" for a guess."""

    client_id: str
    state: str


def clients_of(record: Record, claims: Claims | None, *, stored: str = "") -> tuple[Client, ...]:
    """Under which client ids to refresh, in this order. `stored`: the one this log-in is known to use.

    One that was given stands alone. The one that the access token names comes first, then those that are only guessed;
    none is guessed for what does not look like a refresh token.
    """
    if record.is_proven and record.client_id:
        return (Client(record.client_id, Owner.Client.PROVEN),)
    if given := token_chain.proven_client(record.refresh_token) or for_refresh(record.client_id):
        return (Client(given, Owner.Client.GIVEN),)
    # Only an access token that came out of the same token response names another client than the web session's.
    named = for_refresh(claims.client_id) if claims is not None else ""
    first = (Client(named, Owner.Client.NAMED),) if named else ()
    if slot_of(record.refresh_token) != REFRESH:
        return first  # it has no refresh token's shape: do not send it around
    guesses = dict.fromkeys(one for one in (stored, *USUAL) if one and one != named)
    return (*first, *(Client(guess, "") for guess in guesses))


def refresh(record: Record, clients: tuple[Client, ...], keep: Keep) -> tuple[Record, TokenSet]:
    """Spend its refresh token under the first client id that fits. Returns the record with both, and the tokens.

    The successor is committed, but not yet in the line. Raises UpstreamError: REFRESH_MISCONFIGURED when each of
    `clients` was refused. Any other failure ends it at once, for the token may be spent or dead.
    """
    refused = UpstreamError(Failure.REFRESH_MISCONFIGURED, code="no_client_id", op=Op.OAUTH)
    for client in clients:
        try:
            tokens = token_chain.spend(
                refresh_token=record.refresh_token,
                client_id=client.client_id,
                patience=_OTHERS_TURN,
                is_guess=client.state in ("", Owner.Client.NAMED),
            )
        except UpstreamError as error:
            if error.salvage is not None:
                newest = token_chain.newest(record.refresh_token)
                keep(replace(record, refresh_token=newest, client_id=client.client_id, is_proven=True))
            if error.failure is not Failure.REFRESH_MISCONFIGURED:
                raise
            refused = error
        else:
            fresh = tokens.refresh_token
            return replace(record, refresh_token=fresh, client_id=client.client_id, is_proven=True), tokens
    raise refused
