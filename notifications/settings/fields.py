"""Settings as the pages show them: in groups and lines, in the order and the words a person reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from notifications.settings.runtime import RuntimeSetting

# A lazy translation or a plain text.
Words = Any
# Given what would change and what is stored, by key: the key at fault and the reason, or None.
Rule = Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[str, str] | None]


class SecretInput(forms.PasswordInput):
    """Shows what is typed, and never what is stored or was sent."""

    input_type = "text"


SHORT = "sk-input settings-short"
NUMBER = forms.TextInput({"class": SHORT, "inputmode": "numeric"})
ADDRESS = forms.URLInput({"inputmode": "url"})
DECIMAL = forms.TextInput({"class": SHORT, "inputmode": "decimal"})


@dataclass(frozen=True, slots=True)
class Field:
    """One setting as it is drawn: its own widget unless `widget` is given; `words` names its choices.

    `insist`: the words of the box that a person ticks to get a value below the lower bound.
    `can_make`: the page offers to make a good value.
    """

    setting: RuntimeSetting[Any]
    label: Words
    help: Words = ""
    unit: Words = ""
    widget: forms.Widget | None = None
    words: dict[str, Words] = dataclasses.field(default_factory=dict)
    insist: Words = ""
    can_make: bool = False

    @property
    def key(self) -> str:
        return self.setting.key

    @property
    def id(self) -> str:
        """The key as an HTML id, without the dots that a selector would read as classes."""
        return self.key.replace(".", "-")

    @property
    def is_switch(self) -> bool:
        return isinstance(self.setting.default, bool)

    def formfield(self) -> forms.Field:
        default = self.setting.default
        by_type = {int: NUMBER, float: DECIMAL}
        widget = self.widget or (SecretInput() if self.setting.is_secret else by_type.get(type(default)))
        field = self.setting.formfield(widget=widget)
        field.label, field.help_text = self.label, self.help
        if isinstance(field, forms.ChoiceField):
            field.choices = [(one, self.words.get(one, one)) for one in self.setting.choices]
        attrs = {"id": self.id, "aria-describedby": f"about-{self.id}"}
        if not self.is_switch:
            attrs |= {"class": "sk-input", "autocomplete": "off", "spellcheck": "false"}
        if self.setting.is_secret:
            attrs |= {"aria-labelledby": f"label-{self.id}", "autocapitalize": "off"}
        field.widget.attrs = attrs | field.widget.attrs
        return field


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the form: a field, the two ends of a range, or a list of switches under one name."""

    fields: tuple[Field, ...]
    label: Words = ""

    @property
    def kind(self) -> str:
        if len(self.fields) == 1:
            return "one"
        return "switches" if all(one.is_switch for one in self.fields) else "range"


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that belong together. `channel`: whose settings they are; it gets a test button. `rule`: checks a change.

    `above` and `below` are templates of this group alone. A folded group is opened by its title.
    """

    rows: tuple[Row | Field, ...]
    title: Words = ""
    help: tuple[Words, ...] = ()
    above: str = ""
    below: str = ""
    channel: str = ""
    rule: Rule | None = None
    is_folded: bool = False

    @property
    def lines(self) -> list[Row]:
        """A field alone is a line of its own."""
        return [Row((row,)) if isinstance(row, Field) else row for row in self.rows]

    @property
    def fields(self) -> Iterator[Field]:
        return (one for row in self.lines for one in row.fields)
