"""What every template knows about the installation."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def product(request: HttpRequest) -> dict[str, object]:
    return {"is_sandbox": settings.IS_SANDBOX, "time_zone_name": settings.TIME_ZONE}
