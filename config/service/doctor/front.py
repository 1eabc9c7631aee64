"""Check how the site is reached: host names, proxies, cookies, redirects, and whether they fit together."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _

from base.actors import UNREADABLE_PROXY
from config.checks import unusable_hosts
from config.service.doctor.answer import Answer, failed, ok, warning
from invites.models import RedeemAttempt
from notifications.settings.declared import PUBLIC_URL

LOCAL_NAMES = {"127.0.0.1", "localhost", "[::1]", "testserver"}
ENOUGH_TRIES = 10


def look(now: datetime) -> Iterator[Answer]:
    problems = [*_hosts(), *_proxy(now)]
    yield from problems
    if not problems:
        names = ", ".join(public_names()) or _("this machine only")
        text = _("Reached as {names}, behind {n} trusted proxies.")
        yield ok("front", text.format(names=names, n=settings.TRUSTED_PROXY_COUNT))


def public_names() -> list[str]:
    return [name for name in settings.ALLOWED_HOSTS if name not in LOCAL_NAMES]


def _answers_to(host: str) -> bool:
    return any(
        name in ("*", host) or (name.startswith(".") and f".{host}".endswith(name)) for name in settings.ALLOWED_HOSTS
    )


def _hosts() -> Iterator[Answer]:
    if "*" in settings.ALLOWED_HOSTS:
        yield warning(
            "front", _("ALLOWED_HOSTS is *: links can be made to lead elsewhere."), _("Name your hosts in it.")
        )
    elif not _answers_to("127.0.0.1"):
        yield warning(
            "front", _("ALLOWED_HOSTS lacks 127.0.0.1: probes on this machine are refused."), _("Add 127.0.0.1 to it.")
        )
    for name in unusable_hosts():
        text = _("ALLOWED_HOSTS: {name} is no host name, so everybody who comes by it is refused.")
        yield failed("front", text.format(name=name), _("Write the bare name, like seats.example.com: no https://."))
    for origin in settings.CSRF_TRUSTED_ORIGINS:
        host = urlsplit(origin).hostname or ""
        if not _answers_to(host.removeprefix("*")):
            text = _("CSRF_TRUSTED_ORIGINS names {origin}, which ALLOWED_HOSTS does not.")
            yield warning("front", text.format(origin=origin), _("Add the host to ALLOWED_HOSTS, or drop the origin."))
    public = urlsplit(PUBLIC_URL.get())
    if public.hostname and not _answers_to(public.hostname):
        text = _("notifications.public_url names {host}, which ALLOWED_HOSTS does not: links in mails lead nowhere.")
        yield warning("front", text.format(host=public.hostname), _("Put one of the two right."))


def _proxy(now: datetime) -> Iterator[Answer]:
    proxies: int = settings.TRUSTED_PROXY_COUNT
    if proxies == 0 and settings.SECURE_SSL_REDIRECT:
        yield failed(
            "front",
            _("SECURE_SSL_REDIRECT is on and no proxy is trusted: HTTPS is not noticed, pages redirect for ever."),
            _("Set TRUSTED_PROXY_COUNT to the number of your proxies, usually 1."),
        )
    elif proxies == 0 and public_names():
        yield warning(
            "front",
            _("TRUSTED_PROXY_COUNT is 0: behind a proxy, HTTPS is not noticed and forms are refused."),
            _("Behind a reverse proxy set it to the number of proxies, usually 1."),
        )
    elif proxies == 0 and (address := _one_address_for_all(now)):
        yield warning(
            "front",
            _("Everybody who redeemed today seems to come from {address}.").format(address=address),
            _("If that is your proxy, set TRUSTED_PROXY_COUNT to 1; else its limit of tries is shared by all."),
        )
    if (written := cache.get(UNREADABLE_PROXY)) is not None:
        yield warning(
            "front",
            _("X-Forwarded-For holds no client address at place {n} from the right, but “{written}”.").format(
                n=proxies, written=written
            ),
            _("Put TRUSTED_PROXY_COUNT or the proxy right: as it is, all its visitors count as one."),
        )
    if public_names() and not settings.SECURE_COOKIES:
        yield warning(
            "front",
            _("SECURE_COOKIES is off: log-ins travel over plain HTTP too."),
            _("Behind HTTPS remove SECURE_COOKIES=off."),
        )
    if public_names() and settings.REDEEM_THROTTLE.strip().lower() == "off":
        yield warning("front", _("REDEEM_THROTTLE is off: codes can be guessed at any speed."), "REDEEM_THROTTLE=10/m")


def _one_address_for_all(now: datetime) -> str:
    """The private address that all recent tries share; empty when they have several, or a public address."""
    tries = RedeemAttempt.objects.filter(at__gt=now - timedelta(days=1))
    addresses = list(tries.values_list("ip", flat=True).order_by("ip").distinct()[:2])
    if len(addresses) != 1 or tries.count() < ENOUGH_TRIES:
        return ""
    try:
        is_inside = ipaddress.ip_address(addresses[0]).is_private
    except ValueError:
        return ""
    return str(addresses[0]) if is_inside else ""
