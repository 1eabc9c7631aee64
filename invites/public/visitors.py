"""What a visitor's browser remembers: the redemption it submitted (signed), and the announcement it read."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from invites.models import Redemption

_COOKIE = "submitted"
_SALT = "invites.submitted"
_NOTICE = "notice"
_KEPT = timedelta(days=365)


def remember(response: HttpResponse, redemption: Redemption) -> None:
    """Let this browser see the whole e-mail, so that the person notices a typo."""
    response.set_signed_cookie(
        _COOKIE,
        redemption.public_id,
        salt=_SALT,
        max_age=_KEPT,
        path=reverse("status", args=[redemption.public_id]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_submitter(request: HttpRequest, redemption: Redemption) -> bool:
    return request.get_signed_cookie(_COOKIE, default="", salt=_SALT) == redemption.public_id


def note_read(response: HttpResponse, version: str) -> None:
    """Do not open this version of the announcement again."""
    response.set_cookie(
        _NOTICE, version, max_age=_KEPT, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )


def has_read(request: HttpRequest, version: str) -> bool:
    return request.COOKIES.get(_NOTICE) == version
