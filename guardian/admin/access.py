"""Who may do what on the guardian's pages."""

from __future__ import annotations

from django.http import HttpRequest


def may_decide(request: HttpRequest) -> bool:
    """Remove, allow and dismiss."""
    return request.user.has_perm("guardian.change_finding")


def may_switch(request: HttpRequest) -> bool:
    """On and off, report or enforce, let removals go on, look now."""
    return request.user.has_perm("guardian.change_watch")
