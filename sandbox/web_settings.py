"""The settings of a workspace that say who may let people in (upstream §8)."""

from __future__ import annotations

from sandbox.call import Call, Refused
from sandbox.errors import Json, plain
from sandbox.state import MANAGERS, Workspace
from sandbox.wire import Reply


def web_settings(call: Call) -> Reply:
    """GET settings, or one of them as `{value}`; managers only, unless the workspace refuses them to all."""
    workspace, member = call.scoped()
    if workspace.settings_answer != "normal":
        raise Refused(plain(int(workspace.settings_answer), "Something went wrong"))
    if member.role not in MANAGERS:
        raise Refused(plain(403, "You do not have permission to perform this action"))
    body = _body(workspace)
    if call.item is None:
        return Reply(body=body)
    if call.item not in body:
        raise Refused(plain(404, "Not Found"))
    return Reply(body={"value": body[call.item]})


def _body(workspace: Workspace) -> Json:
    body: Json = {
        "beta_settings": {"example_beta": False},
        "default_seat_type": workspace.default_seat_type,
        "seat_type_credit_limits": {},
        "auto_accept_requests": workspace.auto_accept_requests,
        "workspace_referrals_enabled": False,
    }
    if workspace.members_may_invite is not None:
        # The name is ours: no public source has one for this setting.
        body["members_can_invite"] = workspace.members_may_invite
    return body
