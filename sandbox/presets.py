"""Named faults: one row for each thing of upstream §16.4 that a single answer can show.

Each row is `{"action": …, "effect": …, "times": …}`; the vocabulary is explained in `sandbox.faults`.
The challenge pages are static text: there is something to recognise and nothing to solve.
"""

from __future__ import annotations

import json
from typing import Any

from sandbox import errors
from sandbox.errors import Json
from sandbox.state import Refusal

HTML = "text/html; charset=UTF-8"
FOREIGN = "somebody.else@foreign.example"
HANG = 60.0

CHALLENGE = (
    "<!DOCTYPE html><html lang='en-US'><head><title>Just a moment...</title></head><body>"
    "<noscript>Enable JavaScript and cookies to continue</noscript>"
    "<script>window._cf_chl_opt={};</script><script src='/cdn-cgi/challenge-platform/h/b'></script></body></html>"
)
DENIED = (
    "<!DOCTYPE html><html><head><title>Access denied</title></head><body>"
    "<h1>Access denied</h1><p>Error code 1020</p></body></html>"
)
HTML_ERROR = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>cloudflare</body></html>"
NO_LISTS: Json = {"account_invites": [], "errored_emails": []}


def preset(name: str) -> Json:
    """Return the row of a preset; `_after` and `_before` set when the work is done. Refuses unknown names."""
    if name in PRESETS:
        return PRESETS[name]
    for suffix, effect in (("_after", "before"), ("_before", "never")):
        base = name.removesuffix(suffix)
        if base != name and base in PRESETS:
            return {**PRESETS[base], "effect": effect}
    raise Refusal(f"no preset {name!r}; there are: {', '.join(sorted(PRESETS))}")


def _html(status: int, text: str, **headers: str) -> Json:
    return _row({"status": status, "body": text, "content_type": HTML, "headers": headers})


def _row(action: Json, effect: str | None = None, times: int | None = None) -> Json:
    row: Json = {"action": action}
    if effect is not None:
        row["effect"] = effect
    if times is not None:
        row["times"] = times
    return row


def _tweak(**hints: Any) -> Json:
    return _row({"tweak": hints}, "before")


def _paging(**hints: Any) -> Json:
    return _row({"tweak": hints}, "before", times=0)


def _server_errors() -> dict[str, Json]:
    texts = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
    rows: dict[str, Json] = {}
    for status, text in texts.items():
        rows[f"{status}_json"] = rows[str(status)] = _row(errors.plain(status, text))
        rows[f"{status}_html"] = _html(status, HTML_ERROR.format(f"{status} {text}"))
        rows[f"{status}_empty"] = _row({"status": status, "body": ""})
    return rows


def _throttled(value: str | None) -> Json:
    headers = {} if value is None else {"Retry-After": value}
    return _row({**errors.plain(429, "Too many requests"), "headers": headers})


TRANSPORT: dict[str, Json] = {
    "reset_before": _row({"reset": True}, "never"),
    "reset_after": _row({"reset": True}, "before"),
    "reset_mid_body": _row({"truncate": True}, "before"),
    "timeout_before": _row({"hang": HANG}, "never"),
    "timeout_after": _row({"hang": HANG}, "before"),
    "trickle": _row({"trickle": 0.2}, "before"),
    **_server_errors(),
    "200_invalid_json": _row({"status": 200, "body": '{"items": ['}),
    "200_empty": _row({"status": 200, "body": ""}),
    "200_null": _row({"status": 200, "body": None}),
    "200_array": _row({"status": 200, "body": []}),
    "200_empty_object": _row({"status": 200, "body": {}}),
    "200_wrong_type": _row({"edit": {"content_type": "text/html"}}, "before"),
    "redirect_login": _row(
        {"status": 302, "body": "", "headers": {"Location": "https://chatgpt.com/auth/login"}},
    ),
}

