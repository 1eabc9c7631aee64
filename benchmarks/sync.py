"""How fast a pool is looked at: 300 Teams with 6 people each, 3 threads, upstream at 100 ms.

    python -m benchmarks.sync [sqlite] [postgres]

The limit is what the calls themselves allow: 3 threads, 3 calls a Team (pending, members, seats).
"""

from __future__ import annotations

import re
import resource
import sys
import time

from benchmarks.installation import call, installation

TEAMS, PEOPLE, LATENCY, THREADS, CALLS = 300, 6, 0.1, 3, 3


def main() -> None:
    for database in sys.argv[1:] or ["sqlite", "postgres"]:
        with installation(
            database=database, teams=TEAMS, seats=PEOPLE + 2, members=PEOPLE, latency=0, webs=0, workers=0
        ) as here:
            call(f"{here.sandbox}/__sandbox__/set_latency", {"seconds": LATENCY})
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            start = time.monotonic()
            said = here.manage("sync_teams", "--all")
            took = time.monotonic() - start
            done = int(re.findall(r"(\d+) synced", said)[0])
            memory = max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
            limit = THREADS / (CALLS * LATENCY)
            print(
                f"{database}: {done} Teams in {took:.1f} s, {done / took:.1f} a second (the calls allow {limit:.0f}); "
                f"largest process {memory:.0f} MB"
            )


if __name__ == "__main__":
    main()
