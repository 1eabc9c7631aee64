"""Read a whole list, or say that it is not whole (upstream §3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic

from .errors import UpstreamError
from .readers import Page
from .types import InviteRow, MemberRow, RowT

PAGE_SIZE = 100
MAX_PAGES = 100
ATTEMPTS = 3

FetchPage = Callable[[int, int], Page[RowT]]


@dataclass(frozen=True, slots=True)
class Listing(Generic[RowT]):
    """A list as far as it could be read.

    Its rows prove presence. Absence is proved only if `is_complete`, and only for what happened before `started_at`,
    the time before the first request.
    """

    rows: tuple[RowT, ...]
    is_complete: bool
    problem: str
    failure: UpstreamError | None
    started_at: datetime


def row_id(row: MemberRow | InviteRow) -> str:
    return row.user_id if isinstance(row, MemberRow) else row.invite_id


class _Walk(Generic[RowT]):
    """One walk through the pages, to the end or to the first problem."""

    def __init__(self) -> None:
        self.rows: dict[str, RowT] = {}
        self.count = 0
        self.total: int | None = None
        self.problem = ""
        self.doubt = ""
        self.failure: UpstreamError | None = None

    def walk(self, fetch: FetchPage[RowT]) -> None:
        for number in range(1, MAX_PAGES + 1):
            try:
                page = fetch(self.count, PAGE_SIZE)
            except UpstreamError as error:
                self.failure = error
                status = "no answer" if error.status is None else f"HTTP {error.status}"
                self.problem = f"page {number}: {status}, {error.failure.value}"
                return
            if number == 1:
                self.total = page.total
            problem = self._take(page)
            if problem:
                self.problem = f"page {number}: {problem}"
                return
            if page.lost or page.is_doubtful:
                self.doubt = self.doubt or f"page {number}: a row that cannot be read"
            # Without a total, only an empty page shows the end.
            if self.count == self.total or (self.total is None and self._is_empty(page)):
                return
        self.problem = f"no end after {MAX_PAGES} pages"

    @staticmethod
    def _is_empty(page: Page[RowT]) -> bool:
        return not page.rows and not page.lost

    def _take(self, page: Page[RowT]) -> str:
        """Add the page's rows; return what is wrong with the page, or ""."""
        asked_for, known = self.count, len(self.rows)
        for row in page.rows:
            self.rows[row_id(row)] = row
        self.count += len(page.rows) + page.lost
        if page.offset is not None and page.offset != asked_for:
            return "another page than asked for"
        if page.total != self.total:
            return "the total changed"
        if len(self.rows) != known + len(page.rows):
            return "a row shown twice"
        if self.total is not None and self.count > self.total:
            return "more rows than the total"
        if self.total is not None and self._is_empty(page) and self.count < self.total:
            return "fewer rows than the total"
        if page.limit is not None and len(page.rows) + page.lost > page.limit:
            return "more rows than the limit"
        return ""


def read_all(fetch: FetchPage[RowT]) -> Listing[RowT]:
    """Every row; or those that could be read, with `is_complete` False.

    `fetch(offset, limit)` reads a page and raises UpstreamError. A list that changes meanwhile is read again, up to
    three times in all. Raises only when the very first page fails.
    """
    started_at = datetime.now(UTC)
    seen: dict[str, RowT] = {}
    walk: _Walk[RowT] = _Walk()
    for attempt in range(ATTEMPTS):
        walk = _Walk()
        walk.walk(fetch)
        if walk.failure is not None and attempt == 0 and walk.count == 0:
            raise walk.failure
        # Rows of an earlier walk still prove presence.
        seen |= walk.rows
        if not walk.problem or walk.failure is not None:
            break
    if walk.problem or walk.doubt:
        return Listing(tuple(seen.values()), False, walk.problem or walk.doubt, walk.failure, started_at)
    return Listing(tuple(walk.rows.values()), True, "", None, started_at)
