"""The backend's front door: which operation a path is, what a fault makes of it, what is logged."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import formatdate
from functools import partial
from typing import Any

from sandbox import accounts, invites, members, oauth, sessions, sign_in_page
from sandbox.base import Memory
from sandbox.call import Call, Refused, made
from sandbox.errors import plain
from sandbox.faults import Fault
from sandbox.journal import EDGE_COOKIE, edge_cookie_of
from sandbox.presets import filled
from sandbox.state import digits
from sandbox.subscription import subscription
from sandbox.web_settings import web_settings
from sandbox.wire import Reply, Request

Handler = Callable[[Call], Reply]

PATHS: list[tuple[re.Pattern[str], dict[str, tuple[str, Handler]]]] = [
    (
        re.compile(r"/backend-api/accounts/check/v4-2023-04-27"),
        {"GET": ("account_check", accounts.account_check)},
    ),
    (
        re.compile(r"/backend-api/accounts/(?P<account_id>[^/]+)/users"),
        {"GET": ("members", members.list_members)},
    ),
    (
        re.compile(r"/backend-api/accounts/(?P<account_id>[^/]+)/users/(?P<item>[^/]+)"),
        {"DELETE": ("remove", members.remove_member)},
    ),
    (
        re.compile(r"/backend-api/accounts/(?P<account_id>[^/]+)/invites"),
        {
            "GET": ("invites", invites.list_invites),
            "POST": ("invite", invites.invite),
            "DELETE": ("revoke", invites.revoke),
        },
    ),
    (
        re.compile(r"/backend-api/accounts/(?P<account_id>[^/]+)/settings(?:/(?P<item>[^/]+))?"),
        {"GET": ("settings", web_settings)},
    ),
    (re.compile(r"/backend-api/subscriptions"), {"GET": ("subscription", subscription)}),
    (re.compile(r"/backend-api/me"), {"GET": ("me", accounts.me)}),
    (re.compile(r"/api/auth/session"), {"GET": ("session", sessions.session)}),
    (re.compile(r"/oauth/token"), {"POST": ("token", oauth.token)}),
    (
        re.compile(r"/oauth/authorize"),
        {"GET": ("authorize", sign_in_page.ask), "POST": ("authorize", sign_in_page.choose)},
    ),
]


def answer(world: Memory, request: Request) -> Reply:
    """Answer one backend request; its work, its fault and its log entry are one step under the lock."""
    with world.lock:
        op, handler, account_id, item, refusal = _route(request)
        call = Call(world, request, op, account_id, item)
        emails = call.emails()
        scope = account_id or request.query.get("account_id" if op != "session" else "workspace_id")
        entry = world.journal.open(
            request,
            now=world.now(),
            op=op or None,
            account_id=scope,
            body=call.body,
            login=call.caller.email if call.caller else None,
            emails=emails,
        )
        call.entry = entry
        if refusal is not None:
            world.journal.drift(entry)
            reply = refusal
        else:
            fault = world.faults.take(op, scope, emails)
            if fault is None:
                reply = _work(handler, call)
            else:
                reply = _strike(world, fault, handler, call)
                entry["fault"] = fault.name or fault.number
                if fault.apply_effect == "after":
                    reply.afterwards = partial(_do_late, world, handler, call, entry)
        entry["effect_applied"] = reply.effect if request.method != "GET" else None
        entry["status"] = None if reply.reset or reply.hang else reply.status
        reply.headers += _edge_headers(entry["seq"], call)
        return reply


def _route(request: Request) -> tuple[str, Handler, str | None, str | None, Reply | None]:
    for pattern, methods in PATHS:
        if match := pattern.fullmatch(request.path):
            names = match.groupdict()
            found = methods.get(request.method)
            refusal = None if found else made(plain(405, "Method Not Allowed"))
            op, handler = found or ("", _nothing)
            return op, handler, names.get("account_id"), names.get("item"), refusal
    return "", _nothing, None, None, made(plain(404, "Not Found"))


def _nothing(call: Call) -> Reply:
    return made(plain(404, "Not Found"))


def _work(handler: Handler, call: Call) -> Reply:
    try:
        return handler(call)
    except Refused as refused:
        return refused.reply


def _strike(world: Memory, fault: Fault, handler: Handler, call: Call) -> Reply:
    """Return what the caller gets to see of a call that a fault strikes."""
    action, emails = fault.action, call.emails()
    call.tweak = action.get("tweak") or {}
    if action.get("accept_first"):
        _accept(world, call, emails)
    reply = _work(handler, call) if fault.apply_effect == "before" else made({"body": {}})
    if action.get("accept_after"):
        _accept(world, call, emails)
    if fault.is_made_up():
        effect = reply.effect
        spec = {**action, "body": filled(action.get("body", ""), emails[0] if emails else "")}
        spec["headers"] = {name: _dated(world, value) for name, value in (action.get("headers") or {}).items()}
        reply = made(spec)
        reply.effect = effect
    _edit(reply, action.get("edit") or {})
    if action.get("kill_tokens") and call.caller is not None:
        for token in world.tokens.access_of(call.caller):
            token.dead_as = "token_invalidated"
    for key in ("delay", "hang", "reset", "truncate", "trickle"):
        if action.get(key):
            setattr(reply, key, action[key])
    return reply


def _accept(world: Memory, call: Call, emails: list[str]) -> None:
    """Let the invited people of this call accept, if they were invited at all."""
    workspace = world.workspaces.get(call.account_id or "")
    for email in emails:
        if workspace is not None and email in workspace.invites:
            world.take_invite(workspace, email, lag=0.0)


def _do_late(world: Memory, handler: Handler, call: Call, entry: dict[str, Any]) -> None:
    """Do the work whose answer was delivered, or withheld, before it."""
    with world.lock:
        entry["effect_applied"] = _work(handler, call).effect


def _edit(reply: Reply, edit: dict[str, Any]) -> None:
    """Change a successful normal answer; a refusal stays what it is."""
    if not edit or reply.status >= 300:
        return
    reply.status = edit.get("status", reply.status)
    reply.content_type = edit.get("content_type", reply.content_type)
    if isinstance(reply.body, dict):
        body = {key: value for key, value in reply.body.items() if key not in (edit.get("drop") or ())}
        reply.body = body | (edit.get("set") or {})


def _dated(world: Memory, value: object) -> str:
    """Return a header value, `@date+N` as the HTTP date N seconds ahead on the stand-in's clock."""
    text = str(value)
    if text.startswith("@date"):
        return formatdate(world.now() + float(text.removeprefix("@date") or 0), usegmt=True)
    return text


def _edge_headers(seq: int, call: Call) -> list[tuple[str, str]]:
    """Return the headers the edge adds; its cookie names the login it was first given to."""
    headers = [
        ("X-Oai-Request-Id", digits(5, seq)),
        ("Cf-Ray", f"{seq:016x}-SBX"),
        ("Cf-Cache-Status", "DYNAMIC"),
        ("Server", "cloudflare"),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if EDGE_COOKIE not in call.request.cookies():
        holder = edge_cookie_of(call.caller.email if call.caller else None)
        headers.append(("Set-Cookie", f"{EDGE_COOKIE}={holder}; Path=/; HttpOnly"))
    return headers
