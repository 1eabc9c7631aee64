"""Run-time settings: declared in each room's settings module, stored as rows, edited in the admin and by `config`."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from base.actors import Actor
from notifications.audit import events
from notifications.models import Setting

Value = TypeVar("Value", bool, int, float, str)
# A rule over several settings: given their values, the key at fault and the reason, or None.
Together = Callable[[Mapping[str, Any]], tuple[str, str] | None]
_DECLARED: dict[str, RuntimeSetting[Any]] = {}
_IN_ORDER: list[tuple[str, str]] = []
_TOGETHER: list[tuple[Together, tuple[str, ...]]] = []
WORDS = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
# Shown instead of a secret.
IS_SET = "•••"


class BadSetting(ValueError):
    """An unknown key or a refused value. `reason` is for the person who typed; `str()` adds the key."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key, self.reason = key, reason


class SwitchField(forms.BooleanField):
    """On or off: a form's checkbox, or a word of `WORDS`."""

    def to_python(self, value: Any) -> bool:
        word = written(value).strip().lower()
        if word not in WORDS:
            raise ValidationError(_("Write on or off, not {text}.").format(text=repr(value)))
        return WORDS[word]


class TextField(forms.CharField):
    """A text as `check` returns it; an empty text becomes the default."""

    def __init__(self, *, check: Callable[[str], str] | None, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.check = check

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        if not text or text == self.empty_value or self.check is None:
            return text or ""
        try:
            return self.check(text)
        except ValueError as error:
            raise ValidationError(str(error)) from None


@dataclass(frozen=True)
class RuntimeSetting(Generic[Value]):
    """A setting, its default, and the bounds that protect people.

    `floor`: the lowest value a person may force below `low`. `check` returns a typed text as it is stored, or raises
    ValueError with a translated reason. A secret is encrypted and never shown again. `rings`: the bell a change rings.
    """

    key: str
    default: Value
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    choices: tuple[str, ...] = ()
    check: Callable[[str], str] | None = None
    is_secret: bool = False
    rings: Callable[[], None] | None = None

    def get(self) -> Value:
        return self.of(Setting.objects.filter(key=self.key).first())

    def of(self, row: Setting | None) -> Value:
        """The value in `row`, or the default; for callers that read many rows at once."""
        if row is None:
            return self.default
        return cast(Value, row.secret if self.is_secret else row.value)

    def formfield(self, *, force: bool = False, **options: Any) -> forms.Field:
        """The form field of this setting. `force` skips the bounds, never the type."""
        if isinstance(self.default, bool):
            return SwitchField(required=False, **options)
        if isinstance(self.default, int | float):
            return self._number_field(force=force, **options)
        if self.choices:
            refused = _("One of {choices}.").format(choices=", ".join(self.choices))
            words = {"required": refused, "invalid_choice": refused}
            return forms.ChoiceField(choices=[(one, one) for one in self.choices], error_messages=words, **options)
        return TextField(check=self.check, empty_value=self.default, **options)

    def _number_field(self, *, force: bool, **options: Any) -> forms.Field:
        is_whole = isinstance(self.default, int)
        not_one = _("Write a whole number.") if is_whole else _("Write a number.")
        low, high = (f"{bound:,}" if bound is not None else "…" for bound in (self.low, self.high))
        outside = _("Between {low} and {high}.").format(low=low, high=high)
        words = {"required": not_one, "invalid": not_one, "min_value": outside, "max_value": outside}
        if not force:
            options |= {"min_value": self.low, "max_value": self.high}
        kind = forms.IntegerField if is_whole else forms.FloatField
        return kind(error_messages=words, **options)

    def parse(self, text: str, *, force: bool = False) -> bool | int | float | str:
        """The value of a typed text. Raises BadSetting."""
        try:
            return cast(Value, self.formfield(force=force).clean(text))
        except ValidationError as error:
            raise BadSetting(self.key, error.messages[0]) from None

    def insisted(self, text: str) -> int | float | None:
        """The value, when it lies between `floor` and `low` and is otherwise valid; else None."""
        if self.floor is None or self.low is None:
            return None
        try:
            value = cast("int | float", self.parse(text, force=True))
        except BadSetting:
            return None
        return value if self.floor <= value < self.low else None

    def shown(self, value: Value) -> bool | int | float | str:
        """The value, or only a mark that a secret is set."""
        return value if not self.is_secret else IS_SET if value else ""


def declare(setting: RuntimeSetting[Value]) -> RuntimeSetting[Value]:
    """Register a setting; call it once, in the settings module of the room that reads it."""
    _DECLARED[setting.key] = setting
    return setting


def written(value: bool | int | float | str) -> str:
    """The value as a person types it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def require_min_below_max(low: RuntimeSetting[Any], high: RuntimeSetting[Any]) -> None:
    """Refuse every later change that leaves `low` above `high`."""
    _IN_ORDER.append((low.key, high.key))


def require_together(rule: Together, *settings: RuntimeSetting[Any]) -> None:
    """Refuse every later change of these settings when `rule`, given all their values, names a key and a reason."""
    _TOGETHER.append((rule, tuple(one.key for one in settings)))


def declared() -> Mapping[str, RuntimeSetting[Any]]:
    return dict(sorted(_DECLARED.items()))


def find(key: str) -> RuntimeSetting[Any]:
    """Raises BadSetting when no room declared `key`."""
    if key not in _DECLARED:
        raise BadSetting(key, _("No such setting."))
    return _DECLARED[key]


def read(*settings: RuntimeSetting[Any]) -> dict[str, Any]:
    """Several values by key, in one query."""
    rows = {row.key: row for row in Setting.objects.filter(key__in=[one.key for one in settings])}
    return {one.key: one.of(rows.get(one.key)) for one in settings}


def change(values: Mapping[str, str], *, actor: Actor, force: bool = False) -> None:
    """Write several typed settings, all or none. Raises BadSetting on the first bad value. `force` skips the bounds."""
    store({key: find(key).parse(text, force=force) for key, text in values.items()}, actor=actor)


def store(values: Mapping[str, Any], *, actor: Actor) -> None:
    """Write several values that their form fields have parsed, all or none."""
    with transaction.atomic(durable=True):
        _write(values, actor)


def change_with_its_fact(values: Mapping[str, str], *, actor: Actor) -> None:
    """Like `change`, in the caller's transaction, which also records why."""
    _write({key: find(key).parse(text) for key, text in values.items()}, actor)


def _write(parsed: Mapping[str, Any], actor: Actor) -> None:
    for key, reason in cross_field_errors(parsed):
        raise BadSetting(key, reason)
    for key, value in parsed.items():
        setting = find(key)
        before = setting.get()
        column = "secret" if setting.is_secret else "value"
        Setting.objects.update_or_create(key=key, defaults={column: value, "updated_at": timezone.now()})
        if before != value:
            events.setting_changed(key=key, before=setting.shown(before), after=setting.shown(value), actor=actor)
            if setting.rings:
                setting.rings()


def cross_field_errors(parsed: Mapping[str, Any], *, unread: Container[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield the key and reason of each change that breaks a rule over several settings.

    `unread`: settings whose typed value could not be read; rules over them are skipped.
    """
    for low, high in _IN_ORDER:
        if (low in parsed or high in parsed) and low not in unread and high not in unread:
            values = read(find(low), find(high)) | dict(parsed)
            if values[low] > values[high]:
                yield low if low in parsed else high, _("The minimum cannot exceed the maximum.")
    for rule, keys in _TOGETHER:
        if not parsed.keys().isdisjoint(keys) and not any(key in unread for key in keys):
            refused = rule(read(*(find(key) for key in keys)) | dict(parsed))
            if refused is not None:
                yield refused
