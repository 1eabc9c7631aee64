"""The sections as the templates draw them: stored or typed values, errors at their fields, and never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from config.backoffice.settings_page.fields import Field, Row, Section
from config.backoffice.settings_page.saving import CONFIRMED, Refused, typed
from notifications.settings import runtime


@dataclass(slots=True)
class Control:
    """One field with what stands in it.

    `is_lost`: a secret was typed and must be typed again. `once`: one made just now, shown in this answer only.
    """

    field: Field
    text: str
    error: str = ""
    asks_twice: bool = False
    is_set: bool = False
    is_lost: bool = False
    once: str = ""

    @property
    def confirmed(self) -> str:
        return CONFIRMED + self.field.key

    @property
    def choices(self) -> list[tuple[str, Any]]:
        return [(choice, self.field.words.get(choice, choice)) for choice in self.field.tunable.choices]

    @property
    def wants(self) -> str:
        """The keyboard a phone offers."""
        return "decimal" if isinstance(self.field.tunable.default, float) else "numeric"


@dataclass(slots=True)
class Line:
    row: Row
    controls: list[Control]

    @property
    def errors(self) -> list[Control]:
        return [control for control in self.controls if control.error]


@dataclass(slots=True)
class Shown:
    """One section. `saved_at` right after it was saved; `also` by the last part of the key.

    `more` is what came of its other buttons.
    """

    section: Section
    lines: list[Line]
    folded: list[Line]
    saved_at: datetime | None = None
    also: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def is_unfolded(self) -> bool:
        return any(line.errors for line in self.folded) or "preview" in self.more

    def line(self, key: str) -> Line:
        return next(one for one in (*self.lines, *self.folded) for shown in one.controls if shown.field.key == key)


def show(
    section: Section,
    stored: Mapping[str, Any],
    *,
    posted: Mapping[str, str] | None = None,
    refused: Refused | None = None,
    once: Mapping[str, str] | None = None,
) -> Shown:
    """`posted`: what stands in the form is kept as typed, but for secrets, which nobody gets back."""
    refused, once = refused or Refused(), once or {}
    written = typed(section, posted) if posted is not None else {}

    def control(one: Field) -> Control:
        is_secret = one.tunable.is_secret
        return Control(
            one,
            "" if is_secret else written.get(one.key, runtime.written(stored[one.key])),
            error=refused.errors.get(one.key, ""),
            asks_twice=one.key in refused.asks_twice,
            is_set=is_secret and bool(stored[one.key]),
            is_lost=is_secret and one.key in written,
            once=once.get(one.key, ""),
        )

    def lines(rows: tuple[Row, ...]) -> list[Line]:
        return [Line(row, [control(one) for one in row.fields]) for row in rows]

    also = {one.key.rpartition(".")[2]: stored[one.key] for one in section.also}
    return Shown(section, lines(section.rows), lines(section.folded), also=also)
