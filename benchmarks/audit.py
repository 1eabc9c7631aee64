"""How long the audit's page takes, and its export, with 500,000 records.

    python -m benchmarks.audit [URL of an empty database]

Prints the median of five visits and the number of queries; a page is to take at most 300 ms.
"""
# ruff: noqa: PLC0415 - the project can be imported only once its settings are

from __future__ import annotations

import statistics
import sys
import time
import tracemalloc
from datetime import timedelta

from benchmarks.own_database import own_database

RECORDS, AT_ONCE, VISITS, LIMIT = 500_000, 5_000, 5, 300
KINDS = (
    ("seat_moved", "job", "deliver", "redemption", {"before": "inviting", "after": "invited"}),
    ("redemption_opened", "user", "", "redemption", {}),
    ("token_renewed", "job", "renew", "team", {"source": "session"}),
    ("seat_moved", "job", "follow", "redemption", {"before": "verified", "after": "joined"}),
    ("team_changed", "operator", "olga", "team", {"before": {"is_enabled": True}, "after": {"is_enabled": False}}),
)


def fill() -> None:
    from django.utils import timezone

    from notifications.models import AuditEvent

    now = timezone.now()
    for start in range(0, RECORDS, AT_ONCE):
        rows = []
        for number in range(start, start + AT_ONCE):
            action, actor_kind, actor, object_kind, details = KINDS[number % len(KINDS)]
            email = f"person{number // 7}@example.com"
            rows.append(
                AuditEvent(
                    at=now - timedelta(minutes=(RECORDS - number) / 2),
                    actor_kind=actor_kind,
                    actor=actor or email,
                    ip="" if actor_kind == "job" else f"198.51.100.{number % 250}",
                    action=action,
                    object_kind=object_kind,
                    object_id=str(number // 7),
                    object_label=email if object_kind == "redemption" else f"Team {number % 500}",
                    details=details,
                )
            )
        AuditEvent.objects.bulk_create(rows)
    one = AuditEvent(
        at=now, actor_kind="operator", actor="once", action="codes_made", object_kind="batch", object_id="1"
    )
    one.save()


def run(kind: str) -> int:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse
    from django.utils import timezone

    fill()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    audit = reverse("admin:notifications_auditevent_changelist")
    pages = {
        "audit": audit,
        "page 2": f"{audit}?p=2",
        "page 20, older": f"{audit}?p=20&before=250000",
        "by an operator": f"{audit}?actor_kind=operator",
        "seats moved": f"{audit}?action=seat_moved",
        "an action once": f"{audit}?action=codes_made",
        "an action never": f"{audit}?action=codes_voided",
        "one day": f"{audit}?days={timezone.localdate() - timedelta(days=60)}",
        "7 days": f"{audit}?days=7",
        "30 days": f"{audit}?days=30",
        "search: many": f"{audit}?q=person",
        "search: one": f"{audit}?q=person7777@",
        "search: none": f"{audit}?q=nobody",
        "search: an old one": f"{audit}?q=person12@example.com",
        "search: an IP": f"{audit}?q=198.51.100.7",
        "search and filter": f"{audit}?q=nobody&actor_kind=operator&days=30",
    }
    print(f"{RECORDS:,} records on {kind}")
    slow = 0
    for name, page in pages.items():
        times = []
        for _visit in range(VISITS):
            start = time.perf_counter()
            answer = client.get(page)
            times.append((time.perf_counter() - start) * 1000)
            assert answer.status_code == 200, (page, answer.status_code)
        with CaptureQueriesContext(connection) as queries:
            client.get(page)
        took = statistics.median(times)
        slow += took > LIMIT
        print(f"{name:<20} {took:6.0f} ms {len(queries):4} queries{'   TOO SLOW' if took > LIMIT else ''}")
    tracemalloc.start()
    start = time.perf_counter()
    answer = client.post(reverse("admin:audit_export"))
    size = sum(len(piece) for piece in answer.streaming_content)  # type: ignore[attr-defined]
    took, peak = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
    print(f"export: {size / 1e6:.0f} MB in {took:.0f} s, at most {peak / 1e6:.1f} MB in memory (measured, so slower)")
    return slow


if __name__ == "__main__":
    with own_database(*sys.argv[1:]) as kind:
        sys.exit(bool(run(kind)))
