"""Bells: tell the worker there is something to do, once the transaction is in. The rows are the truth.

The queue is a table of the same database: a bell written in the caller's transaction is seen with its commit,
goes with its rollback, and costs no commit of its own.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django_q.conf import Conf
from django_q.humanhash import uuid
from django_q.models import OrmQ
from django_q.signing import SignedPackage


def ring(task: str, *ids: int) -> None:
    """Queue `task` after commit; a bell that is lost costs time only, every one has a sweep."""
    ring_at(timezone.now(), task, *ids)


def ring_at(when: datetime, task: str, *ids: int | str) -> None:
    """Queue `task` for later. The queue's own scheduler looks only every 30 s; a delayed row is exact to a second."""
    name, tag = uuid()
    package = {
        "id": tag,
        "name": name,
        "func": task,
        "args": ids,
        "kwargs": {},
        "started": timezone.now(),
        "ack_failure": True,
        "save": False,
    }
    OrmQ.objects.using(Conf.ORM).create(key=Conf.CLUSTER_NAME, payload=SignedPackage.dumps(package), lock=when)
