"""How fast accounts come in: 1,000 pasted lines, a Team each, upstream at 150 ms a call.

    python -m benchmarks.imports [sqlite] [postgres] [--accounts N]

Says how long it took, how many calls an account cost and of what kind, how many accounts were worked on at once, and
the memory of the largest process. The limit is what the calls themselves allow.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter

from benchmarks.installation import call, installation

LATENCY = 0.15
# Lines a worker brings in at once (teampool/imports/worker.py).
THREADS = 8


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("databases", nargs="*", default=["sqlite", "postgres"])
    parser.add_argument("--accounts", type=int, default=1000)
    options = parser.parse_args()
    for database in options.databases:
        with installation(database=database, teams=1, latency=0, webs=0, workers=0) as here:
            sandbox = f"{here.sandbox}/__sandbox__"
            call(f"{sandbox}/seed", {"teams": options.accounts, "seats": 5, "members": 1})
            logins = call(f"{sandbox}/credentials")[1]
            lines = "\n".join(f"{one['email']}----a-password----{one['access_token']}" for one in logins)
            call(f"{sandbox}/set_latency", {"seconds": LATENCY})
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            start = time.monotonic()
            said = here.manage("import_teams", "-", stdin=lines)
            took = time.monotonic() - start
            done = said.count("created")
            asked = Counter(entry["op"] for entry in call(f"{sandbox}/log")[1])
            memory = max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
            calls = asked.total() / max(done, 1)
            kinds = ", ".join(f"{kind} {number / max(done, 1):.1f}" for kind, number in sorted(asked.items()))
            print(
                f"{database}: {done} accounts in {took:.1f} s, {done / took:.1f} a second "
                f"(the calls allow {THREADS / (calls * LATENCY):.1f}); {calls:.1f} calls each: {kinds}; "
                f"{asked.total() * LATENCY / took:.1f} calls at a time of {THREADS}; largest process {memory:.0f} MB"
            )


if __name__ == "__main__":
    main()
