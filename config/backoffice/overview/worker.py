"""The line of a worker that shows no sign of life."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from config.backoffice.overview.line import Line

WORKER_SILENT = timedelta(minutes=2)


def worker_silent(now: datetime, newest: datetime | None) -> Iterable[Line]:
    if newest is None:
        text = _("Background work has not started; no invitation goes out")
    elif now - newest > WORKER_SILENT:
        minutes = int((now - newest).total_seconds() // 60)
        text = _("Background work stopped {n} min ago; no invitation goes out").format(n=minutes)
    else:
        return
    yield Line("worker", text, link=reverse("admin:doctor"), button=_("How to restart"))
