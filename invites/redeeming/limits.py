"""REDEEM_THROTTLE, read once and checked at the start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

_WINDOWS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `tries` in any `window`."""

    tries: int
    window: timedelta


@lru_cache
def read_limit(text: str) -> Limit | None:
    """Read REDEEM_THROTTLE: `10/m` (s, m, h or d), or None for `off`. Raises ImproperlyConfigured on anything else."""
    if text.strip().lower() == "off":
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,5})/([smhd])", text.strip().lower())
    if found is None:
        raise ImproperlyConfigured(f"REDEEM_THROTTLE: write a number per s, m, h or d like 10/m, or off; not {text!r}.")
    return Limit(int(found[1]), _WINDOWS[found[2]])


def check_setting(**_: Any) -> list[checks.CheckMessage]:
    """Refuse the start on a bad REDEEM_THROTTLE, rather than the first person who redeems."""
    try:
        read_limit(settings.REDEEM_THROTTLE)
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="invites.E001")]
    return []
