"""What the seat rule calls free against a workspace's own books, over random workspaces and random histories.

Out of reach of any client, and so not in the histories: somebody who came and left between two reads without ever
standing in a list, and seats that are taken away between two reads without a trace in the lists: by a renewal, or by
somebody who moved to a Premium seat and back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import find, given, settings
from hypothesis import strategies as st

from teampool.upstream.types import Subscription
from tests.teampool.pool.books import Books, Client
from tests.thinning import at_most

WORKSPACES = at_most(1500)
HISTORIES = at_most(1000)

counts = st.integers(0, 5)


@st.composite
def workspaces(draw: st.DrawFn) -> Books:
    """A settled workspace: everything in it is older than any lag. It may be over-full, with somebody else's doing."""
    members, pending, kept, spare = draw(counts), draw(counts), draw(counts), draw(st.integers(-2, 6))
    own = draw(st.integers(0, 1))
    books = Books(
        paid=max(0, own + members + pending + kept + spare),
        own=own,
        pending_in_held=draw(st.booleans()),
        premium_paid=draw(counts),
    )
    books.members = {f"user-m{n}": 0 for n in range(members)}
    books.kept = {f"user-k{n}" for n in range(kept)}
    for number in range(pending):
        books.invite(f"user-p{number}")
    books.premium = {f"user-x{number}" for number in range(draw(st.integers(0, books.premium_paid)))}
    books.past.clear()
    books.note()
    return books


def free_for(books: Books, **read: Any) -> int:
    client = Client(books)
    client.read(**read)
    return client.free


class TestASettledWorkspace:
    @settings(max_examples=WORKSPACES)
    @given(workspaces())
    def test_what_is_free_is_what_the_books_call_free(self, books: Books) -> None:
        if books.free >= 0:
            assert free_for(books) == books.free
        else:
            assert free_for(books) == 0

    @settings(max_examples=WORKSPACES)
    @given(workspaces())
    def test_without_the_hold_list_it_is_never_more(self, books: Books) -> None:
        assert free_for(books, with_hold_list=False) <= max(0, books.free)

    def test_the_old_rule_sold_what_was_never_bought(self) -> None:
        """The control: all types together, less one, less what is held."""

        def old_rule(seats: Subscription, books: Books) -> int:
            held = sum(pool.held or 0 for pool in seats.pools if pool.seat_type == "default")
            return max(0, (seats.seats_entitled or 0) - held - 1 - books.lists().taken)

        def sells_too_many(books: Books) -> bool:
            return old_rule(books.subscription(), books) > max(0, books.free) >= free_for(books)

        smallest = find(workspaces(), sells_too_many)
        assert smallest.premium_paid > 0


PEOPLE = ("wait", "reads", "accepts", "leaves", "returns", "hold_ends", "goes_premium", "leaves_premium", "owner_moves")
EVENTS = (*PEOPLE, "we_invite", "we_withdraw", "somebody_invites", "somebody_withdraws", "buys")
Step = tuple[str, int, int, int, int]
steps = st.tuples(
    st.sampled_from((*EVENTS, "wait", "we_invite", "leaves", "reads", "reads", "reads")),
    st.integers(0, 7),
    st.integers(0, 15),
    st.integers(0, 15),
    st.integers(0, 15),
)


