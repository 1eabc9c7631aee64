"""How long 50,000 codes take: made, exported, voided.

python -m benchmarks.codes [URL of an empty database]
"""
# ruff: noqa: PLC0415 - the project can be imported only once its settings are

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from benchmarks.own_database import own_database

COUNT = 50_000


def measured(what: str, deed: Callable[[], object]) -> None:
    start = time.perf_counter()
    result = deed()
    print(f"{what:<16} {time.perf_counter() - start:6.2f} s   {result}")


def run(kind: str) -> None:
    from base.actors import Actor
    from invites.admin.codes.exporting import as_csv
    from invites.codes import batches, uses
    from invites.models import RedeemCode

    actor = Actor("command", "benchmark")
    terms = {"label": "benchmark", "team": None, "seat_time": None, "redeem_until": None, "max_uses": 1}
    print(f"{COUNT:,} codes on {kind}")
    for _round in range(3):
        measured("make", lambda: batches.make_batch(count=COUNT, actor=actor, **terms))
    batch = RedeemCode.objects.order_by("-id")[0].batch
    of_batch = RedeemCode.objects.filter(batch=batch)
    measured("export as CSV", lambda: f"{sum(len(part) for part in as_csv(batch).streaming_content):,} bytes")
    measured("void", lambda: f"{uses.void(codes=of_batch, actor=actor):,} voided")


if __name__ == "__main__":
    with own_database(*sys.argv[1:]) as kind:
        run(kind)
