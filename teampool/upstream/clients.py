"""The public client ids: each refresh token belongs to one of them (upstream §12)."""

from __future__ import annotations

WEB = "app_X8zY6vW2pQ9tR3dE7nK1jL5gH"
"""The web session's. No refresh token belongs to it."""
CODEX = "app_EMoamEEZ73f0CkXaXp7hrann"
PLATFORM = "app_2SKx67EdpoN0G6j64rFvigXD"
IOS = "app_LlGpXReQgckcGGUo2JrYvtJK"

USUAL = (CODEX, PLATFORM, IOS)
"""Those to try, in this order, for a refresh token that came without its client id; `imports/refreshing.py` does."""


def for_refresh(client_id: str) -> str:
    """This client id, or "" when no refresh token can belong to it."""
    return "" if client_id == WEB else client_id
