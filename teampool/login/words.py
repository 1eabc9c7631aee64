"""Log-ins in words: what ended one, what is left to try, and what it is to a Team."""

from __future__ import annotations

from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from base.times import full
from teampool.models import Owner, TeamLogin

_PROBLEMS: dict[str, str | Promise] = {
    TeamLogin.Problem.ACCESS_LOST: gettext_lazy("no access"),
    TeamLogin.Problem.ROLE_TOO_LOW: gettext_lazy("role too low"),
    TeamLogin.Problem.EXCHANGE_REFUSED: gettext_lazy("ChatGPT gives no token for this Team"),
    TeamLogin.Problem.TOKEN_REFUSED: gettext_lazy("token refused"),
}
_IN_USE = pgettext_lazy("log-in", "in use")
_SPARE = pgettext_lazy("log-in", "spare")


def what_ended(owner: Owner) -> str:
    """What ended this log-in, in our words; "" for one that works."""
    match owner.login:
        case Owner.Login.OK:
            return ""
        case Owner.Login.DISABLED:
            return _("ChatGPT disabled the account")
        case Owner.Login.MISMATCH:
            return _("its new token belongs to someone else")
    if not owner.can_renew:
        return _("its token ended and nothing renews it")
    return _("its session or refresh token is no longer accepted")


def what_is_left(owner: Owner, *, token_until: datetime | None, now: datetime) -> str:
    """What still works, or what an operator can do, for a log-in that has ended."""
    match owner.login:
        case Owner.Login.OK:
            return ""
        case Owner.Login.DISABLED:
            return _("Import another admin's login for its Teams.")
        case Owner.Login.MISMATCH:
            return _("Sign in as this owner and paste that session.")
    if token_until is not None and token_until > now:
        return _("Its access token works until {time}; then a new session is needed.").format(time=full(token_until))
    return _("Nothing is left to try: a new session or a sign-in mends it.")


def standing(login: TeamLogin, *, is_used: bool, now: datetime) -> tuple[str, str]:
    """What this log-in is to the Team, and the tone to show it in: in use, spare, or why it may not lead."""
    if login.problem:
        return str(_PROBLEMS[login.problem]), "danger"
    if is_used:
        return str(_IN_USE), "success"
    works = login.owner.login == Owner.Login.OK
    is_over = login.access_expires_at is not None and login.access_expires_at <= now
    if not works or (is_over and not login.owner.can_renew):
        return _("spare, but its login has ended"), "danger"
    return str(_SPARE), "default"
