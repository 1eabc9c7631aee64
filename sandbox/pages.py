"""Pages for people: what is in the stand-in, and buttons to act as the other side."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from urllib.parse import urlencode

from sandbox.shapes import stamp
from sandbox.state import REQUESTED, Hold, Invite, Member, Refusal, Workspace
from sandbox.wire import Reply, Request
from sandbox.world import World

HTML = "text/html; charset=utf-8"
ACTIONS: dict[str, Callable[[World, dict[str, str]], object]] = {
    "/do/accept": lambda world, form: world.accept(form.get("account_id", ""), form.get("email", "")),
    "/do/stranger": lambda world, form: world.member(form.get("account_id", ""), _stranger(world, form)),
    "/do/suspend": lambda world, form: world.set_workspace(form.get("account_id", ""), suspended=True),
    "/do/recover": lambda world, form: world.set_workspace(form.get("account_id", ""), suspended=False),
}
SEAT_NAMES = {"prolite": "Premium", "usage_based": "Codex", "automation": "automation"}
STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--go:#0a7a55}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,-apple-system,"PingFang SC","Microsoft YaHei",sans-serif}
header,main{max-width:44rem;margin:0 auto;padding:0 1rem}
.strip{background:#f6c343;color:#222;padding:.5rem 1rem;text-align:center;font-weight:600}
nav a{display:inline-block;padding:.6rem .9rem .6rem 0}
h1{font-size:1.4rem;margin:1rem 0 .2rem}h2{font-size:1.1rem;margin:0}
h3{font-size:.9rem;margin:.8rem 0 .2rem;opacity:.75}
section{border:1px solid var(--line);border-radius:12px;padding:1rem;margin:1rem 0}
ul{list-style:none;margin:0;padding:0}
li{display:flex;flex-wrap:wrap;gap:.3rem .8rem;align-items:center;justify-content:space-between;
padding:.4rem 0;border-top:1px solid var(--soft)}
li>span:first-child{min-width:0;overflow-wrap:anywhere}
small,.soft{opacity:.75;font-size:.85rem;overflow-wrap:anywhere}
form{display:inline}.row{display:flex;flex-wrap:wrap;gap:.5rem;margin-top:.8rem}
button{font:inherit;min-height:44px;padding:.4rem .9rem;border-radius:8px;border:1px solid var(--line);
background:transparent;color:inherit;cursor:pointer}
button.go{background:var(--go);border-color:var(--go);color:#fff}
.soft small{opacity:1}
.bad{color:#b3261e;font-weight:600}
@media (prefers-color-scheme:dark){.bad{color:#ff8a80}}
"""


def is_page(request: Request) -> bool:
    """Say whether a path belongs to people and not to the backend."""
    return request.path in ("/", "/mail/", "/mail", "/favicon.ico") or request.path in ACTIONS


def show(world: World, request: Request) -> Reply:
    """Show a page, or do what a button says and go back to where it was pressed."""
    if request.path in ACTIONS:
        return _do(world, request)
    if request.method != "GET":
        return Reply(status=405, body="Method Not Allowed", content_type="text/plain")
    if request.path == "/favicon.ico":
        return Reply(status=204, body="")
    with world.lock:
        body = _mails(world) if request.path.startswith("/mail") else _workspaces(world)
    return framed(body, request.query.get("said", ""))


def _do(world: World, request: Request) -> Reply:
    if request.method != "POST":
        return Reply(status=405, body="Method Not Allowed", content_type="text/plain")
    form = request.form()
    back = "/mail/" if form.get("back") == "/mail/" else "/"
    try:
        ACTIONS[request.path](world, form)
    except Refusal as refusal:
        back += "?" + urlencode({"said": str(refusal)})
    return Reply(status=303, body="", content_type=HTML, headers=[("Location", back)])


def _stranger(world: World, form: dict[str, str]) -> str:
    workspace = world.find(form.get("account_id", ""))
    number = 1
    while workspace.members_of_email(f"stranger{number}@outside.example"):
        number += 1
    return f"stranger{number}@outside.example"


def framed(body: str, said: str = "") -> Reply:
    """Return a page with this body, and above it what went wrong."""
    said = f'<p class="bad" role="status">{escape(said)}</p>' if said else ""
    text = (
        '<!DOCTYPE html><html lang="zh-Hans"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>沙盒 Sandbox</title><style>{STYLE}</style></head><body>"
        '<div class="strip">沙盒：这里不是 ChatGPT，不会联系 ChatGPT。<br>Sandbox: this is not ChatGPT, '
        "and ChatGPT is not contacted.</div>"
        '<header><nav><a href="/">工作区 Workspaces</a> <a href="/mail/">收件箱 Mail</a></nav></header>'
        f"<main>{said}{body}</main></body></html>"
    )
    headers = [("Cache-Control", "no-store"), ("X-Frame-Options", "DENY")]
    return Reply(body=text, content_type=HTML, headers=headers)


def _button(path: str, label: str, back: str, *, go: bool = False, **fields: str) -> str:
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in (fields | {"back": back}).items()
    )
    style = ' class="go"' if go else ""
    return f'<form method="post" action="{path}">{inputs}<button{style}>{label}</button></form>'


def _accept(workspace_id: str, email: str, back: str) -> str:
    return _button("/do/accept", "接受 Accept", back, go=True, account_id=workspace_id, email=email)