class History:
    """One workspace and its client, one step after the other; `oversold`: a read called too much free.

    `raised`: a read without the subscription called more free than the one before, other than by what we withdrew.
    """

    def __init__(self, books: Books, **guards: bool) -> None:
        self.books = books
        self.client = Client(books, **guards)
        self.client.read()
        self.came = 0
        self.is_news = False
        self.oversold = False
        self.raised = False

    def step(self, step: Step) -> None:
        name, which, first, second, third = step
        books = self.books
        if name == "wait":
            books.minute += first
        elif name == "reads":
            self.read(which, first, second, third)
        else:
            getattr(self, name)(which, first, second)
        books.note()

    def read(self, which: int, held: int, available: int, hold_list: int) -> None:
        before = self.client.free + len(self.client.withdrawn)
        self.client.read(
            with_seats=bool(which % 4),
            with_hold_list=which != 1,
            held_late=held,
            available_late=available,
            hold_list_late=hold_list,
        )
        self.is_news = False
        if not which % 4:
            self.raised |= self.client.free > max(0, before)
        self.client.withdrawn.clear()
        self.oversold |= self.client.free > max(0, self.books.free)

    def person(self, people: Any, which: int) -> str | None:
        known = sorted(set(people) & self.client.seen)
        return known[which % len(known)] if known else None

    def newcomer(self) -> str:
        self.came += 1
        return f"user-n{self.came}"

    def we_invite(self, which: int, first: int, _second: int) -> None:
        if self.client.free > 0:
            if not self.is_news:
                assert self.books.free > 0 or self.oversold, "a seat was bought through us"
            self.client.invite(self.newcomer(), shown_after=first % 6)

    def somebody_invites(self, which: int, _first: int, _second: int) -> None:
        self.books.make_room()
        self.books.invite(self.newcomer())
        self.is_news = True

    def accepts(self, which: int, first: int, _second: int) -> None:
        pending = sorted(self.books.pending)
        if pending:
            one = pending[which % len(pending)]
            is_known = one in self.client.seen or one in self.client.live
            self.books.accept(one, shown_after=first % 6 if is_known else 0)

    def leaves(self, which: int, first: int, second: int) -> None:
        if one := self.person(self.books.members, which):
            self.books.leave(one, is_kept=first % 3 > 0, shown_for=second % 6)

    def we_withdraw(self, which: int, _first: int, _second: int) -> None:
        if one := self.person(self.books.pending, which):
            self.client.withdraw(one)

    def somebody_withdraws(self, which: int, _first: int, _second: int) -> None:
        if one := self.person(self.books.pending, which):
            del self.books.pending[one]

    def hold_ends(self, which: int, _first: int, _second: int) -> None:
        if self.books.kept:
            self.books.kept.discard(sorted(self.books.kept)[which % len(self.books.kept)])

    def returns(self, which: int, _first: int, _second: int) -> None:
        """Somebody is invited again by somebody else, and takes the seat that was kept."""
        if one := next(iter(sorted(self.books.kept - set(self.books.members))), None):
            self.books.kept.discard(one)
            self.books.shown_until.pop(one, None)
            self.books.invite(one)
            self.is_news = True

    def buys(self, which: int, _first: int, _second: int) -> None:
        self.books.paid += 1

    def goes_premium(self, which: int, first: int, _second: int) -> None:
        """The seat is left, kept, or turned into a Premium one."""
        if one := self.person(self.books.members, which):
            self.books.leave(one, is_kept=False)
            self.books.shown_until.pop(one, None)
            self.books.premium.add(one)
            self.books.premium_paid += 1
            self.books.paid -= first % 2

    def leaves_premium(self, which: int, _first: int, _second: int) -> None:
        known = sorted(self.books.premium - self.client.seen)
        if known:
            one = known[which % len(known)]
            self.books.make_room()
            self.books.premium.discard(one)
            self.books.premium_paid -= 1
            self.books.members[one] = self.books.minute
            self.is_news = True

    def owner_moves(self, which: int, _first: int, _second: int) -> None:
        if self.books.own:
            self.books.own = 0
        else:
            self.books.make_room()
            self.books.own = 1
            self.is_news = True

    def settle(self) -> None:
        """Two complete reads with a quarter of an hour of quiet before each."""
        for _ in range(2):
            self.books.minute += 30
            self.books.note()
            self.client.read()


histories = st.lists(steps, min_size=4, max_size=45)


def after(books: Books, history: list[Step], **guards: bool) -> History:
    told = History(books, **guards)
    for step in history:
        told.step(step)
    return told


class TestAnyHistory:
    @settings(max_examples=HISTORIES)
    @given(workspaces().filter(lambda books: books.free >= 0), histories)
    def test_no_read_calls_more_free_than_the_books_and_in_the_end_both_agree(
        self, books: Books, history: list[Step]
    ) -> None:
        told = after(books, history)
        assert not told.oversold
        assert not told.raised
        told.settle()
        assert told.client.free == max(0, books.free)


def full_house(paid: int = 5) -> Books:
    """Four members besides the owner."""
    return Books(paid=paid, members={f"user-m{n}": 0 for n in range(4)})


def one_invited() -> Books:
    books = Books(paid=2)
    books.invite("user-p0")
    books.note()
    return books


MINUTE: Step = ("wait", 0, 1, 0, 0)
LEAVES: Step = ("leaves", 0, 1, 0, 0)
LISTS_ALONE: Step = ("reads", 0, 0, 0, 0)


def assert_only_with_guard(workspace: Callable[[], Books], history: list[Step], **off: bool) -> None:
    assert not after(workspace(), history).oversold
    assert after(workspace(), history, **off).oversold


class TestEachGuard:
    """Off, it oversells in the very history in which it holds when it is on."""

    def test_a_place_that_emptied_waits_for_a_read_of_the_seats(self) -> None:
        """Somebody's seat is turned into a Premium one; the lists alone say only that the row is gone."""
        history: list[Step] = [MINUTE, ("goes_premium", 0, 1, 0, 0), MINUTE, LISTS_ALONE]
        assert_only_with_guard(full_house, history, waits=False)

    def test_fifteen_minutes_count_from_the_list_without_them(self) -> None:
        """Seen at 11, somebody comes at 13 and Ana leaves at 14; at 27 `available` is of 12, `held` of 13."""
        history: list[Step] = [
            ("wait", 0, 11, 0, 0),
            ("reads", 2, 0, 0, 0),
            MINUTE,
            MINUTE,
            ("somebody_invites", 0, 0, 0, 0),
            ("accepts", 0, 0, 0, 0),
            ("wait", 0, 1, 0, 0),
            LEAVES,
            ("wait", 0, 13, 0, 0),
            ("reads", 2, 14, 15, 14),
        ]
        assert_only_with_guard(lambda: full_house(paid=6), history, counts_from_last_seen=True)

    def test_a_vanished_invite_may_be_somebody_who_left(self) -> None:
        history: list[Step] = [("accepts", 0, 0, 0, 0), LEAVES, MINUTE, LISTS_ALONE]
        assert_only_with_guard(one_invited, history, trusts_vanished_invites=True)
