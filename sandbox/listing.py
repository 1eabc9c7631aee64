"""Paging of the two lists (upstream §3, §4), honest or as dishonest as a fault asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.call import Call, Refused
from sandbox.errors import Json, invalid
from sandbox.state import digits
from sandbox.wire import Reply

ENDLESS_TOTAL = 1_000_000
UNHEARD_OF = "entirely_new"


def _number(call: Call, name: str, default: int) -> int:
    text = call.request.query.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise Refused(invalid(name, "value is not a valid integer"))
    return int(text)


def page(call: Call, rows: list[Json], key: str, invent: Callable[[int], Json]) -> Reply:
    """Return the page asked for; `invent` makes up row n for a list that never ends."""
    shapes, tweak = call.shapes, call.tweak
    offset = _number(call, "offset", 0)
    limit = max(1, min(_number(call, "limit", shapes["default_limit"]), shapes["max_limit"]))
    limit = min(limit, tweak.get("clamp", limit))
    total = len(rows)
    start = max(0, offset + (tweak.get("shift", 0) if offset else 0))
    items = rows[start : start + limit]
    if tweak.get("empty_after") and offset:
        items = []
    if endless := tweak.get("endless"):
        total = ENDLESS_TOTAL
        numbers = range(offset, offset + limit)
        items = [rows[n % len(rows)] if endless == "repeat" and rows else invent(n) for n in numbers]
    if tweak.get("grow"):
        total += offset // limit
    total = max(0, total + tweak.get("lie", 0))
    body: dict[str, Any] = {key: items, "total": total, "limit": limit, "offset": offset}
    if shapes["list_total"] == "absent" or tweak.get("no_total"):
        del body["total"]
    return Reply(body=body)


def matching(call: Call, texts: list[str | None]) -> bool:
    """Say whether a row with these texts passes the `query` filter."""
    wanted = call.request.query.get("query", "").strip().lower()
    return not wanted or any(wanted in text.lower() for text in texts if text)


def respell(row: Json, key: str, form: str) -> None:
    """Write one field of a row as the shapes ask for: as it is, left out, null or in a word nobody knows."""
    if form == "missing":
        row.pop(key, None)
    elif form != "shown":
        row[key] = {"null": None}.get(form, UNHEARD_OF)


def invented_id(number: int) -> str:
    """Return the id of a made-up row."""
    return digits(9, number)
