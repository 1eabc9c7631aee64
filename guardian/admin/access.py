"""Permissions on the guardian's pages."""

from __future__ import annotations

from django.http import HttpRequest


def may_decide(request: HttpRequest) -> bool:
    """May remove, allow and dismiss."""
    return request.user.has_perm("guardian.change_finding")


def may_switch(request: HttpRequest) -> bool:
    """May switch it on and off, set its mode, resume removals, start a look-only sweep."""
    return request.user.has_perm("guardian.change_watch")
