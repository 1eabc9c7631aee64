"""What a section of the settings page is made of: settings in the order and the words a person reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from notifications.settings.runtime import Tunable

# A lazy translation or a plain text.
Words = Any


@dataclass(frozen=True, slots=True)
class Field:
    """One setting. `kind` says how it is drawn; `words` names its choices.

    `floor`: below its lower bound, down to this, it is taken when the person says so a second time.
    `can_make`: the page offers to make a good value.
    """

    tunable: Tunable[Any]
    label: Words
    kind: str
    help: Words = ""
    unit: Words = ""
    words: dict[str, Words] = dataclasses.field(default_factory=dict)
    floor: float | None = None
    floor_words: Words = ""
    can_make: bool = False

    @property
    def key(self) -> str:
        return self.tunable.key

    @property
    def id(self) -> str:
        """Good for an address and for a selector, unlike the key."""
        return self.key.replace(".", "-")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the form: a field, the two ends of a range, or a list of switches under one name."""

    fields: tuple[Field, ...]
    label: Words = ""
    help: Words = ""

    @property
    def kind(self) -> str:
        if len(self.fields) == 1:
            return "one"
        return "switches" if all(one.kind == "switch" for one in self.fields) else "range"


@dataclass(frozen=True, slots=True)
class Section:
    """One form. `folded` rows stand behind `folded_title`; `above` and `below` are templates of this section alone.

    `also`: settings that these show but are changed elsewhere. `channel`: the way out it sets, which can be tested.
    """

    id: str
    title: Words
    rows: tuple[Row, ...]
    help: tuple[Words, ...] = ()
    folded: tuple[Row, ...] = ()
    folded_title: Words = ""
    above: str = ""
    below: str = ""
    also: tuple[Tunable[Any], ...] = ()
    channel: str = ""

    @property
    def fields(self) -> Iterator[Field]:
        return (one for row in (*self.rows, *self.folded) for one in row.fields)

    def field(self, key: str) -> Field | None:
        return next((one for one in self.fields if one.key == key), None)

    @property
    def tunables(self) -> list[Tunable[Any]]:
        return [*(one.tunable for one in self.fields), *self.also]


def one(field: Field) -> Row:
    return Row((field,), label=field.label, help=field.help)
