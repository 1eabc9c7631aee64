"""The form of a section: what this person changed, what is wrong with it at which field, or all of it stored."""

from __future__ import annotations

from collections.abc import Container, Mapping
from functools import cached_property
from typing import Any, cast

from django import forms

from base.actors import Actor
from config.backoffice.settings_page.sections import Section
from notifications.settings import runtime
from notifications.settings.fields import Field, Group, Row

CONFIRMED = "confirmed:"


class Control(forms.BoundField):
    """A setting and what its field shows. The value of a secret is never sent back to the page."""

    form: SectionForm

    @property
    def about(self) -> Field:
        return self.form.section.fields[self.name]

    @property
    def typed(self) -> str | None:
        """The typed text, in the form of `runtime.written`; None when the posted form has no such field."""
        return None if self.data is None else runtime.written(self.data).replace("\r\n", "\n").strip()

    @property
    def seen(self) -> str:
        """What stood in the field when the page was drawn."""
        if self.about.setting.is_secret:
            return ""
        seen: str = self.form.data.get(self.html_initial_name, runtime.written(self.form.stored[self.name]))
        return seen.replace("\r\n", "\n")

    @property
    def is_changed(self) -> bool:
        return self.typed is not None and self.typed != self.seen

    @property
    def is_set(self) -> bool:
        return self.about.setting.is_secret and bool(self.form.stored[self.name])

    @property
    def is_lost(self) -> bool:
        """A secret was typed and must be typed again."""
        return self.about.setting.is_secret and self.is_changed

    @property
    def confirmed(self) -> str:
        """The box by which a person insists on a value below the lower bound."""
        return CONFIRMED + self.name

    @property
    def may_insist(self) -> bool:
        return bool(self.errors) and self.about.setting.insisted(self.typed or "") is not None


class SectionForm(forms.Form):
    """The settings of one section. `judged`: the keys whose typed values are checked; all by default.

    Settings that this person did not change are neither checked nor stored: so a value that was once insisted on does
    not block its neighbours, and what another operator saved since the page was drawn is not undone.
    """

    bound_field_class = Control
    use_required_attribute = False

    def __init__(
        self,
        section: Section,
        stored: Mapping[str, Any],
        data: Mapping[str, Any] | None = None,
        *,
        judged: Container[str] | None = None,
        filled_in: Mapping[str, Any] | None = None,
    ) -> None:
        self.section, self.stored, self.judged = section, stored, judged
        self.changes: dict[str, Any] = {}
        shown = {key: stored[key] for key, one in section.fields.items() if not one.setting.is_secret}
        super().__init__(data, initial={**shown, **(filled_in or {})})
        self.fields |= {key: one.formfield() for key, one in section.fields.items()}

    def control(self, key: str) -> Control:
        return cast(Control, self[key])

    @cached_property
    def changed_data(self) -> list[str]:
        return [
            key for key in self.fields if (self.judged is None or key in self.judged) and self.control(key).is_changed
        ]

    def clean(self) -> dict[str, Any]:
        for key in [*self.errors]:
            insisted = self.section.fields[key].setting.insisted(self.control(key).typed or "")
            if key not in self.changed_data:
                del self.errors[key]
            elif insisted is not None and CONFIRMED + key in self.data:
                del self.errors[key]
                self.cleaned_data[key] = insisted
        self.changes = {key: self.cleaned_data[key] for key in self.changed_data if key in self.cleaned_data}
        for key, reason in runtime.cross_field_errors(self.changes, unread=self.errors):
            self.add_error(key, reason)
        for group in self.section.groups:
            if group.rule and (refused := group.rule(self.changes, self.stored)):
                self.add_error(*refused)
        return self.cleaned_data

    def save(self, *, actor: Actor) -> bool:
        """Store what was changed, all or none; False with the reason at its field when something is wrong with it."""
        if self.is_valid():
            try:
                runtime.store(self.changes, actor=actor)
            except runtime.BadSetting as error:  # another operator meanwhile changed a setting it must fit
                self.add_error(error.key, error.reason)
        return self.is_valid()

    @property
    def groups(self) -> list[tuple[Group, list[tuple[Row, list[Control]]]]]:
        """The groups with their rows and controls, in the page's order."""
        if first := next((key for key in self.fields if key in self.errors), ""):
            self.fields[first].widget.attrs["autofocus"] = True
        return [
            (group, [(row, [self.control(one.key) for one in row.fields]) for row in group.lines])
            for group in self.section.groups
        ]

    @property
    def is_unfolded(self) -> bool:
        """True when a folded group has an error, so that it is drawn open."""
        return any(one.key in self.errors for group in self.section.groups if group.is_folded for one in group.fields)

    @property
    def also(self) -> dict[str, Any]:
        """The values of the section's `also`, by the last part of the key."""
        return {one.key.rpartition(".")[2]: self.stored[one.key] for one in self.section.also}
