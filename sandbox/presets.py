"""Named faults: one row for each thing of upstream §16.4 that a single answer can show.

Each row is `{"action": …, "effect": …, "times": …}`; the vocabulary is explained in `sandbox.faults`.
The challenge pages are static text: there is something to recognise and nothing to solve.
"""

from __future__ import annotations

import json
from typing import Any

from sandbox import errors
from sandbox.errors import Json
from sandbox.preset_rows import (
    CHALLENGE,
    DENIED,
    FOREIGN,
    HANG,
    NO_LISTS,
    exchange_errors,
    html,
    paging,
    row,
    server_errors,
    throttled,
    tweak,
)
from sandbox.state import Refusal, digits


def preset(name: str) -> Json:
    """Return the row of a preset; `_after` and `_before` set when the work is done. Refuses unknown names."""
    if name in PRESETS:
        return PRESETS[name]
    for suffix, effect in (("_after", "before"), ("_before", "never")):
        base = name.removesuffix(suffix)
        if base != name and base in PRESETS:
            return {**PRESETS[base], "effect": effect}
    raise Refusal(f"no preset {name!r}; there are: {', '.join(sorted(PRESETS))}")


TRANSPORT: dict[str, Json] = {
    "reset_before": row({"reset": True}, "never"),
    "reset_after": row({"reset": True}, "before"),
    "reset_mid_body": row({"truncate": True}, "before"),
    "timeout_before": row({"hang": HANG}, "never"),
    "timeout_after": row({"hang": HANG}, "before"),
    "trickle": row({"trickle": 0.2}, "before"),
    **server_errors(),
    "200_invalid_json": row({"status": 200, "body": '{"items": ['}),
    "200_empty": row({"status": 200, "body": ""}),
    "200_null": row({"status": 200, "body": None}),
    "200_array": row({"status": 200, "body": []}),
    "200_empty_object": row({"status": 200, "body": {}}),
    "200_wrong_type": row({"edit": {"content_type": "text/html"}}, "before"),
    "redirect_login": row(
        {"status": 302, "body": "", "headers": {"Location": "https://chatgpt.com/auth/login"}},
    ),
}

EDGE: dict[str, Json] = {
    "html_403": html(403, CHALLENGE, **{"cf-mitigated": "challenge"}),
    "html_503": html(503, CHALLENGE, **{"cf-mitigated": "challenge"}),
    "html_429": html(429, CHALLENGE),
    "html_200": html(200, CHALLENGE),
    "html_1020": html(403, DENIED),
    "unusual_403": row(errors.plain(403, errors.UNUSUAL)),
    "unusual_403_uuid": row(errors.plain(403, f"{errors.UNUSUAL} ({digits(6, 1)})")),
    "html_with_code": html(403, CHALLENGE.replace("<body>", "<body><p>seat_true_up_pending token_invalidated</p>")),
}

AUTH: dict[str, Json] = {
    **{code: row(answer) for code, answer in errors.DEAD_TOKEN.items()},
    "could_not_parse": row(errors.plain(401, errors.UNPARSABLE)),
    "unauthorized": row(errors.plain(401, "Unauthorized")),
    "unknown_401": row(errors.plain(401, "This request could not be completed.")),
    "empty_401": row({"status": 401, "body": ""}),
    "200_token_expired": row({**errors.expired_token(), "status": 200}),
    "kill_tokens": row({"kill_tokens": True}, "before"),
    "born_dead": row({"kill_tokens": True}, "before"),
    "unsettled_401": tweak(unsettled=60.0, unsettled_status=401),
    "unsettled_403": tweak(unsettled=60.0, unsettled_status=403),
    "me_anonymous": row({"edit": {"set": {"id": "ua-anonymous"}, "drop": ["email", "name"]}}, "before"),
}

WORKSPACE: dict[str, Json] = {
    **{f"deactivated_{key}": row(answer) for key, answer in errors.SUSPENDED_AS.items()},
    **{f"removed_{key}": row(answer) for key, answer in errors.ACCESS_LOST_AS.items() if key != "404"},
    "delinquent_401": row(
        errors.detailed(401, "workspace_subscription_delinquent", "Team has a delinquent subscription")
    ),
    "role_401": row(errors.plain(401, "You do not have permission to view this subscription")),
    "no_account_id_400": row(errors.plain(400, "must specify either organization_id or account_id")),
    "no_subscription_404": row(errors.plain(404, "No subscription found for account")),
    "workspace_404": row(errors.detailed(404, "workspace_not_found", "Workspace not found")),
    "forbidden_403": row(errors.plain(403, "You do not have permission to perform this action")),
    "domain_restricted": row(
        errors.detailed(403, "domain_restricted", "This email domain is not allowed in this workspace")
    ),
    "country_403": row(
        {
            "status": 403,
            "body": {
                "error": {
                    "code": "unsupported_country_region_territory",
                    "message": "Country, region, or territory not supported",
                    "param": None,
                    "type": "request_forbidden",
                }
            },
        }
    ),
}