EDGE: dict[str, Json] = {
    "html_403": _html(403, CHALLENGE, **{"cf-mitigated": "challenge"}),
    "html_503": _html(503, CHALLENGE, **{"cf-mitigated": "challenge"}),
    "html_429": _html(429, CHALLENGE),
    "html_200": _html(200, CHALLENGE),
    "html_1020": _html(403, DENIED),
    "html_with_code": _html(403, CHALLENGE.replace("<body>", "<body><p>seat_true_up_pending token_invalidated</p>")),
}

AUTH: dict[str, Json] = {
    **{code: _row(answer) for code, answer in errors.DEAD_TOKEN.items()},
    "could_not_parse": _row(errors.plain(401, errors.UNPARSABLE)),
    "unauthorized": _row(errors.plain(401, "Unauthorized")),
    "unknown_401": _row(errors.plain(401, "This request could not be completed.")),
    "empty_401": _row({"status": 401, "body": ""}),
    "200_token_expired": _row({**errors.expired_token(), "status": 200}),
    "kill_tokens": _row({"kill_tokens": True}, "before"),
    "born_dead": _row({"kill_tokens": True}, "before"),
    "unsettled_401": _tweak(unsettled=60.0, unsettled_status=401),
    "unsettled_403": _tweak(unsettled=60.0, unsettled_status=403),
    "me_anonymous": _row({"edit": {"set": {"id": "ua-anonymous"}, "drop": ["email", "name"]}}, "before"),
}

