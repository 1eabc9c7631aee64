"""Probes: `/healthz` says the web process answers, `/readyz` that the installation works. No secret in either."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from guardian.clockwork import heartbeats


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the web process answers; checks nothing else."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, its tables are up to date and background jobs run; else 503."""
    database, migrations, age = "ok", "ok", None
    try:
        if _has_pending_migrations():
            migrations = "pending"
        else:
            age = heartbeat_age()
    except DatabaseError:
        database, migrations = "unreachable", "unknown"
    moves = age is not None and age <= timedelta(seconds=settings.HEARTBEAT_LIMIT)
    worker = "ok" if moves else "silent" if migrations == "ok" else "unknown"
    is_ready = database == "ok" and migrations == "ok" and moves
    return JsonResponse(
        {
            "status": "ok" if is_ready else "not ready",
            "database": database,
            "migrations": migrations,
            "worker": worker,
            "heartbeat_age_seconds": None if age is None else round(age.total_seconds(), 1),
        },
        status=200 if is_ready else 503,
    )


def heartbeat_age() -> timedelta | None:
    """Time since a job last ran on any node; None when none ever ran."""
    newest = heartbeats.newest_beat()
    return None if newest is None else timezone.now() - newest


def _has_pending_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