INVITE: dict[str, Json] = {
    "ghost_a": row({"status": 200, "body": NO_LISTS}, "never"),
    "ghost_b": tweak(phantom=True),
    "ghost_c": row({"status": 200, "body": NO_LISTS}, "before"),
    **{name: row(answer) for name, answer in errors.SEAT_FULL.items()},
    "true_up_partial_sent": row({"edit": {"status": 401, "set": errors.TRUE_UP["body"]}}, "before"),
    "true_up_partial_errored": row(
        {
            "status": 401,
            "body": {
                **errors.TRUE_UP["body"],
                "account_invites": [],
                "errored_emails": [{"email_address": "@email", "error": "seat_true_up_pending"}],
            },
        }
    ),
    **{name: row(answer) for name, answer in errors.ALREADY.items()},
    "already_member_list": row({"status": 200, "body": {**NO_LISTS, "already_member_emails": ["@email"]}}),
    "invalid_422_text": row(errors.plain(422, "Invalid email address")),
    "invalid_422_object": row(errors.detailed(422, "invalid_request", "Invalid email address")),
    "invalid_422_list": row(errors.invalid("email_addresses", "value is not a valid email address")),
    "errored": row(
        {
            "status": 200,
            "body": {**NO_LISTS, "errored_emails": [{"email_address": "@email", "error": "Invalid email domain"}]},
        }
    ),
    "blocked": row(
        {
            "status": 200,
            "body": {
                **NO_LISTS,
                "errored_emails": [{"email_address": "@email", "error": {"code": "blocked", "message": "blocked"}}],
            },
        }
    ),
    "partial_batch": tweak(only_first=True),
    "foreign_email": row(
        {"status": 200, "body": {"account_invites": [{"email_address": FOREIGN, "status": 2}], "errored_emails": []}}
    ),
    "both_lists": tweak(both_lists=True),
    "echo_changed": tweak(echo=True),
    "accept_after": row({"accept_after": True}, "before"),
}

REMOVAL: dict[str, Json] = {
    "busy_409": row(errors.plain(409, "Conflicting membership change in progress, please try again")),
    "gone_404": row(errors.plain(404, "User not found in workspace")),
    "owner_403": row(errors.plain(403, "Cannot remove the workspace owner")),
    "remove_lingers": tweak(linger=120.0),
    "accept_first": row({"accept_first": True}, "before"),
}

PAGING: dict[str, Json] = {
    "page_total_grows": paging(grow=True),
    "page_duplicate": paging(shift=-1),
    "page_gap": paging(shift=1),
    "page_empty": paging(empty_after=True),
    "page_more_than_total": paging(lie=-1),
    "page_clamp": paging(clamp=2),
    "page_no_total": paging(no_total=True),
    "page_endless": paging(endless="new"),
    "page_endless_repeat": paging(endless="repeat"),
}

RATE: dict[str, Json] = {
    "429": throttled(None),
    "429_retry_60": throttled("60"),
    "429_http_date": throttled("@date+60"),
    "429_zero": throttled("0"),
    "429_negative": throttled("-5"),
    "429_day": throttled("86400"),
    "429_garbage": throttled("soon"),
}

SESSION: dict[str, Json] = {
    "session_empty": row({"status": 200, "body": {}}),
    "session_warning": row({"status": 200, "body": {"WARNING_BANNER": {"text": "Do not share this page."}}}),
    "session_error": row({"status": 200, "body": {"error": "RefreshAccessTokenError"}}),
    "session_error_stale": row({"edit": {"set": {"error": "RefreshAccessTokenError"}}}, "before"),
    "session_401": row(errors.DEAD_TOKEN["token_invalidated"]),
    "session_403": row({**errors.DEAD_TOKEN["token_expired"], "status": 403}),
    **exchange_errors(),
    "session_wrong_workspace": tweak(workspace="other"),
    "session_other_identity": tweak(identity="other"),
    "session_chunk_missing": tweak(rotation="cookie", chunks=3, missing_chunk=1),
    "session_chunks_unordered": tweak(rotation="cookie", chunks=12, lexical=True),
    "rotate_body": tweak(rotation="body"),
    "rotate_cookie": tweak(rotation="cookie"),
    "rotate_both": tweak(rotation="both"),
    "rotate_different": tweak(rotation="both_different"),
}

OAUTH: dict[str, Json] = {
    "refresh_token_reused": row(errors.oauth(401, "refresh_token_reused", errors.REUSED)),
    "refresh_token_invalidated": row(errors.oauth(401, "refresh_token_invalidated", errors.SESSION_ENDED)),
    "refresh_token_expired": row(errors.oauth(401, "refresh_token_expired", "Your refresh token has expired.")),
    "oauth_token_expired": row(errors.oauth(401, "token_expired", errors.NOT_VALID)),
    "refresh_token_revoked": row(errors.oauth(401, "refresh_token_revoked", errors.SESSION_ENDED)),
    "invalid_refresh_token": row(errors.oauth(401, "invalid_refresh_token", errors.NOT_VALID)),
    "app_session_terminated": row(errors.oauth(401, "app_session_terminated", errors.SESSION_ENDED)),
    "oauth_account_deactivated": row(errors.oauth(401, "account_deactivated", errors.BANNED)),
    "invalid_grant": row(
        {"status": 400, "body": {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}}
    ),
    "invalid_client": row(errors.WRONG_CLIENT["invalid_client"]),
    "unauthorized_client": row(errors.WRONG_CLIENT["unauthorized_client"]),
    "missing_required_parameter": row(errors.NO_CLIENT),
    "no_refresh_token": row({"tweak": {"keep_refresh": True}, "edit": {"drop": ["refresh_token"]}}, "before"),
    "no_access_token": row({"edit": {"drop": ["access_token"]}}, "before"),
    "no_expires_in": row({"edit": {"drop": ["expires_in"]}}, "before"),
    "oauth_other_identity": tweak(identity="other"),
}

PRESETS: dict[str, Json] = TRANSPORT | EDGE | AUTH | WORKSPACE | INVITE | REMOVAL | PAGING | RATE | SESSION | OAUTH


def filled(value: Any, email: str) -> Any:
    """Return a made-up body with `@email` replaced by the address the call is about."""
    text = json.dumps(value)
    return json.loads(text.replace('"@email"', json.dumps(email))) if '"@email"' in text else value
