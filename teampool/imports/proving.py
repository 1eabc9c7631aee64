"""Try an imported token before it takes the place of one that works: nothing proven gives way to something unproven.

Only where that is needed, since trying a refresh token spends it. The token stands in the line until upstream has
answered, so a killed worker loses nothing: the next one finds it there, and its successor by it.
"""

from __future__ import annotations

from dataclasses import replace

from teampool.imports.reasons import (
    CLIENT_MISSING,
    CLIENT_WRONG,
    DEAD,
    EMAIL_MISMATCH,
    REFRESH_DEAD,
    Refused,
    reason_of,
)
from teampool.imports.refreshing import Client, Keep, refresh
from teampool.imports.who import Login
from teampool.login import token_chain
from teampool.login.exchange import exchange
from teampool.models import Owner
from teampool.upstream.claims import NotAToken, read_claims
from teampool.upstream.client import SessionAnswer, Upstream
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure, Fault


def prove(login: Login, *, stored: Owner | None, keep: Keep) -> tuple[Login, str, str]:
    """Try what needs it. Returns the log-in as it may be stored, a note, and a reason to retry; "" for none.

    The note says what is wrong with the refresh token; the log-in comes in all the same. Raises Refused when a token
    belongs to another person.
    """
    login, unreached = _prove_session(login, stored, keep)
    if not _is_to_be_refreshed(login, stored):
        return login, "", unreached
    try:
        record, tokens = refresh(login.record, login.clients, keep)
    except UpstreamError as error:
        if error.failure is Failure.REFRESH_MISCONFIGURED:
            given = login.record.client_id
            wrong = (Client(given, Owner.Client.WRONG),) if given else ()
            return replace(login, clients=wrong), note_of(login), unreached
        if error.failure in DEAD:
            return replace(login, record=replace(login.record, refresh_token="")), REFRESH_DEAD, unreached
        return login, "", unreached or reason_of(error)
    keep(record)
    if _whose(tokens.access_token, login.device_id) != login.email:
        raise Refused(EMAIL_MISMATCH, email=login.email)
    return replace(login, record=record, clients=(Client(record.client_id, Owner.Client.PROVEN),)), "", unreached


def note_of(login: Login) -> str:
    """Why no client id fitted: the one that was given is wrong, or none was given."""
    return CLIENT_WRONG if login.record.client_id else CLIENT_MISSING


def _is_to_be_refreshed(login: Login, stored: Owner | None) -> bool:
    token, client = login.record.refresh_token, login.client
    if not token or client.state == Owner.Client.PROVEN:
        return False
    works = stored is not None and stored.can_refresh and stored.login == Owner.Login.OK
    if works and stored is not None and token_chain.newest(token) == stored.refresh_token:
        return False
    return works or not client.client_id


def _prove_session(login: Login, stored: Owner | None, keep: Keep) -> tuple[Login, str]:
    record = login.record
    if not record.session_token or login.is_exchanged or stored is None or stored.login != Owner.Login.OK:
        return login, ""
    sent = token_chain.newest(record.session_token)
    if not stored.session_token or sent == token_chain.newest(stored.session_token):
        return login, ""

    def check(answer: SessionAnswer) -> None:
        if not answer.is_of(login.email):
            raise Refused(EMAIL_MISMATCH, email=login.email)

    def keep_rotated(received: str) -> None:
        nonlocal record
        record = replace(record, session_token=received)
        keep(record)

    try:
        answer = exchange(sent, account_id=login.scope, device_id=login.device_id, check=check, keep=keep_rotated)
        if answer.refusal is not None:
            raise answer.refusal
    except UpstreamError as error:
        # What it says of one workspace is found out when that one is opened.
        is_told = error.failure in DEAD or error.fault is Fault.TEAM
        return replace(login, record=record), "" if is_told else reason_of(error)
    return replace(login, record=record, is_session_proven=True), ""


def _whose(access_token: str, device_id: str) -> str:
    try:
        if email := read_claims(access_token).email:
            return email
    except NotAToken:
        pass
    with Upstream(access_token=access_token, device_id=device_id) as upstream:
        return upstream.me().email
