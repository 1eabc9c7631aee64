"""The page a person signs in on (upstream §12.1): which of the log-ins they are, or no."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from sandbox import codes
from sandbox.call import Call
from sandbox.pages import HTML, framed
from sandbox.state import Person, normal, short_hash
from sandbox.wire import Reply

SIGNED_IN = "sandbox_login"
DENIED = "The resource owner or authorization server denied the request."


def ask(call: Call) -> Reply:
    """GET oauth/authorize: the page; with no question, unless `prompt=login`, where this browser signed in before."""
    try:
        asked = codes.read_address(call.request.query)
    except codes.BadSignIn as bad:
        return _bad(bad)
    person = _signed_in(call)
    if person is not None and not asked.always_asks:
        return _land(codes.issue(call.world, asked, person), person)
    here = "?" + urlencode(call.request.query)
    rows = "".join(_row(call, here, person) for person in call.world.people.values() if person.client_id)
    return framed(
        "<h1>登录 Sign in</h1>"
        '<p class="soft">这一页代替 OpenAI 的登录页：选一个账号，浏览器就会跳到打不开的最后一页。<br>'
        "This page stands in for OpenAI's: choose an account, and the browser goes to the last page, "
        "which does not open.</p>"
        f"<section><ul>{rows or '<li><span>没有账号。 No accounts.</span></li>'}</ul>"
        f'<div class="row">{_form(here, "拒绝 Refuse", error="access_denied")}</div></section>'
    )


def choose(call: Call) -> Reply:
    """POST oauth/authorize, from the page: land with a code for `email`, or with an `error`."""
    form = call.body if isinstance(call.body, dict) else {}
    try:
        asked = codes.read_address(call.request.query)
    except codes.BadSignIn as bad:
        return _bad(bad)
    if error := form.get("error"):
        return _land(asked.landing(error=error, error_description=DENIED))
    person = call.world.people.get(normal(str(form.get("email", ""))))
    if person is None or person.client_id is None:
        return _bad(codes.BadSignIn("login_required", "No such account."))
    if person.banned:
        return _land(asked.landing(error="access_denied", error_description="This account was deactivated."))
    return _land(codes.issue(call.world, asked, person, form.get("account_id") or None), person)


def _signed_in(call: Call) -> Person | None:
    known = call.request.cookies().get(SIGNED_IN)
    return next((p for p in call.world.people.values() if p.client_id and short_hash(p.id) == known), None)


def _row(call: Call, here: str, person: Person) -> str:
    mine = " · ".join(workspace.name for workspace in call.world.workspaces_of(person))
    button = _form(here, "登录 Sign in", is_main=True, email=person.email)
    return f"<li><span>{escape(person.email)}<br><small>{escape(mine)}</small></span>{button}</li>"


def _form(here: str, label: str, *, is_main: bool = False, **fields: str) -> str:
    inputs = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items())
    style = ' class="go"' if is_main else ""
    return f'<form method="post" action="{escape(here)}">{inputs}<button{style}>{label}</button></form>'


def _land(address: str, person: Person | None = None) -> Reply:
    headers = [("Location", address), ("Cache-Control", "no-store")]
    if person is not None:
        headers.append(("Set-Cookie", f"{SIGNED_IN}={short_hash(person.id)}; Path=/oauth; HttpOnly; SameSite=Lax"))
    return Reply(status=303, body="", content_type=HTML, headers=headers, effect=person is not None)


def _bad(bad: codes.BadSignIn) -> Reply:
    """Nobody is sent to an address that may not be the client's."""
    reply = framed("<h1>登录 Sign in</h1>", f"{bad.error}: {bad.description}")
    reply.status = 400
    return reply
