"""What is done to operator accounts: adding, changing, unlocking, and recording their log-ins."""

from __future__ import annotations

from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.db import transaction

from base.actors import Actor
from notifications.audit import events


class WouldLockYourselfOut(ValueError):
    """An operator tried to switch off their own account."""


def about(username: str) -> events.Subject:
    """The id is cut to its column's length; the label keeps the whole name."""
    return events.Subject("operator", username[:64], username)


def add(*, user: User, actor: Actor) -> None:
    user.is_staff = user.is_superuser = True
    with transaction.atomic():
        user.save(force_insert=True)
        events.operator_added(subject=about(user.username), actor=actor)


def change(*, user: User, fields: list[str], has_new_password: bool, actor: Actor) -> None:
    """Save these fields, and the password hash if it is new. Raises WouldLockYourselfOut."""
    if "is_active" in fields and not user.is_active and user.username == actor.name:
        raise WouldLockYourselfOut
    written = [*fields, *(["password"] if has_new_password else [])]
    if not written:
        return
    with transaction.atomic():
        before = User.objects.filter(pk=user.pk).values(*fields).get() if fields else {}
        user.save(update_fields=written)
        after = {field: getattr(user, field) for field in fields}
        if has_new_password:
            after["password"] = "changed"  # noqa: S105 - the word, not a password
        events.operator_changed(subject=about(user.username), before=before, after=after, actor=actor)


def note_log_in(*, actor: Actor) -> None:
    events.operator_logged_in(subject=about(actor.name), actor=actor)


def note_new_password(*, actor: Actor) -> None:
    word = {"password": "changed"}
    events.operator_changed(subject=about(actor.name), before={}, after=word, actor=actor)


def unlock(*, username: str, ip: str | None, actor: Actor) -> int:
    """Delete the wrong tries of this name from this address; the number of rows deleted."""
    with transaction.atomic():
        count: int = AccessAttempt.objects.filter(username=username, ip_address=ip).delete()[0]
        if count:
            events.operator_unlocked(subject=about(username), actor=actor)
    return count