WORKSPACE: dict[str, Json] = {
    **{f"deactivated_{key}": _row(answer) for key, answer in errors.SUSPENDED_AS.items()},
    "delinquent_401": _row(
        errors.detailed(401, "workspace_subscription_delinquent", "Team has a delinquent subscription")
    ),
    "role_401": _row(errors.plain(401, "You do not have permission to view this subscription")),
    "no_account_id_400": _row(errors.plain(400, "must specify either organization_id or account_id")),
    "no_subscription_404": _row(errors.plain(404, "No subscription found for account")),
    "workspace_404": _row(errors.detailed(404, "workspace_not_found", "Workspace not found")),
    "forbidden_403": _row(errors.plain(403, "You do not have permission to perform this action")),
    "domain_restricted": _row(
        errors.detailed(403, "domain_restricted", "This email domain is not allowed in this workspace")
    ),
    "country_403": _row(
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
    "ghost_a": _row({"status": 200, "body": NO_LISTS}, "never"),
    "ghost_b": _tweak(phantom=True),
    "ghost_c": _row({"status": 200, "body": NO_LISTS}, "before"),
    **{name: _row(answer) for name, answer in errors.SEAT_FULL.items()},
    "true_up_partial_sent": _row({"edit": {"status": 401, "set": errors.TRUE_UP["body"]}}, "before"),
    "true_up_partial_errored": _row(
        {
            "status": 401,
            "body": {
                **errors.TRUE_UP["body"],
                "account_invites": [],
                "errored_emails": [{"email_address": "@email", "error": "seat_true_up_pending"}],
            },
        }
    ),
    **{name: _row(answer) for name, answer in errors.ALREADY.items()},
    "already_member_list": _row({"status": 200, "body": {**NO_LISTS, "already_member_emails": ["@email"]}}),
    "invalid_422_text": _row(errors.plain(422, "Invalid email address")),
    "invalid_422_object": _row(errors.detailed(422, "invalid_request", "Invalid email address")),
    "invalid_422_list": _row(errors.invalid("email_addresses", "value is not a valid email address")),
    "errored": _row(
        {
            "status": 200,
            "body": {**NO_LISTS, "errored_emails": [{"email_address": "@email", "error": "Invalid email domain"}]},
        }
    ),
    "blocked": _row(
        {
            "status": 200,
            "body": {
                **NO_LISTS,
                "errored_emails": [{"email_address": "@email", "error": {"code": "blocked", "message": "blocked"}}],
            },
        }
    ),
    "partial_batch": _tweak(only_first=True),
    "foreign_email": _row(
        {"status": 200, "body": {"account_invites": [{"email_address": FOREIGN, "status": 2}], "errored_emails": []}}
    ),
    "both_lists": _tweak(both_lists=True),
    "echo_changed": _tweak(echo=True),
    "accept_after": _row({"accept_after": True}, "before"),
}

REMOVAL: dict[str, Json] = {
    "busy_409": _row(errors.plain(409, "Conflicting membership change in progress, please try again")),
    "gone_404": _row(errors.plain(404, "User not found in workspace")),
    "owner_403": _row(errors.plain(403, "Cannot remove the workspace owner")),
    "remove_lingers": _tweak(linger=120.0),
    "accept_first": _row({"accept_first": True}, "before"),
}

PAGING: dict[str, Json] = {
    "page_total_grows": _paging(grow=True),
    "page_duplicate": _paging(shift=-1),
    "page_gap": _paging(shift=1),
    "page_empty": _paging(empty_after=True),
    "page_more_than_total": _paging(lie=-1),
    "page_clamp": _paging(clamp=2),
    "page_no_total": _paging(no_total=True),
    "page_endless": _paging(endless="new"),
    "page_endless_repeat": _paging(endless="repeat"),
}

RATE: dict[str, Json] = {
    "429": _throttled(None),
    "429_retry_60": _throttled("60"),
    "429_http_date": _throttled("@date+60"),
    "429_zero": _throttled("0"),
    "429_negative": _throttled("-5"),
    "429_day": _throttled("86400"),
    "429_garbage": _throttled("soon"),
}

SESSION: dict[str, Json] = {
    "session_empty": _row({"status": 200, "body": {}}),
    "session_warning": _row({"status": 200, "body": {"WARNING_BANNER": {"text": "Do not share this page."}}}),
    "session_error": _row({"status": 200, "body": {"error": "RefreshAccessTokenError"}}),
    "session_error_stale": _row({"edit": {"set": {"error": "RefreshAccessTokenError"}}}, "before"),
    "session_wrong_workspace": _tweak(workspace="other"),
    "session_other_identity": _tweak(identity="other"),
    "session_chunk_missing": _tweak(rotation="cookie", chunks=3, missing_chunk=1),
    "session_chunks_unordered": _tweak(rotation="cookie", chunks=12, lexical=True),
    "rotate_body": _tweak(rotation="body"),
    "rotate_cookie": _tweak(rotation="cookie"),
    "rotate_both": _tweak(rotation="both"),
    "rotate_different": _tweak(rotation="both_different"),
}

OAUTH: dict[str, Json] = {
    "refresh_token_reused": _row(errors.oauth(401, "refresh_token_reused", errors.REUSED)),
    "refresh_token_invalidated": _row(errors.oauth(401, "refresh_token_invalidated", errors.SESSION_ENDED)),
    "refresh_token_expired": _row(errors.oauth(401, "refresh_token_expired", "Your refresh token has expired.")),
    "oauth_token_expired": _row(
        errors.oauth(401, "token_expired", "Could not validate your token. Please try signing in again.")
    ),
    "app_session_terminated": _row(errors.oauth(401, "app_session_terminated", errors.SESSION_ENDED)),
    "oauth_account_deactivated": _row(errors.oauth(401, "account_deactivated", errors.BANNED)),
    "invalid_grant": _row(
        {"status": 400, "body": {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}}
    ),
    "invalid_client": _row(
        {"status": 401, "body": {"error": "invalid_client", "error_description": "Unknown client."}}
    ),
    "no_refresh_token": _row({"tweak": {"keep_refresh": True}, "edit": {"drop": ["refresh_token"]}}, "before"),
    "no_access_token": _row({"edit": {"drop": ["access_token"]}}, "before"),
    "no_expires_in": _row({"edit": {"drop": ["expires_in"]}}, "before"),
    "oauth_other_identity": _tweak(identity="other"),
}

PRESETS: dict[str, Json] = TRANSPORT | EDGE | AUTH | WORKSPACE | INVITE | REMOVAL | PAGING | RATE | SESSION | OAUTH


def filled(value: Any, email: str) -> Any:
    """Return a made-up body with `@email` replaced by the address the call is about."""
    text = json.dumps(value)
    return json.loads(text.replace('"@email"', json.dumps(email))) if '"@email"' in text else value
