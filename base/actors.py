"""Who did something, and from where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from base import addresses

UNREADABLE_PROXY = "unreadable_proxy"
LONGEST_SHOWN = 40


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
    """The client's IP address, always one. Behind N trusted proxies: the Nth entry of X-Forwarded-For from the right.

    Entries further left were written by the client itself and are never believed. An entry that is no address counts
    as none: then it is the address of whoever is connected, 0.0.0.0 for a unix socket.
    """
    address = addresses.read(_forwarded_for(request)) or addresses.read(str(request.META.get("REMOTE_ADDR") or ""))
    return str(address or "0.0.0.0")  # noqa: S104 - no address to listen on


def _forwarded_for(request: HttpRequest) -> str:
    """The entry of X-Forwarded-For that the outermost trusted proxy wrote; "" without one."""
    proxies: int = settings.TRUSTED_PROXY_COUNT
    entries = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    written = entries[-proxies] if 0 < proxies <= len(entries) else ""
    if entries and proxies and addresses.read(written) is None:
        # For `doctor`: who is behind such a proxy shares the limits of everybody else there.
        cache.add(UNREADABLE_PROXY, written[:LONGEST_SHOWN], timedelta(days=1).total_seconds())
    return written
