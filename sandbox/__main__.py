"""`python -m sandbox`: runs the stand-in until SIGTERM, Ctrl-C, or the end of stdin if it is watched."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from dataclasses import dataclass
from types import FrameType

from sandbox.server import SandboxServer


@dataclass(frozen=True, slots=True)
class Between:
    """Reads a number, both ends included; refuses others with a sentence that names them."""

    low: int
    high: int
    kind: type[int] | type[float] = int

    def __call__(self, text: str) -> float:
        try:
            number = self.kind(text)
        except ValueError:
            number = self.low - 1
        if not self.low <= number <= self.high:
            raise argparse.ArgumentTypeError(f"between {self.low:,} and {self.high:,}, not {text!r}")
        return number


SECONDS = Between(0, 3600, float)


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A local stand-in for the web backend.")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=Between(0, 65_535), default=8801, help="0 picks a free one")
    parser.add_argument("--teams", type=Between(0, 10_000), default=6)
    parser.add_argument(
        "--seats", type=Between(1, 10_000), default=5, help="purchased seats of each Team, the owner's included"
    )
    parser.add_argument("--latency", type=SECONDS, default=0.15, help="seconds each backend request takes")
    parser.add_argument("--lag", type=SECONDS, default=0.0, help="seconds until a new row shows in the lists")
    parser.add_argument("--showcase", action="store_true", help="mixed and held seats in the last two Teams")
    parser.add_argument("--name", default="", help="what GET /__sandbox__/name answers")
    parser.add_argument("--watch-stdin", action="store_true", help="end when stdin does")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the server; returns the exit status: 2 for a host that is not loopback or a port in use."""
    options = command_line().parse_args(arguments)
    done = threading.Event()
    try:
        server = SandboxServer(
            options.port,
            teams=options.teams,
            seats=options.seats,
            latency=options.latency,
            lag=options.lag,
            host=options.host,
            name=options.name,
            showcase=options.showcase,
        )
        _end_on_signals(done)
        server.start()
    except (ValueError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    if options.watch_stdin:
        threading.Thread(target=_watch_stdin, args=(done,), daemon=True).start()
    print(f"sandbox ready on {server.url}", flush=True)
    done.wait()
    server.stop()
    return 0


def _end_on_signals(done: threading.Event) -> None:
    def end(number: int, frame: FrameType | None) -> None:
        done.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def _watch_stdin(done: threading.Event) -> None:
    """End with the parent: its end of the pipe closes even when it is killed."""
    while sys.stdin.buffer.read(4096):
        pass
    done.set()


if __name__ == "__main__":
    sys.exit(main())
