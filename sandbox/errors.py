"""Bodies of the web backend's error answers, in the envelopes it really uses (upstream §2)."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

EXPIRED = "Your authentication token has expired. Please try signing in again."
INVALIDATED = "Your authentication token has been invalidated. Please try signing in again."
REVOKED = "Encountered invalidated oauth token for user, failing request"
UNPARSABLE = "Could not parse your authentication token. Please try signing in again."
BANNED = (
    "Your OpenAI account has been deactivated, please check your email for more information. "
    "If you feel this is an error, contact us through our help center at help.openai.com."
)
SUSPENDED = "This workspace has been deactivated and can no longer be used."
REMOVED = "You were removed from this workspace"
UNUSUAL = "Unusual activity has been detected from your device. Try again later."
REUSED = "Your refresh token has already been used to generate a new access token. Please try signing in again."
SESSION_ENDED = "Your session has ended. Please log in again."
NOT_VALID = "Could not validate your token. Please try signing in again."


def coded(status: int, code: str, message: str, kind: str | None = None) -> Json:
    """Return an answer in envelope E1: everything under `error`, the status repeated inside."""
    error = {"message": message, "type": kind, "code": code, "param": None}
    return {"status": status, "body": {"error": error, "status": status}}


def oauth(status: int, code: str, message: str) -> Json:
    """Return a token endpoint's refusal (upstream §12)."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return {"status": status, "body": {"error": error}}


def oauth_plain(status: int, error: str, description: str) -> Json:
    """Return a token endpoint's refusal as plain OAuth writes it."""
    return {"status": status, "body": {"error": error, "error_description": description}}


def detailed(status: int, code: str, message: str | None = None) -> Json:
    """Return an answer in envelope E3, or E4 when there is a message."""
    detail = {"code": code} if message is None else {"code": code, "message": message}
    return {"status": status, "body": {"detail": detail}}


def plain(status: int, text: str) -> Json:
    """Return an answer in envelope E5: `detail` is a sentence."""
    return {"status": status, "body": {"detail": text}}


def invalid(field: str, text: str) -> Json:
    """Return a validation error in envelope E8: `detail` is a list."""
    detail = [{"loc": ["body", field], "msg": text, "type": "value_error"}]
    return {"status": 422, "body": {"detail": detail}}


def expired_token() -> Json:
    """Return the answer to a token past its `exp`, in envelope E2."""
    detail = {
        "message": EXPIRED,
        "type": "invalid_request_error",
        "param": None,
        "code": "token_expired",
    }
    return {"status": 401, "body": {"detail": detail}}


def seats_needed(count: int) -> Json:
    """Return the usual answer when the purchased seats do not suffice; nothing was sent."""
    seats, these = ("seat", "this invite") if count == 1 else ("seats", "these invites")
    return plain(
        400,
        f"{count} additional {seats} needed. Add {count} additional {seats} to send {these}.",
    )


DEAD_TOKEN: dict[str, Json] = {
    "token_expired": expired_token(),
    "token_invalidated": coded(401, "token_invalidated", INVALIDATED, "invalid_request_error"),
    "token_revoked": coded(401, "token_revoked", REVOKED),
    "account_deactivated": coded(401, "account_deactivated", BANNED, "invalid_request_error"),
}
"""Answers to a token that is no longer good, by its code."""

SUSPENDED_AS: dict[str, Json] = {
    "402": detailed(402, "deactivated_workspace"),
    "403_code": coded(403, "deactivated_workspace", SUSPENDED, "invalid_request_error"),
    "403_text": plain(403, SUSPENDED),
    "403_workspace": coded(403, "workspace_deactivated", SUSPENDED, "invalid_request_error"),
    "401_workspace": coded(401, "workspace_deactivated", SUSPENDED, "invalid_request_error"),
}
"""Answers of a suspended workspace, by the value of its `suspended_answer`."""

ACCESS_LOST_AS: dict[str, Json] = {
    "404": detailed(404, "workspace_not_found", "Workspace not found"),
    "403": coded(403, "account_removed_from_workspace", REMOVED, "invalid_request_error"),
    "401": coded(401, "account_removed_from_workspace", REMOVED, "invalid_request_error"),
}
"""Answers to somebody who is out of the workspace, by the value of its `access_lost_answer`."""

SEATS_REFUSED: dict[str, Json] = {
    "401": plain(401, "You do not have permission to view this subscription"),
    "404": plain(404, "No subscription found for account"),
    "500": plain(500, "Internal Server Error"),
    "502": plain(502, "Bad Gateway"),
    "503": plain(503, "Service Unavailable"),
}
"""Answers of a subscription that cannot be read, by the value of the workspace's `subscription_answer`."""

TRUE_UP = coded(401, "seat_true_up_pending", "Seat true-up pending", "invalid_request_error")

SEAT_FULL: dict[str, Json] = {
    "seat_full_400": seats_needed(1),
    "seats_maximum": plain(400, "You have reached maximum number of seats"),
    "seats_none": plain(403, "no seats available"),
    "true_up_401": TRUE_UP,
    "true_up_400": {**TRUE_UP, "status": 400},
    "true_up_error": {"status": 401, "body": {"error": "true-up"}},
    "true_up_detail": plain(401, "seat true_up required"),
    "true_up_text": {"status": 401, "body": "true-up", "content_type": "text/plain"},
    "full_422": plain(422, "Workspace is full"),
}
"""Every known way of saying that no seat is left; keys are presets and values of shape `seat_full`."""

ALREADY: dict[str, Json] = {
    "already_409_member": plain(409, "User is already a member"),
    "already_409_workspace": plain(409, "Already in workspace"),
    "already_409_team": plain(409, "already in team"),
}
"""Every known way of refusing somebody who is in already; keys are presets and values of shape `already_member`."""

WRONG_CLIENT: dict[str, Json] = {
    "token_expired": oauth(401, "token_expired", NOT_VALID),
    "invalid_client": oauth_plain(401, "invalid_client", "Unknown client."),
    "unauthorized_client": oauth_plain(400, "unauthorized_client", "This client may not use this grant."),
}
"""Answers to a refresh token under the id of another client; keys are values of shape `wrong_client`."""

NO_CLIENT = oauth(400, "missing_required_parameter", "Missing required parameter: 'client_id'.")
NO_CLIENT["body"]["error"]["param"] = "client_id"

DEAD_REFRESH = (
    "refresh_token_invalidated",
    "refresh_token_expired",
    "refresh_token_revoked",
    "invalid_refresh_token",
    "app_session_terminated",
    "token_expired",
)
"""The codes a refresh token may be dead with."""
