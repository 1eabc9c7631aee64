from __future__ import annotations

from collections.abc import Callable

import pytest

from teampool.upstream.errors import UpstreamError
from teampool.upstream.paging import ATTEMPTS, MAX_PAGES, PAGE_SIZE, read_all
from teampool.upstream.readers import Page
from teampool.upstream.types import Failure, MemberRow


def row(number: int) -> MemberRow:
    return MemberRow(f"user-{number}", None, "standard-user", "default", "", None, None)


def page(numbers: list[int] | range, total: int | None, *, lost: int = 0, **fields: int | bool) -> Page[MemberRow]:
    values = {"limit": None, "offset": None, "is_doubtful": False} | fields
    return Page(rows=tuple(row(number) for number in numbers), lost=lost, total=total, **values)  # type: ignore[arg-type]


class Pages:
    """A server of pages: a function of the offset, and the record of what was asked."""

    def __init__(self, answer: Callable[[int], Page[MemberRow]]) -> None:
        self.answer = answer
        self.asked: list[int] = []

    def __call__(self, offset: int, limit: int) -> Page[MemberRow]:
        assert limit == PAGE_SIZE
        self.asked.append(offset)
        return self.answer(offset)


def honest(size: int, clamp: int) -> Pages:
    return Pages(lambda at: page(range(at, min(at + clamp, size)), size, limit=clamp, offset=at))


class TestReadAll:
    @pytest.mark.parametrize(
        ("size", "clamp"), [(0, 100), (1, 100), (100, 100), (101, 100), (60, 25), (75, 25), (7, 1)]
    )
    def test_it_reads_every_page_whatever_the_server_clamps_to(self, size: int, clamp: int) -> None:
        pages = honest(size, clamp)
        listing = read_all(pages)
        assert listing.is_complete
        assert [one.user_id for one in listing.rows] == [f"user-{number}" for number in range(size)]
        assert pages.asked == list(range(0, max(size, 1), clamp))

    def test_without_a_total_only_an_empty_page_ends_it(self) -> None:
        pages = Pages(lambda at: page(range(at, min(at + 25, 60)), None))
        listing = read_all(pages)
        assert listing.is_complete
        assert len(listing.rows) == 60
        assert pages.asked == [0, 25, 50, 60]

    @pytest.mark.parametrize(
        ("answer", "problem"),
        [
            (lambda at: page(range(at, at + 5), 10 + at), "page 2: the total changed"),
            (lambda at: page(range(at, at + 5), 10 if at == 0 else None), "page 2: the total changed"),
            (lambda at: page(range(max(at - 1, 0), at + 4), 10), "page 2: a row shown twice"),
            (lambda at: page(range(5), 10), "page 2: a row shown twice"),
            (lambda at: page(range(5), 10, offset=0), "page 2: another page than asked for"),
            (lambda at: page([1, 1], 2), "page 1: a row shown twice"),
            (lambda at: page(range(at, at + 6), 5), "page 1: more rows than the total"),
            (lambda at: page(range(5) if at == 0 else [], 10), "page 2: fewer rows than the total"),
            (lambda at: page(range(5), 5, limit=2), "page 1: more rows than the limit"),
            (lambda at: page(range(at, at + 5), 10**6), f"no end after {MAX_PAGES} pages"),
        ],
    )
    def test_it_reads_anew_and_then_says_what_is_wrong(
        self, answer: Callable[[int], Page[MemberRow]], problem: str
    ) -> None:
        pages = Pages(answer)
        listing = read_all(pages)
        assert not listing.is_complete
        assert listing.problem == problem
        assert listing.failure is None
        assert pages.asked.count(0) == ATTEMPTS
        assert listing.rows

    def test_a_list_that_settles_is_complete_with_the_last_reading_only(self) -> None:
        readings = iter([page([1, 2], 3), page([], 3), page([3, 4], 2)])
        listing = read_all(Pages(lambda at: next(readings)))
        assert listing.is_complete
        assert [one.user_id for one in listing.rows] == ["user-3", "user-4"]

    def test_a_failed_first_page_raises(self) -> None:
        def fail(at: int) -> Page[MemberRow]:
            raise UpstreamError(Failure.TOKEN_REJECTED, status=401)

        with pytest.raises(UpstreamError) as caught:
            read_all(Pages(fail))
        assert caught.value.failure is Failure.TOKEN_REJECTED

    def test_a_failed_later_page_leaves_what_was_read(self) -> None:
        def answer(at: int) -> Page[MemberRow]:
            if at:
                raise UpstreamError(Failure.SERVER_ERROR, status=500)
            return page(range(5), 10)

        pages = Pages(answer)
        listing = read_all(pages)
        assert (listing.is_complete, listing.problem) == (False, "page 2: HTTP 500, server_error")
        assert listing.failure is not None
        assert listing.failure.failure is Failure.SERVER_ERROR
        assert len(listing.rows) == 5
        assert pages.asked == [0, 5]

    def test_a_failure_on_the_second_reading_does_not_raise(self) -> None:
        def answer(at: int) -> Page[MemberRow]:
            if len(pages.asked) == 2:
                raise UpstreamError(Failure.CONNECT_FAILED)
            return page(range(5), 4)

        pages = Pages(answer)
        listing = read_all(pages)
        assert (listing.is_complete, listing.problem) == (False, "page 1: no answer, connect_failed")
        assert len(listing.rows) == 5

    def test_a_lost_row_is_read_over_and_told(self) -> None:
        pages = Pages(lambda at: page([1, 2], 5, lost=1) if at == 0 else page([3, 4], 5))
        listing = read_all(pages)
        assert (listing.is_complete, listing.problem) == (False, "page 1: a row that cannot be read")
        assert len(listing.rows) == 4
        assert pages.asked == [0, 3]

    def test_a_doubtful_row_proves_no_absence(self) -> None:
        listing = read_all(Pages(lambda at: page([1, 2], 2, is_doubtful=True)))
        assert not listing.is_complete
        assert len(listing.rows) == 2
