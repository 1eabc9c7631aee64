"""Exchange a web session for one workspace, by either reason; a rotated session is kept at once (upstream §11)."""

from __future__ import annotations

from collections.abc import Callable

from teampool.login import token_chain
from teampool.upstream.client import SessionAnswer, exchange_session
from teampool.upstream.web_session import REASONS


def exchange(
    session_token: str,
    *,
    account_id: str,
    device_id: str,
    check: Callable[[SessionAnswer], None],
    keep: Callable[[str], None],
    begin: Callable[[str], None] = lambda _reason: None,
    reasons: tuple[str, ...] = REASONS,
) -> SessionAnswer:
    """The session's answer for this workspace, or its refusal; for another workspace when no reason helped.

    `begin` is called with the reason before each call. `check` raises when the answer is not of the log-in it should
    be; its tokens are then lost. `keep` stores the newest session token. Raises UpstreamError as `exchange_session`.
    """
    for reason in reasons:
        begin(reason)
        sent = token_chain.newest(session_token)
        answer = exchange_session(sent, account_id=account_id, reason=reason, device_id=device_id)
        check(answer)
        keep_session(answer, sent=sent, keep=keep)
        if answer.refusal is not None or not account_id or answer.account_id == account_id:
            break
    return answer


def keep_session(answer: SessionAnswer, *, sent: str, keep: Callable[[str], None]) -> None:
    """Keep the session token that came with an answer, before anything else is done with it."""
    received = answer.tokens.session_token
    if received and received != sent:
        token_chain.remember(sent=sent, received=received)
        keep(received)
