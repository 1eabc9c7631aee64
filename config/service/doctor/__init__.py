"""Check a deployment and say what to do about each problem (`doctor`, and the page of that name).

`LOCAL` asks only this machine and the database; `OUTSIDE` connects to other servers and may take seconds.
Nothing is changed or sent, and no answer holds a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import DatabaseError
from django.utils.translation import gettext as _

from config.service.doctor import database, files, front, keys, notices, pool, upstream, work
from config.service.doctor.answer import Answer, Level, failed, worst

__all__ = ["LOCAL", "OUTSIDE", "Answer", "Level", "examine", "worst"]

Look = Callable[[datetime], Iterable[Answer]]
LOCAL: dict[str, Look] = {
    "keys": keys.look,
    "files": files.look,
    "front": front.look,
    "queue": work.look,
    "teams": pool.look,
    "messages": notices.look,
}
OUTSIDE: dict[str, Look] = {"upstream": upstream.look, "notices": notices.look_outside}
# These need the database.
_NEED_TABLES = {"keys", "front", "queue", "teams", "messages", "notices"}


def examine(now: datetime, *, is_outside: bool) -> list[Answer]:
    """Every answer, in a fixed order; a check that raises becomes an answer too."""
    answers = list(database.look(now))
    has_tables = worst(answers) != Level.FAILED
    for name, look in (LOCAL | OUTSIDE if is_outside else LOCAL).items():
        if has_tables or name not in _NEED_TABLES:
            answers += _guarded(name, look, now)
    return answers


def _guarded(name: str, look: Look, now: datetime) -> list[Answer]:
    try:
        return list(look(now))
    except (OSError, DatabaseError, ValueError) as error:
        # The error's own text may hold an address with a password.
        text = _("This could not be looked at ({error}).").format(error=type(error).__name__)
        return [failed(name, text, _("See the log, and run doctor again."))]
