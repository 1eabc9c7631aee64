"""Numbers that are shown late: what was changed shows only after some seconds or some readings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Change:
    """One value of the number: shown from `shows_at` on, and after `reads_left` more readings."""

    value: Any
    shows_at: float
    reads_left: int


@dataclass(slots=True)
class Late:
    """One number as it is shown: the value shown now comes first, changes still to show come after it."""

    changes: list[Change] = field(default_factory=list)

    def note(self, value: Any, now: float, *, seconds: float, reads: int) -> None:
        """Note the number as it truly is; a change shows after `seconds`, then after so many `reads`."""
        if not self.changes:
            self.changes.append(Change(value, now, 0))
        elif self.changes[-1].value != value:
            self.changes.append(Change(value, now + seconds, reads))
        self._forget(now)

    def read(self, now: float, *, count: bool = True) -> Any:
        """Return the number as it is shown, and count this reading unless told not to."""
        self._forget(now)
        shown = self.changes[0].value
        for change in self.changes if count else ():
            if change.reads_left and change.shows_at <= now:
                change.reads_left -= 1
        return shown

    def _forget(self, now: float) -> None:
        """Drop every value that a newer one has replaced in what is shown."""
        due = [n for n, change in enumerate(self.changes) if change.shows_at <= now and not change.reads_left]
        if due:
            del self.changes[: due[-1]]