def _workspaces(world: World) -> str:
    cards = "".join(_card(world, workspace) for workspace in world.workspaces.values())
    return (
        "<h1>工作区 Workspaces</h1>"
        '<p class="soft">替被邀请的人接受邀请，或让工作区出状况。<br>'
        "Accept an invite as the invited person, or let something happen to a workspace.</p>"
        + (cards or "<p>没有工作区。 No workspaces.</p>")
    )


def _card(world: World, workspace: Workspace) -> str:
    account_id = workspace.account_id
    flags = [
        text
        for is_set, text in (
            (workspace.suspended, "已停用 suspended"),
            (workspace.delinquent, "欠费 unpaid"),
            (workspace.access_lost, "失去访问 access lost"),
        )
        if is_set
    ]
    state = f' <span class="bad">{" · ".join(flags)}</span>' if flags else ""
    members = "".join(_member(world, row) for row in workspace.members.values())
    invites = "".join(_invite(world, account_id, row) for row in workspace.invites.values())
    if held := "".join(_held(hold) for hold in workspace.holds):
        held = f"<h3>保留的席位 Held seats</h3><ul>{held}</ul>"
    switch = (
        _button("/do/recover", "恢复 Recover", "/", account_id=account_id)
        if workspace.suspended
        else _button("/do/suspend", "停用 Suspend", "/", account_id=account_id)
    )
    stranger = _button("/do/stranger", "加一个陌生人 Add a stranger", "/", account_id=account_id)
    return (
        f"<section><h2>{escape(workspace.name)}{state}</h2>"
        f'<p class="soft">席位 Seats {_seats(world, workspace)} '
        "<small>成员 members + 待接受 pending / 购买 purchased</small><br>"
        f"{escape(workspace.owner.email)}<br><code>{escape(account_id)}</code></p>"
        f"<h3>待接受的邀请 Pending invites</h3><ul>{invites or '<li><span>无 None</span></li>'}</ul>"
        f"<h3>成员 Members</h3><ul>{members}</ul>{held}"
        f'<div class="row">{switch}{stranger}</div></section>'
    )


def _seats(world: World, workspace: Workspace) -> str:
    """The seats of each paid type there is anything of, then how many people pay by use."""
    parts = []
    for seat_type, pool in workspace.pools.items():
        paid = "?" if pool.paid is None else str(pool.paid)
        taken = f"{workspace.assigned(seat_type)} + {workspace.reserved(seat_type)}"
        text = f"{taken} / {paid}" if seat_type == "default" else f"{SEAT_NAMES[seat_type]} {taken} / {paid}"
        if held := workspace.held(world.now(), seat_type):
            text += f" · 保留 held {held}"
        if seat_type == "default" or pool.paid or taken != "0 + 0":
            parts.append(text)
    if codex := workspace.assigned("usage_based"):
        parts.append(f"Codex {codex}")
    if bought := sum(one.count for one in workspace.purchases if one.is_ours):
        parts.append(f"超额邀请买入 bought by invites {bought}")
    return " · ".join(parts)


def _held(hold: Hold) -> str:
    until = "" if hold.until is None else f"至 until {stamp(hold.until, 'z')[:10]}"
    return f"<li><span>{escape(hold.member.person.email)}</span><small>{until}</small></li>"


def _member(world: World, row: Member) -> str:
    notes = [row.role]
    if row.seat_type in SEAT_NAMES:
        notes.append(SEAT_NAMES[row.seat_type])
    if row.visible_at > world.now():
        notes.append("尚未列出 not listed yet")
    if row.hide_email:
        notes.append("邮箱隐藏 e-mail hidden")
    if row.deactivated_at is not None:
        notes.append("已停用 deactivated")
    return f"<li><span>{escape(row.person.email)}</span><small>{escape(' · '.join(notes))}</small></li>"


def _invite(world: World, account_id: str, row: Invite) -> str:
    hidden = " · 尚未列出 not listed yet" if row.visible_at > world.now() else ""
    if row.status == REQUESTED:
        hidden += " · 申请加入 asks to join"
    count = f"<small>邮件 mails: {row.mails}{hidden}</small>"
    return f"<li><span>{escape(row.email)}<br>{count}</span>{_accept(account_id, row.email, '/')}</li>"


def _mails(world: World) -> str:
    rows = ""
    for mail in reversed(world.mails):
        workspace = world.workspaces.get(mail.account_id)
        is_open = workspace is not None and mail.to in workspace.invites
        if is_open:
            action = _accept(mail.account_id, mail.to, "/mail/")
        elif workspace is not None and workspace.members_of_email(mail.to) is not None:
            action = "<small>已接受 accepted</small>"
        else:
            action = "<small>已失效 no longer open</small>"
        at = stamp(mail.at, "z").replace("T", " ").replace("Z", " UTC")
        rows += (
            f"<li><span><strong>{escape(mail.to)}</strong><br>{escape(mail.workspace)}<br>"
            f"<small>{at} · 第 {mail.count} 封 no. {mail.count}</small></span>{action}</li>"
        )
    return (
        "<h1>收件箱 Mail</h1>"
        '<p class="soft">本应发出的邀请邮件，最新的在最前。<br>'
        "The invitation mails that would have been sent, newest first.</p>"
        + (f"<section><ul>{rows}</ul></section>" if rows else "<p>还没有邮件。 No mail yet.</p>")
    )
