"""How the rows of `sandbox.presets` are made, and the static texts they show."""

from __future__ import annotations

from typing import Any

from sandbox import errors
from sandbox.errors import Json

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


def html(status: int, text: str, **headers: str) -> Json:
    """Return a page of the edge."""
    return row({"status": status, "body": text, "content_type": HTML, "headers": headers})


def row(action: Json, effect: str | None = None, times: int | None = None) -> Json:
    """Return a row of the table; see `sandbox.presets`."""
    row: Json = {"action": action}
    if effect is not None:
        row["effect"] = effect
    if times is not None:
        row["times"] = times
    return row


def tweak(**hints: Any) -> Json:
    """Return a row that hints at the operation, whose work is done."""
    return row({"tweak": hints}, "before")


def paging(**hints: Any) -> Json:
    """Return a row that makes every page of a list odd until cleared."""
    return row({"tweak": hints}, "before", times=0)


def server_errors() -> dict[str, Json]:
    """Return the rows of 500, 502, 503 and 504, each as JSON, HTML and empty."""
    texts = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
    rows: dict[str, Json] = {}
    for status, text in texts.items():
        rows[f"{status}_json"] = rows[str(status)] = row(errors.plain(status, text))
        rows[f"{status}_html"] = html(status, HTML_ERROR.format(f"{status} {text}"))
        rows[f"{status}_empty"] = row({"status": status, "body": ""})
    return rows


EXCHANGE_ERRORS = {
    "deactivated": ("workspace_deactivated", errors.SUSPENDED),
    "removed": ("account_removed_from_workspace", errors.REMOVED),
    "not_found": ("workspace_not_found", "Workspace not found"),
    "unknown": ("workspace_token_exchange_failed", "The token could not be exchanged"),
}
"""Why a session has no token for one workspace: the code and its sentence."""


def exchange_errors() -> dict[str, Json]:
    """Return the rows of a session that cannot be exchanged: an object or its code as text, with a token or without."""
    rows: dict[str, Json] = {}
    for name, (code, message) in EXCHANGE_ERRORS.items():
        for form, error in (("", {"code": code, "message": message}), ("_text", code)):
            said = {"set": {"workspaceTokenExchangeError": error}}
            rows[f"exchange_{name}{form}"] = row({"edit": {**said, "drop": ["accessToken"]}}, "before")
            rows[f"exchange_{name}{form}_with_token"] = row({"edit": said}, "before")
    return rows


def throttled(value: str | None) -> Json:
    """Return a 429 with this Retry-After, None without."""
    headers = {} if value is None else {"Retry-After": value}
    return row({**errors.plain(429, "Too many requests"), "headers": headers})
