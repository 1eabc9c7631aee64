"""The result of an import's line in words: state, reason, and what a Team brought."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from base.times import full
from teampool.imports.reading.record import Record
from teampool.imports.reasons import OTHER_LOGIN, UNTRIED, reason_text
from teampool.models import ImportLine
from teampool.models.imports import where

State = ImportLine.State
_MOST_PROBLEMS = 5
_LOOKS = {
    State.WAITING: (gettext_lazy("Queued"), "default", "hourglass_empty"),
    State.WORKING: (gettext_lazy("In progress"), "info", "sync"),
    State.CREATED: (gettext_lazy("Created"), "success", "check_circle"),
    State.UPDATED: (gettext_lazy("Updated"), "success", "check_circle"),
    State.DUPLICATE: (gettext_lazy("Duplicate"), "default", "content_copy"),
    State.INVALID: (gettext_lazy("Invalid"), "danger", "cancel"),
    State.FAILED: (gettext_lazy("Failed"), "danger", "cancel"),
}

_COLUMNS = {
    "password": gettext_lazy("password"),
    "2fa": "2FA",
    "recovery": gettext_lazy("recovery address"),
    "phone": gettext_lazy("phone number"),
    "date": gettext_lazy("date"),
    "note": gettext_lazy("note"),
    "other": gettext_lazy("other"),
}


def badge(state: str) -> dict[str, str]:
    word, tone, icon = _LOOKS[State(state)]
    return {"text": str(word), "tone": tone, "icon": icon}


def holds(line: ImportLine) -> str:
    """`AT ✓ RT ✓ ST –`: which tokens the line had; never the tokens themselves."""
    there = line.holds.split()
    return " ".join(f"{mark} {'✓' if mark in there else '–'}" for mark in ("AT", "RT", "ST"))


def unused(kinds: Sequence[str]) -> str:
    """`Columns not used: password, 2FA`: what was ignored, never its values; "" when everything was used."""
    names = dict.fromkeys(str(_COLUMNS.get(kind, _COLUMNS["other"])) for kind in kinds)
    if not names:
        return ""
    return _("Columns not used: {names}").format(names=pgettext("between names of columns", ", ").join(names))


def explanation(line: ImportLine) -> str:
    """Why the line failed; or how long the log-in lasts, and how many people the Teams had. Then what was not used."""
    return " · ".join(part for part in (_outcome(line), unused(line.unused)) if part)


def _outcome(line: ImportLine) -> str:
    if line.reason == OTHER_LOGIN and line.email and line.meant_for:
        text = _("This log-in belongs to {email}, not to {owner}. Nothing was saved.")
        return text.format(email=line.email, owner=line.meant_for)
    if line.reason:
        return reason_text(line.reason, line.detail)
    if line.state == State.DUPLICATE and line.duplicate_of is not None:
        return _("Same as line {n}").format(n=line.duplicate_of.where)
    if line.state not in (State.CREATED, State.UPDATED):
        return ""
    parts = []
    if line.renews_itself:
        parts.append(_("Renews itself"))
    elif line.note == UNTRIED and line.access_until is not None:
        text = _("Until {time}, then by its refresh token, which was not tried yet")
        parts.append(text.format(time=full(line.access_until)))
    elif line.access_until is not None:
        parts.append(_("Until {time}, cannot renew itself").format(time=full(line.access_until)))
    if any(team.get("is_spare") for team in line.teams):
        parts.append(_("The login that renews itself is kept; the new one is a spare"))
    if line.note != UNTRIED:
        parts.append(reason_text(line.note))
    people = sum(team.get("baseline") or 0 for team in line.teams)
    if people:
        text = ngettext("{n} person there is kept as baseline", "{n} people there are kept as baseline", people)
        parts.append(text.format(n=people))
    return " · ".join(filter(None, parts))


def problems(records: list[Record]) -> list[str]:
    """Why nothing of this can be imported: the first problems, each with its place."""
    shown = []
    for record in records[:_MOST_PROBLEMS]:
        place, reason = where(record.file, record.line, record.place), reason_text(record.problem, record.detail)
        if not record.file:
            place = _("Line {n}").format(n=place)
        is_known = len(records) == 1 and not record.file
        shown.append(reason if is_known else _("{place}: {reason}").format(place=place, reason=reason))
    if rest := len(records) - len(shown):
        shown.append(ngettext("and {n} more", "and {n} more", rest).format(n=f"{rest:,}"))
    return shown


def finish(counts: dict[str, int], *, free: int) -> str:
    """`Created 3 · updated 1 · failed 2, free seats +11`; leaves out states without lines."""
    words = {
        State.CREATED: _("created {n}"),
        State.UPDATED: _("updated {n}"),
        State.DUPLICATE: _("duplicate {n}"),
        State.INVALID: _("invalid {n}"),
        State.FAILED: _("failed {n}"),
    }
    parts = [word.format(n=f"{counts[state]:,}") for state, word in words.items() if counts.get(state)]
    text = " · ".join(parts)
    text = text[:1].upper() + text[1:]
    return _("{results}, free seats +{n}").format(results=text, n=f"{free:,}") if free else text
