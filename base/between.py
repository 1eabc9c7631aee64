"""Numbers on a command line, both ends included."""

from __future__ import annotations

import argparse
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Between:
    """Reads a whole number for `add_argument(type=…)`; refuses others with a sentence that names both ends."""

    low: int
    high: int

    def __call__(self, text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or not self.low <= number <= self.high:
            raise argparse.ArgumentTypeError(f"a whole number between {self.low:,} and {self.high:,}, not {text!r}")
        return number


PORT = Between(1, 65_535)
