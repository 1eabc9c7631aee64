"""The client of ChatGPT's web backend: one object for one log-in and one workspace.

Reads raise UpstreamError; writes return an Answer and are never repeated here.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode

from django.conf import settings

from .answers import answer_without_answer, read_answer, read_invite
from .classify import failure_of
from .envelope import read_envelope
from .errors import UpstreamError, error_from
from .oauth import refresh_oauth
from .paging import Listing, read_all
from .readers import (
    Page,
    Unreadable,
    is_safe_id,
    read_entrance,
    read_identity,
    read_invites_page,
    read_members_page,
    read_subscription,
    read_workspaces,
)
from .transport import Deadline, Reply, Transport, is_header_safe, pause_before_retry
from .types import (
    STANDARD,
    Answer,
    Entrance,
    Failure,
    Identity,
    InviteRow,
    MemberRow,
    Op,
    RowT,
    Subscription,
    Verdict,
    Workspace,
)
from .web_session import SessionAnswer, exchange_session, refresh_session

__all__ = ["SessionAnswer", "Upstream", "exchange_session", "refresh_oauth", "refresh_session"]

T = TypeVar("T")
_TABS = dict.fromkeys((Op.MEMBERS, Op.HOLD_LIST, Op.REMOVE), "members") | dict.fromkeys(
    (Op.INVITE, Op.INVITES), "invites"
)
_RETRIED = frozenset({Failure.CONNECT_FAILED, Failure.TIMEOUT_OR_RESET, Failure.SERVER_ERROR})


class Upstream:
    """Everything one log-in can ask or do in one workspace.

    `account_id` may be "" for calls without a workspace (`me`, `account_check`). `patience`: how often a failed read is
    repeated. Each method, pages and repeats included, takes at most UPSTREAM_TIMEOUT.
    """

    def __init__(self, access_token: str, account_id: str = "", device_id: str = "", *, patience: int = 0) -> None:
        self._access_token = access_token
        self._account_id = account_id
        self._device_id = device_id
        self._patience = patience
        self._transport = Transport(settings.UPSTREAM_BASE_URL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Upstream {self._account_id or 'without a workspace'}>"

    def close(self) -> None:
        self._transport.close()

    # Reads

    def members(self) -> Listing[MemberRow]:
        """All members (upstream §3). Raises when the first page fails."""
        return self._list(Op.MEMBERS, "users", read_members_page)

    def held_people(self) -> Listing[MemberRow]:
        """The removed people whose standard seat is kept (upstream §3). Raises when the first page fails."""
        return self._list(Op.HOLD_LIST, "users", read_members_page, active_vacancy_hold_seat_type=STANDARD)

    def invites(self) -> Listing[InviteRow]:
        """All pending invites (upstream §4). Raises when the first page fails."""
        return self._list(Op.INVITES, "invites", read_invites_page)

    def account_check(self) -> tuple[Workspace, ...]:
        """Every workspace of this log-in (upstream §8). Call it rarely."""
        path = "/backend-api/accounts/check/v4-2023-04-27"
        return self._read(Op.ACCOUNT_CHECK, lambda: path, read_workspaces, Deadline.of_a_call())

    def subscription(self) -> Subscription:
        """Purchased seats (upstream §9).

        PERMISSION_DENIED only means that this log-in may not see the seats, NOT_FOUND_ITEM that there are none.
        """
        return self._read(
            Op.SUBSCRIPTION,
            lambda: "/backend-api/subscriptions?" + urlencode({"account_id": self._workspace(Op.SUBSCRIPTION)}),
            read_subscription,
            Deadline.of_a_call(),
        )

    def entrance(self) -> Entrance:
        """Who else lets people in, by the settings of the workspace (upstream §8); none of them is ever written."""
        return self._read(
            Op.SETTINGS, lambda: self._scoped(Op.SETTINGS, "settings"), read_entrance, Deadline.of_a_call()
        )

    def me(self) -> Identity:
        """Who this token belongs to (upstream §10): the cheapest call."""
        identity = self._read(Op.ME, lambda: "/backend-api/me", read_identity, Deadline.of_a_call())
        if identity is None:
            # ChatGPT may answer a dead token as an anonymous user instead of with 401.
            raise UpstreamError(Failure.TOKEN_REJECTED, status=200, code="anonymous", op=Op.ME)
        return identity

    # Writes

    def invite(self, email: str, *, submission_id: str, flow_id: str, resend: bool = True) -> Answer:
        """Invite one address, once (upstream §5). Network errors do not raise.

        SENT must still be confirmed by the lists. NO is certain, and `fault` says whose it is; with NETWORK nothing was
        sent, so the same Team may be tried again. UNKNOWN may have worked.
        """
        payload = {
            "email_addresses": [email.strip().lower()],
            "role": "standard-user",
            "seat_type": "default",
            "resend_emails": resend,
            "flow_id": flow_id,
            "submission_id": submission_id,
        }
        try:
            reply = self._send("POST", Op.INVITE, lambda: self._scoped(Op.INVITE, "invites"), payload=payload)
        except UpstreamError as error:
            return answer_without_answer(error)
        return read_invite(reply.status, reply.headers, reply.body, email)

    def revoke(self, email: str) -> Answer:
        """Withdraw a pending invite (upstream §6). Network errors do not raise."""
        payload = {"email_address": email.strip().lower()}
        try:
            reply = self._send("DELETE", Op.REVOKE, lambda: self._scoped(Op.REVOKE, "invites"), payload=payload)
        except UpstreamError as error:
            return answer_without_answer(error)
        return read_answer(reply.status, reply.headers, reply.body, Op.REVOKE)

    def remove(self, user_id: str) -> Answer:
        """Remove a member (upstream §7). Network errors do not raise."""
        if not is_safe_id(user_id):
            # In a path such an id could name something else than one member.
            return Answer(Verdict.NO, Failure.REFUSED_UNCLEAR, code="bad_user_id")
        try:
            reply = self._send("DELETE", Op.REMOVE, lambda: self._scoped(Op.REMOVE, f"users/{quote(user_id, safe='')}"))
        except UpstreamError as error:
            return answer_without_answer(error)
        return read_answer(reply.status, reply.headers, reply.body, Op.REMOVE)

    # Requests

    def _list(self, op: Op, name: str, read: Callable[[Any], Page[RowT]], **which: str) -> Listing[RowT]:
        deadline = Deadline.of_a_call()

        def fetch(offset: int, limit: int) -> Page[RowT]:
            query = urlencode({"offset": offset, "limit": limit, "query": ""} | which)
            return self._read(op, lambda: f"{self._scoped(op, name)}?{query}", read, deadline)

        return read_all(fetch)

    def _read(self, op: Op, path: Callable[[], str], read: Callable[[Any], T], deadline: Deadline) -> T:
        """GET and parse, repeated while patience and the deadline allow."""
        protocol_errors = 0
        for attempt in range(self._patience + 1):
            try:
                return self._read_once(op, path, read, deadline)
            except UpstreamError as error:
                protocol_errors += error.failure is Failure.PROTOCOL_ERROR
                is_worth_it = error.failure in _RETRIED or protocol_errors == 1
                if attempt == self._patience or not is_worth_it or not pause_before_retry(attempt, deadline):
                    raise
        raise AssertionError("patience is not negative")

    def _read_once(self, op: Op, path: Callable[[], str], read: Callable[[Any], T], deadline: Deadline) -> T:
        reply = self._send("GET", op, path, deadline=deadline)
        envelope = read_envelope(reply.status, reply.headers, reply.body)
        failure = failure_of(envelope, op)
        if failure is not None:
            raise error_from(failure, envelope, reply.headers, op)
        if not envelope.is_json:
            raise error_from(Failure.PROTOCOL_ERROR, envelope, reply.headers, op)
        try:
            return read(envelope.data)
        except Unreadable as unreadable:
            error = error_from(Failure.PROTOCOL_ERROR, envelope, reply.headers, op)
            error.text = str(unreadable)
            raise error from None

    def _send(
        self,
        method: str,
        op: Op,
        path: Callable[[], str],
        *,
        deadline: Deadline | None = None,
        payload: dict[str, Any] | None = None,
    ) -> Reply:
        if not is_header_safe(self._access_token):
            raise UpstreamError(Failure.TOKEN_REJECTED, code="malformed_token", op=op)
        return self._transport.send(
            method,
            path(),
            op=op,
            headers=self._headers(op, with_body=payload is not None),
            deadline=deadline or Deadline.of_a_call(),
            payload=payload,
        )

    def _headers(self, op: Op, *, with_body: bool) -> dict[str, str]:
        site = "https://chatgpt.com"
        tab = _TABS.get(op)
        headers = {
            "Authorization": f"Bearer {self._access_token}",
            "Accept": "*/*",
            "Accept-Language": "en-US,en;q=0.9",
            "Origin": site,
            "Referer": f"{site}/admin/members?tab={tab}" if tab else f"{site}/",
            "oai-language": "en-US",
        }
        if with_body:
            headers["Content-Type"] = "application/json"
        if is_safe_id(self._account_id):
            headers["chatgpt-account-id"] = self._account_id
        if is_safe_id(self._device_id):
            headers["oai-device-id"] = self._device_id
        return headers

    def _workspace(self, op: Op) -> str:
        if not is_safe_id(self._account_id):
            raise UpstreamError(Failure.WORKSPACE_NOT_FOUND, code="bad_account_id", op=op)
        return self._account_id

    def _scoped(self, op: Op, rest: str) -> str:
        return f"/backend-api/accounts/{quote(self._workspace(op), safe='')}/{rest}"
