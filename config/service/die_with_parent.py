"""Run a program that ends when its parent ends, however the parent ends.

`python -m config.service.die_with_parent PIPE GRACE KEEP -- PROGRAM…` starts PROGRAM in this process's session and
watches the file descriptor PIPE. End of file there means the parent is gone, perhaps killed: PROGRAM gets SIGTERM, and
after GRACE seconds the whole session is killed. SIGTERM to this process does the same.
The descriptor KEEP is only handed on: it holds the installation's lock until the last process closes it.
When PROGRAM ends for any reason, the session and this process are killed.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from types import FrameType


def main(arguments: list[str]) -> None:
    pipe, grace, keep = int(arguments[0]), float(arguments[1]), int(arguments[2])
    # A signal only writes to this pipe, which wakes the loop below: no signal is lost between two looks.
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            asked.append(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, note)
    signal.set_wakeup_fd(waker)

    command = arguments[arguments.index("--") + 1 :]
    program = subprocess.Popen(command, pass_fds=(keep,), stdin=subprocess.DEVNULL)
    give_up_at: float | None = None
    watched = [pipe, woken]
    while program.poll() is None:
        left = None if give_up_at is None else give_up_at - time.monotonic()
        if left is not None and left <= 0:
            break
        ready, _, _ = select.select(watched, [], [], left)
        if woken in ready:
            os.read(woken, 512)
        if pipe in ready:
            watched.remove(pipe)
            asked.append(0)
        if asked and give_up_at is None:
            give_up_at = time.monotonic() + grace
            program.terminate()
    if not asked:
        sys.stderr.write(f"{' '.join(command[1:3])} ended by itself ({program.returncode})\n")
        sys.stderr.flush()
    # A program that was killed leaves its children behind, and the parent may be gone too: kill the whole session.
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
