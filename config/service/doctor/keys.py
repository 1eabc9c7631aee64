"""Check the secrets: strong enough, and able to decrypt everything stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from base.rekeying import encrypted_columns, survey
from config.secrets import check_secrets
from config.service.doctor.answer import Answer, failed, ok, warning


def look(now: datetime) -> Iterator[Answer]:
    if settings.DEBUG:
        yield warning("debug", _("DEBUG is on: errors are shown in full to anyone."), _("Remove DEBUG and restart."))
    try:
        check_secrets(secret_key=settings.SECRET_KEY, encryption_keys=settings.ENCRYPTION_KEYS, debug=False)
    except ImproperlyConfigured:
        yield failed(
            "keys",
            _("SECRET_KEY is too weak."),
            _("Set a new one (python -m config.first_run --throwaway prints one); everybody logs in again."),
        )
    found = [survey(column) for column in encrypted_columns()]
    closed, older = sum(len(one.unreadable) for one in found), sum(one.changed for one in found)
    if closed:
        text = ngettext(
            "No key in ENCRYPTION_KEYS opens {n} stored secret.",
            "No key in ENCRYPTION_KEYS opens {n} stored secrets.",
            closed,
        )
        yield failed(
            "keys",
            text.format(n=closed),
            _("Add the key they were stored under to ENCRYPTION_KEYS; if it is lost, import the owners again."),
        )
    elif older:
        text = ngettext(
            "{n} stored secret is still under an older key.", "{n} stored secrets are still under an older key.", older
        )
        yield warning("keys", text.format(n=older), "manage.py rotate_keys")
    else:
        yield ok("keys", _("Secrets are strong, and everything stored can be read."))
