"""System checks of the settings that no request can satisfy; `check` and `up` print them."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core import checks

# As Django's ALLOWED_HOSTS takes it: *, a name, .name for it and all below it, or [an IPv6 address]; without a port.
_HOST = re.compile(r"\*|\.?[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]")

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]", "testserver"})


def unusable_hosts() -> list[str]:
    """Entries of ALLOWED_HOSTS that no request can match, such as an address with its scheme, port or path."""
    return [name for name in settings.ALLOWED_HOSTS if _HOST.fullmatch(name) is None]


def check_hosts(**_: Any) -> list[checks.CheckMessage]:
    """Tell `check` and `up` of unusable host names. An error where no other is left: then every visitor is refused."""
    wrong = unusable_hosts()
    is_over = set(settings.ALLOWED_HOSTS) <= {*wrong, *LOCAL_NAMES}
    text = "ALLOWED_HOSTS: {name!r} is no host name; write it like seats.example.com, without https://, port and path."
    return [
        (checks.Error if is_over else checks.Warning)(text.format(name=name), id=f"config.{'E' if is_over else 'W'}001")
        for name in wrong
    ]
