"""Saving one section: what was typed, what is wrong with it at which field, or all of it stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from base.actors import Actor
from config.backoffice.settings_page.fields import Field, Section
from notifications.settings import runtime
from notifications.settings.declared import SMTP_HOST, SMTP_PASSWORD, SMTP_USER

CONFIRMED = "confirmed:"


@dataclass(slots=True)
class Refused:
    """Nothing was saved. `errors`: a sentence by key; `asks_twice`: the keys whose value a person may insist on."""

    errors: dict[str, str] = field(default_factory=dict)
    asks_twice: set[str] = field(default_factory=set)


def typed(section: Section, posted: Mapping[str, str]) -> dict[str, str]:
    """What the form says, by key. A switch that is not there is off; a secret left empty stays as it is."""
    found: dict[str, str] = {}
    for one in section.fields:
        text = posted.get(one.key)
        if one.kind == "switch":
            found[one.key] = "on" if text == "on" else "off"
        elif one.tunable.is_secret:
            if text and text.strip():
                found[one.key] = text.strip()
        elif text is not None:
            found[one.key] = text.replace("\r\n", "\n").strip()
    return found


def changed(section: Section, posted: Mapping[str, str], stored: Mapping[str, Any]) -> list[tuple[Field, str]]:
    """What was typed and differs from what is stored; a secret that was typed always does."""
    texts = typed(section, posted)
    return [
        (one, texts[one.key])
        for one in section.fields
        if one.key in texts and (one.tunable.is_secret or texts[one.key] != runtime.written(stored[one.key]))
    ]


def save(section: Section, posted: Mapping[str, str], *, actor: Actor) -> Refused | None:
    """Store what differs from what is stored, all or none; None when that went well.

    What nobody touched is not looked at again: a value once insisted on does not stand in the way of its neighbours.
    """
    refused, forced, parsed = Refused(), set(), {}
    stored = runtime.read(*section.tunables)
    news = changed(section, posted, stored)
    for one, text in news:
        try:
            parsed[one.key] = one.tunable.parse(text)
        except runtime.BadSetting as error:
            if (may_insist := _may_insist(one, text)) and CONFIRMED + one.key in posted:
                forced.add(one.key)
                parsed[one.key] = one.tunable.parse(text, force=True)
                continue
            refused.errors[one.key] = sentence(error.reason)
            if may_insist:
                refused.asks_twice.add(one.key)
    for key, reason in runtime.disorder(parsed, unread=frozenset(refused.errors)):
        refused.errors.setdefault(key, sentence(reason))
    if elsewhere := meant_for_another(news, stored):
        refused.errors |= elsewhere.errors
    if refused.errors:
        return refused
    try:
        runtime.change({one.key: text for one, text in news}, actor=actor, force=forced)
    except runtime.BadSetting as error:
        return Refused({error.key: sentence(error.reason)})
    return None


def meant_for_another(news: Sequence[tuple[Field, str]], stored: Mapping[str, Any]) -> Refused | None:
    """A stored password goes to no server, and under no name, that it was not typed for; the shell is trusted."""
    texts = {one.key: text for one, text in news}
    is_moved = bool(texts.get(SMTP_HOST.key) or texts.get(SMTP_USER.key))
    if not is_moved or SMTP_PASSWORD.key in texts or not stored.get(SMTP_PASSWORD.key):
        return None
    words = _("Type the password again: the stored one was meant for another server or user name.")
    return Refused({SMTP_PASSWORD.key: words})


def _may_insist(one: Field, text: str) -> bool:
    """Whether only the lower bound stands against it, and the value is still above the floor below that."""
    if one.floor is None or one.tunable.low is None:
        return False
    try:
        value: Any = one.tunable.parse(text, force=True)
    except runtime.BadSetting:
        return False
    return bool(one.floor <= value < one.tunable.low)


def sentence(reason: str) -> str:
    """A reason as a sentence of its own: the command line puts it behind the key."""
    return f"{reason[0].upper()}{reason[1:]}." if reason[:1].islower() else reason
