"""How long a sweep takes: 500 Teams with 6 people each, upstream at 100 ms, the settings as they are by default.

    python -m benchmarks.sweep [sqlite] [postgres]

What it may take at best: the pause between two submissions, or three calls a Team over the threads, whichever is more.
"""

from __future__ import annotations

import re
import resource
import sys
import time

from benchmarks.installation import call, installation

TEAMS, PEOPLE, LATENCY, THREADS, CALLS, PAUSE = 500, 6, 0.1, 3, 3, 0.4


def main() -> None:
    for database in sys.argv[1:] or ["sqlite", "postgres"]:
        with installation(
            database=database, teams=TEAMS, seats=PEOPLE + 2, members=PEOPLE, latency=0, webs=0, workers=0
        ) as here:
            call(f"{here.sandbox}/__sandbox__/set_latency", {"seconds": LATENCY})
            start = time.monotonic()
            said = here.manage("sweep", "--dry-run")
            took = time.monotonic() - start
            looked_at = re.findall(r"(\d+ of \d+) Teams complete", said)[0]
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            best = TEAMS * max(PAUSE, CALLS * LATENCY / THREADS)
            print(
                f"{database}: {looked_at} Teams in {took:.0f} s (the pauses and calls alone take {best:.0f} s); "
                f"largest process {memory:.0f} MB"
            )


if __name__ == "__main__":
    main()
