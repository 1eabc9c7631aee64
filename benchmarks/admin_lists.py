"""How long the operator's pages take with 500 Teams, 50,000 codes and 100,000 redemptions.

    python -m benchmarks.admin_lists [URL of an empty database]

Prints the median of five visits and the number of queries: the first screen is to take at most 100 ms, a list 300 ms.
"""
# ruff: noqa: PLC0415 - the project can be imported only once its settings are

from __future__ import annotations

import statistics
import sys
import time
from datetime import timedelta
from typing import Any

from benchmarks.own_database import own_database

TEAMS, CODES, REDEMPTIONS, BATCHES = 500, 50_000, 100_000, 25
SEATED = 3 * TEAMS  # of the newest; the others are over, refused, or had a seat already
FACTS = 200_000
DAYS = 60
VISITS, LIMIT, FIRST_SCREEN_LIMIT = 5, 300, 100


def fill() -> None:
    from django.utils import timezone

    from base.actors import Actor
    from guardian.clockwork import heartbeats
    from invites.codes import batches, codes
    from invites.models import RedeemCode, Redemption, SeatGrant
    from invites.states import GrantState, RedemptionState
    from notifications.models import AuditEvent
    from teampool.models import Member
    from tests.cast import a_team, an_owner

    now, actor = timezone.now(), Actor("command", "benchmark")
    heartbeats.beat(now)
    trouble: list[dict[str, Any]] = [
        {"workspace_state": "suspended"},
        {"token_state": "expired"},
        {"is_enabled": False},
    ]
    teams = [
        a_team(
            name=f"Team {n}",
            held=3,
            outsiders=n % 2,
            owner=an_owner(f"owner{n}@example.com"),
            **(trouble[n % 3] if n % 20 == 0 else {}),
        )
        for n in range(TEAMS)
    ]
    Member.objects.bulk_create(
        Member(team=team, kind="member", upstream_id=f"user-{n}-{team.pk}", email=f"member{n}-{team.pk}@example.com")
        for team in teams
        for n in range(5)
    )
    for number in range(BATCHES):
        batches.make_batch(
            count=CODES // BATCHES,
            label=f"Batch {number}",
            team=teams[number] if number % 3 == 0 else None,
            seat_time=timedelta(hours=24) if number % 2 else None,
            redeem_until=None,
            max_uses=1,
            actor=actor,
        )
    used = list(RedeemCode.objects.order_by("?")[: CODES // 2])
    RedeemCode.objects.filter(pk__in=[code.pk for code in used]).update(uses_held=1)
    over = (RedemptionState.ENDED, RedemptionState.ENDED, RedemptionState.REFUSED, RedemptionState.ALREADY)
    redemptions = Redemption.objects.bulk_create(
        (
            Redemption(
                public_id="".join(codes.draw()[:20]) + f"{number:06}",
                email=f"person{number}@example.com",
                code=used[number % len(used)],
                state=over[number % 4] if number >= SEATED else RedemptionState.OPEN,
                created_at=now - timedelta(days=DAYS) * (number / REDEMPTIONS),
            )
            for number in reversed(range(REDEMPTIONS))
        ),
        batch_size=2000,
    )
    states = (GrantState.JOINED, GrantState.JOINED, GrantState.VERIFIED, GrantState.INVITED)
    SeatGrant.objects.bulk_create(
        (
            SeatGrant(
                redemption=one,
                team=teams[number % TEAMS],
                email=one.email,
                state=states[number % 4] if one.state == RedemptionState.OPEN else GrantState.ENDED,
                sends=1,
                created_at=one.created_at,
                invited_at=one.created_at,
            )
            for number, one in enumerate(redemptions)
            if one.state in (RedemptionState.OPEN, RedemptionState.ENDED)
        ),
        batch_size=2000,
    )
    AuditEvent.objects.bulk_create(
        (
            AuditEvent(
                at=now - timedelta(days=DAYS) * (n / FACTS),
                actor_kind="job",
                action="seat_moved",
                object_kind="redemption",
                object_id=str(redemptions[n % REDEMPTIONS].pk),
                details={"before": "invited", "after": "verified", "team": teams[n % TEAMS].pk},
            )
            for n in reversed(range(FACTS))
        ),
        batch_size=2000,
    )


def run(kind: str) -> int:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    from invites.models import CodeBatch, RedeemCode, Redemption
    from teampool.models import Team

    fill()
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    batch = CodeBatch.objects.order_by("-id")[0]
    code, redemption = RedeemCode.objects.order_by("id")[777], Redemption.objects.order_by("-id")[777]
    team = Team.objects.order_by("id")[77]
    batches, single = reverse("admin:invites_codebatch_changelist"), reverse("admin:invites_redeemcode_changelist")
    redemptions = reverse("admin:invites_redemption_changelist")
    teams, find = reverse("admin:teampool_team_changelist"), reverse("admin:find")
    pages = {
        "first screen": reverse("admin:index"),
        "find, e-mail": f"{find}?q={redemption.email}",
        "find, a part": f"{find}?q={redemption.email[2:8]}",
        "find, code": f"{find}?q={code.dashed}",
        "find, account id": f"{find}?q={team.account_id}",
        "Teams": teams,
        "Teams, red": f"{teams}?state=red",
        "Teams, searched": f"{teams}?q=owner77",
        "one Team": reverse("admin:teampool_team_change", args=[team.pk]),
        "re-seat": reverse("admin:team_reseat"),
        "owners": reverse("admin:teampool_owner_changelist"),
        "allowed": reverse("admin:teampool_allowedmember_changelist"),
        "audit": reverse("admin:notifications_auditevent_changelist"),
        "audit, page 20": reverse("admin:notifications_auditevent_changelist") + "?p=20",
        "batches": batches,
        "batch": reverse("admin:invites_codebatch_change", args=[batch.pk]),
        "batch, used, page 5": reverse("admin:invites_codebatch_change", args=[batch.pk]) + "?state=used&p=5",
        "void confirmation": reverse("admin:batch_void", args=[batch.pk]),
        "new codes": reverse("admin:new_codes"),
        "codes": single,
        "codes, page 900": f"{single}?p=900",
        "codes, searched": f"{single}?q={code.dashed.lower()}",
        "codes, a part": f"{single}?q={code.code[4:10]}",
        "codes, used": f"{single}?state=used",
        "redemptions": redemptions,
        "by e-mail": f"{redemptions}?q={redemption.email[2:]}",
        "by reference": f"{redemptions}?q={redemption.reference}",
        "pending": f"{redemptions}?state=pending",
        "invited": f"{redemptions}?state=invited",
        "unconfirmed": f"{redemptions}?unconfirmed=yes",
        "one redemption": reverse("admin:invites_redemption_change", args=[redemption.pk]),
    }
    print(f"{TEAMS} Teams, {CODES:,} codes, {REDEMPTIONS:,} redemptions on {kind}")
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
        is_slow = took > (FIRST_SCREEN_LIMIT if name == "first screen" else LIMIT)
        slow += is_slow
        print(f"{name:<20} {took:6.0f} ms {len(queries):4} queries{'   TOO SLOW' if is_slow else ''}")
    return slow


if __name__ == "__main__":
    with own_database(*sys.argv[1:]) as kind:
        sys.exit(bool(run(kind)))
