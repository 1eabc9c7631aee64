"""How fast codes become verified seats: 60 at once on 10 Teams × 4 seats, and one alone.

    python -m benchmarks.redeem [sqlite] [postgres]

Upstream answers in 150 ms. PostgreSQL runs with 2 web and 2 worker processes, SQLite with one each.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from collections import Counter
from typing import Any

from benchmarks.installation import Installation, call, installation

LATENCY = 0.15
CODES, TEAMS, SEATS = 60, 10, 4
SHAPES = {"sqlite": {"webs": 1, "workers": 1}, "postgres": {"webs": 2, "workers": 2}}


def redeem_at_once(here: Installation, codes: list[str]) -> tuple[Counter[str], float]:
    """Submit every code at the same moment and wait until each is settled; what became of them, and the seconds."""
    gate = threading.Barrier(len(codes) + 1)
    answers: list[tuple[int, Any]] = []

    def one(number: int, code: str) -> None:
        web = here.web[number % len(here.web)]
        gate.wait()
        answers.append(call(f"{web}/api/redemptions", {"email": f"p{number}@example.com", "code": code}))

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(codes)]
    for thread in threads:
        thread.start()
    gate.wait()
    start, started_at = time.monotonic(), time.time()
    for thread in threads:
        thread.join()
    # Asked of the database, so that asking costs the product nothing.
    while here.count("invites_seatgrant", "state IN ('reserved', 'inviting', 'invited')"):
        if time.monotonic() > start + 60:
            break
        time.sleep(0.2)  # a look costs a connection, and the cores are the product's
    took = here.newest("invites_seatgrant", "verified_at") - started_at
    outcomes = Counter(answer["error_code"] for status, answer in answers if status != 202)
    outcomes["verified"] = here.count("invites_seatgrant", "state IN ('verified', 'joined')")
    return outcomes, took


def follow(web: str, email: str, code: str, *, seconds: float = 60, every: float = 0.1) -> str:
    """Redeem and ask until it is settled: `verified`, or the error_code."""
    status, answer = call(f"{web}/api/redemptions", {"email": email, "code": code})
    if status != 202:
        return str(answer["error_code"])
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = call(f"{web}/api/redemptions/{answer['id']}")[1]
        if state["state"] in ("verified", "joined"):
            return "verified"
        if state["state"] in ("refused", "ended"):
            return str(state.get("error_code", "ended"))
        time.sleep(every)
    return f"still {state['state']}"


def main() -> None:
    for database in sys.argv[1:] or list(SHAPES):
        with installation(database=database, teams=TEAMS, seats=SEATS, latency=LATENCY, **SHAPES[database]) as here:
            time.sleep(3)  # the worker's processes are up
            codes = here.manage("generate_codes", str(CODES)).split()
            outcomes, took = redeem_at_once(here, codes)
            verified = outcomes["verified"]
            print(f"{database}: {dict(outcomes)} in {took:.2f} s: {verified / took:.1f} verified a second")
            for _ in range(SEATS):  # room for those that come alone
                call(f"{here.sandbox}/__sandbox__/workspace", {"seats": SEATS + 1})
            logins = call(f"{here.sandbox}/__sandbox__/credentials")[1][TEAMS:]
            here.manage("import_teams", "-", stdin="\n".join(json.dumps(one["session_json"]) for one in logins))
            alone = []
            for number, code in enumerate(here.manage("generate_codes", "15").split()):
                start = time.monotonic()
                assert follow(here.web[0], f"alone{number}@example.com", code, every=0.01) == "verified"
                alone.append(time.monotonic() - start)
                time.sleep(0.3)
            median = statistics.median(alone)
            print(f"{database}: alone {median:.2f} s at the median, {median - 2 * LATENCY:+.2f} s over its two calls")


if __name__ == "__main__":
    main()
