"""Small parts of this room's pages: badges, bars, tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from base.operator_pages import badge, row_link
from base.times import tag
from invites import words
from invites.codes.standing import CodeState, Counts, state_of
from invites.models import CodeBatch, RedeemCode

_USERS_NAMED = 3

_LOOK_OF_CODE = {
    CodeState.UNUSED: ("success", "radio_button_unchecked"),
    CodeState.USED: ("primary", "check_circle"),
    CodeState.EXPIRED: ("warning", "schedule"),
    CodeState.VOID: ("default", "block"),
}


def code_badge(code: RedeemCode, state: CodeState) -> SafeString:
    text = str(state.label)
    if code.max_uses > 1 and state == CodeState.USED:
        text = f"{text} {code.uses_held}/{code.max_uses}"
    return badge(text, *_LOOK_OF_CODE[state])


def bar(counts: Counts) -> SafeString:
    parts = [
        {"state": state.value, "word": state.label, "count": count, "text": words.number(count)}
        for state, count in counts.each()
    ]
    return render_to_string("admin/invites/bar.html", {"parts": parts})


def terms(batch: CodeBatch) -> str:
    said = [words.kind(is_bound=batch.team_id is not None, is_temporary=batch.seat_time is not None)]
    if batch.team is not None:
        said.append(str(batch.team))
    if batch.seat_time is not None:
        said.append(words.duration(batch.seat_time))
    if batch.max_uses > 1:
        said.append(_("%(uses)s uses each") % {"uses": words.number(batch.max_uses)})
    return capfirst(" · ".join(said))


def users(code: Any) -> SafeString | str:
    """Who used the code, with links to their redemptions; `code` comes from `with_users`."""
    if not code.held_by:
        return "–"
    named = ((row_link("invites_redemption", one.pk, one.email),) for one in code.held_by[:_USERS_NAMED])
    links = format_html_join(", ", "{}", named)
    more = len(code.held_by) - _USERS_NAMED
    return format_html("{} +{}", links, words.number(more)) if more > 0 else links


def used_at(code: Any) -> SafeString | str:
    """When the code was first used, else when it was voided."""
    return tag(code.held_by[0].created_at if code.held_by else code.voided_at)


def code_text(code: RedeemCode) -> SafeString:
    return format_html('<code class="code">{}</code>', code.dashed)


def row(code: Any, now: datetime) -> list[SafeString | str]:
    return [code_text(code), code_badge(code, state_of(code, now)), users(code), used_at(code)]


def table(headers: Sequence[object], rows: Iterable[Sequence[object]]) -> dict[str, object]:
    """The context of `admin/invites/table.html`: each cell with its header."""
    return {"headers": headers, "rows": [list(zip(headers, cells, strict=True)) for cells in rows]}
