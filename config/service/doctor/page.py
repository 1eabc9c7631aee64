"""The page "System check": `doctor` in the back office."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from base.operator_pages import only_if
from config.service import doctor
from config.service.doctor import Level

RESTART = (
    ("systemd", "sudo systemctl restart seatkeeper"),
    ("Docker Compose", "docker compose restart web worker"),
    ("make", "make run"),
)
ALL = ".venv/bin/python manage.py doctor"


@never_cache
def doctor_page(request: HttpRequest) -> TemplateResponse:
    """Only the checks of this machine and the database: the others may take seconds."""
    only_if(request.user.is_superuser)
    answers = doctor.examine(timezone.now(), is_outside=False)
    order = [Level.FAILED, Level.WARNING, Level.OK]
    context = {
        "title": _("System check"),
        "answers": sorted(answers, key=lambda answer: order.index(answer.level)),
        "is_worker_well": not any(one.check == "worker" and one.level == Level.FAILED for one in answers),
        "restart": RESTART,
        "command": ALL,
    }
    return TemplateResponse(request, "admin/doctor.html", admin.site.each_context(request) | context)
