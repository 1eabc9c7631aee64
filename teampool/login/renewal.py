"""Which log-ins renew themselves, as conditions for the database: the same rule as `Owner.can_renew`."""

from __future__ import annotations

from django.db.models import BooleanField, Case, Q, Value, When

from teampool.models import Owner


def _rule(prefix: str) -> Q:
    """Works, and has a session token, or a refresh token with its client id."""
    session = ~Q(**{f"{prefix}session_token": ""})
    refresh = ~Q(**{f"{prefix}refresh_token": ""}) & ~Q(**{f"{prefix}client_id": ""})
    return Q(**{f"{prefix}login": Owner.Login.OK}) & (session | refresh)


def _flag(rule: Q) -> Case:
    return Case(When(rule, then=Value(True)), default=Value(False), output_field=BooleanField())


OWNER_RENEWS = _rule("")
TEAM_RENEWS = _rule("owner__")
# To annotate with: `renews_itself`.
OWNER_FLAG = _flag(OWNER_RENEWS)
TEAM_FLAG = _flag(TEAM_RENEWS)
