"""The public client ids of those who sign in (upstream §12): each refresh token belongs to one of them."""

from __future__ import annotations

WEB = "app_X8zY6vW2pQ9tR3dE7nK1jL5gH"
"""The web session's. Its access tokens name it; it never comes with a refresh token."""
CODEX = "app_EMoamEEZ73f0CkXaXp7hrann"
PLATFORM = "app_2SKx67EdpoN0G6j64rFvigXD"
IOS = "app_LlGpXReQgckcGGUo2JrYvtJK"

USUAL = (CODEX, PLATFORM, IOS)
"""Those that get refresh tokens."""
