"""Run-time settings: declared by the room that uses them, stored as rows, edited in the admin and by `config`."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from base.actors import Actor
from base.bells import ring
from notifications.audit import events
from notifications.models import Setting

Value = TypeVar("Value", bool, int, float, str)
# Given the values as they would stand together: the key at fault and the reason, or None.
Together = Callable[[Mapping[str, Any]], tuple[str, str] | None]
_DECLARED: dict[str, Tunable[Any]] = {}
_IN_ORDER: list[tuple[str, str]] = []
_TOGETHER: list[tuple[Together, tuple[str, ...]]] = []
WORDS = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
# What the audit and `config` show of a secret.
IS_SET = "•••"


class BadSetting(ValueError):
    """A key is unknown or its value refused. `reason` is for a person; the text adds which key."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key, self.reason = key, reason


@dataclass(frozen=True)
class Tunable(Generic[Value]):
    """One setting with its default and the bounds that protect people.

    `check` gets a typed text, returns it as it is to be stored, and raises ValueError with a translated reason.
    A secret is encrypted at rest and never shown again. `rings`: the task that looks at what a change of it means.
    """

    key: str
    default: Value
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    check: Callable[[str], str] | None = None
    is_secret: bool = False
    rings: str = ""

    def get(self) -> Value:
        return self.of(Setting.objects.filter(key=self.key).first())

    def of(self, row: Setting | None) -> Value:
        """The value in its row, for who read many rows at once."""
        if row is None:
            return self.default
        return cast(Value, row.secret if self.is_secret else row.value)

    def parse(self, text: str, *, force: bool = False) -> bool | int | float | str:
        """Read a value typed by a person. `force` skips the bounds, never the type."""
        if isinstance(self.default, bool):
            if text.strip().lower() not in WORDS:
                raise BadSetting(self.key, _("write on or off, not {text}").format(text=repr(text)))
            return WORDS[text.strip().lower()]
        if isinstance(self.default, int | float):
            return self._number(text, force=force)
        if self.choices and text not in self.choices:
            raise BadSetting(self.key, _("one of {choices}").format(choices=", ".join(self.choices)))
        if not text:
            return self.default  # a text that was emptied is what it was in the beginning
        try:
            return self.check(text) if self.check is not None else text
        except ValueError as error:
            raise BadSetting(self.key, str(error)) from None

    def _number(self, text: str, *, force: bool) -> int | float:
        is_whole = isinstance(self.default, int)
        try:
            number: float = int(text) if is_whole else float(text)
        except ValueError:
            number = math.nan
        # A whole number may be larger than any float, which `isfinite` would choke on; the bounds are for that.
        if isinstance(number, float) and not math.isfinite(number):
            raise BadSetting(self.key, _("write a whole number") if is_whole else _("write a number"))
        if not force and (
            (self.low is not None and number < self.low) or (self.high is not None and number > self.high)
        ):
            low, high = (f"{bound:,}" if bound is not None else "…" for bound in (self.low, self.high))
            raise BadSetting(self.key, _("between {low} and {high}").format(low=low, high=high))
        return number

    def shown(self, value: Value) -> bool | int | float | str:
        """What may be shown of a value: of a secret only that it is set."""
        return value if not self.is_secret else IS_SET if value else ""


def declare(tunable: Tunable[Value]) -> Tunable[Value]:
    """Make a setting known; called once, where the room that reads it defines it."""
    _DECLARED[tunable.key] = tunable
    return tunable


def written(value: bool | int | float | str) -> str:
    """A value as a person types it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def keep_in_order(low: Tunable[Any], high: Tunable[Any]) -> None:
    """From now on a change that leaves `low` above `high` is refused at `low`."""
    _IN_ORDER.append((low.key, high.key))


def hold_together(rule: Together, *tunables: Tunable[Any]) -> None:
    """From now on a change of any of these is refused when `rule`, given all their values, names a key and a reason."""
    _TOGETHER.append((rule, tuple(one.key for one in tunables)))


def declared() -> Mapping[str, Tunable[Any]]:
    return dict(sorted(_DECLARED.items()))


def find(key: str) -> Tunable[Any]:
    """Raises BadSetting when nobody declared `key`."""
    if key not in _DECLARED:
        raise BadSetting(key, _("no such setting"))
    return _DECLARED[key]


def read(*tunables: Tunable[Any]) -> dict[str, Any]:
    """Several values by key, with one query."""
    rows = {row.key: row for row in Setting.objects.filter(key__in=[one.key for one in tunables])}
    return {one.key: one.of(rows.get(one.key)) for one in tunables}


def change(values: Mapping[str, str], *, actor: Actor, force: bool | Container[str] = False) -> None:
    """Write several settings at once, all or none. Raises BadSetting and writes nothing on the first bad one.

    `force` skips the bounds of all of them, or of the keys it names.
    """
    parsed = {
        key: find(key).parse(text, force=force if isinstance(force, bool) else key in force)
        for key, text in values.items()
    }
    with transaction.atomic(durable=True):
        _write(parsed, actor)


def change_with_its_fact(values: Mapping[str, str], *, actor: Actor) -> None:
    """The same in the caller's transaction, which also records what the change is about."""
    _write({key: find(key).parse(text) for key, text in values.items()}, actor)


def _write(parsed: dict[str, Any], actor: Actor) -> None:
    for key, reason in disorder(parsed):
        raise BadSetting(key, reason)
    for key, value in parsed.items():
        tunable = find(key)
        before = tunable.get()
        column = "secret" if tunable.is_secret else "value"
        Setting.objects.update_or_create(key=key, defaults={column: value, "updated_at": timezone.now()})
        if before != value:
            events.setting_changed(key=key, before=tunable.shown(before), after=tunable.shown(value), actor=actor)
            if tunable.rings:
                ring(tunable.rings)


def disorder(parsed: dict[str, Any], *, unread: Container[str] = ()) -> Iterator[tuple[str, str]]:
    """Each key at fault and why, of values that are good alone and not beside the others, or what is stored of these.

    What one of the `unread` belongs to is not looked at: nobody knows what it is to be.
    """
    for low, high in _IN_ORDER:
        if (low in parsed or high in parsed) and low not in unread and high not in unread:
            values = read(find(low), find(high)) | parsed
            if values[low] > values[high]:
                yield low if low in parsed else high, _("The minimum cannot exceed the maximum.")
    for rule, keys in _TOGETHER:
        if not parsed.keys().isdisjoint(keys) and not any(key in unread for key in keys):
            refused = rule(read(*(find(key) for key in keys)) | parsed)
            if refused is not None:
                yield refused
