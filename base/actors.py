"""Who did something, and from where."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Actor:
    """`kind` is operator, key, command, job or user; `name` a user name, key name, job or e-mail."""

    kind: str
    name: str
    ip: str = ""


def job(name: str) -> Actor:
    return Actor("job", name)


def command(name: str) -> Actor:
    return Actor("command", name)


def operator(request: HttpRequest) -> Actor:
    return Actor("operator", request.user.get_username(), client_ip(request))


def client_ip(request: HttpRequest) -> str:
    """The client's address. Behind N trusted proxies: the Nth entry of X-Forwarded-For from the right.

    Entries further left were written by the client itself and are never believed.
    """
    proxies: int = settings.TRUSTED_PROXY_COUNT
    forwarded: list[str] = [
        part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()
    ]
    if proxies and len(forwarded) >= proxies:
        return forwarded[-proxies]
    return str(request.META.get("REMOTE_ADDR") or "0.0.0.0")  # noqa: S104 - a unix socket has no address
