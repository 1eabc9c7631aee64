"""Bells: after commit, tell the worker that a row needs work. The row says what to do; the bell only wakes.

The queue is a table of the same database: a bell is committed and rolled back with the caller's transaction.
Each room has one function per bell in its `bells.py`; only the timetable also names tasks.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django_q.conf import Conf
from django_q.humanhash import uuid
from django_q.models import OrmQ
from django_q.signing import SignedPackage


def ring(task: str, *args: int | str, at: datetime | None = None) -> None:
    """Queue `task`, for now or for `at`. A lost bell only costs time: a sweep finds the row too.

    django-q2's scheduler looks every 30 s; a delayed queue row is exact to a second.
    """
    name, tag = uuid()
    now = timezone.now()
    package = {
        "id": tag,
        "name": name,
        "func": task,
        "args": args,
        "kwargs": {},
        "started": now,
        "ack_failure": True,
        "save": False,
    }
    OrmQ.objects.using(Conf.ORM).create(key=Conf.CLUSTER_NAME, payload=SignedPackage.dumps(package), lock=at or now)
