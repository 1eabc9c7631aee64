"""Who in a list is whose: by upstream user id first, then by e-mail (design §3). The only place that says so.

An empty id matches nothing, nor does an empty e-mail: a row that hides its e-mail is found by its id or not at
all. E-mails are compared as they are stored, trimmed and in lower case.

Python finds the person; SQL only asks whether there is a match. For that question the order makes no difference:
there is one if the id or the e-mail agrees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from django.db.models import OuterRef, Q, Value
from django.db.models.functions import Coalesce, NullIf

from invites.models import Departure


class Row(Protocol):
    """A row of a list, as upstream shows it. `email` is empty when upstream hides it."""

    @property
    def upstream_id(self) -> str: ...
    @property
    def email(self) -> str: ...


class Known(Protocol):
    """What we know of a person: a seat, departure or permission. `upstream_user_id` is empty until a list shows it."""

    @property
    def upstream_user_id(self) -> str: ...
    @property
    def email(self) -> str: ...


_One = TypeVar("_One")
_Row = TypeVar("_Row", bound=Row)
_Known = TypeVar("_Known", bound=Known)


class Listed(Generic[_One]):
    """Rows or seats to look a person up in, each given with its upstream user id and e-mail."""

    def __init__(self, people: Iterable[tuple[str, str | None, _One]]) -> None:
        self._people: list[_One] = []
        self._with_id: dict[str, list[int]] = defaultdict(list)
        self._with_email: dict[str, list[int]] = defaultdict(list)
        for place, (upstream_id, email, one) in enumerate(people):
            self._people.append(one)
            if upstream_id:
                self._with_id[upstream_id].append(place)
            if email:
                self._with_email[email].append(place)

    def of(self, upstream_id: str, email: str) -> _One | None:
        """The row or seat with this id, else the one with this e-mail, else None."""
        return next(self.all_of(upstream_id, email), None)

    def all_of(self, upstream_id: str, email: str) -> Iterator[_One]:
        """All with this id, then all with this e-mail: a person's seats may know them by either."""
        places = dict.fromkeys(self._by_id(upstream_id, email) + self._by_email(email))
        return (self._people[place] for place in places)

    def _by_id(self, upstream_id: str, email: str) -> list[int]:
        """If two have this id, first the one whose e-mail agrees too."""
        return sorted(self._with_id.get(upstream_id, ()), key=lambda place: place not in self._by_email(email))

    def _by_email(self, email: str) -> list[int]:
        return self._with_email.get(email, [])

    def pair(self, rows: Iterable[_Row]) -> list[tuple[_Row, _One | None]]:
        """Each row with its seat, no seat twice. First all ids are matched, then the e-mails of what is left.

        So a row with Ana's e-mail and another id does not get her seat if a row further down has her id.
        """
        rows = list(rows)
        claims = [(number, self._by_id(row.upstream_id, row.email)) for number, row in enumerate(rows)]
        claims += [(number, self._by_email(row.email)) for number, row in enumerate(rows)]
        whose: dict[int, int] = {}  # the number of each row, the place of its seat
        for number, places in claims:
            free = [place for place in places if place not in whose.values()]
            if free:
                whose.setdefault(number, free[0])
        return [(row, self._people[whose[number]] if number in whose else None) for number, row in enumerate(rows)]


def shown(rows: Iterable[_Row]) -> Listed[_Row]:
    """The rows of a list, to find a person's row."""
    return Listed((row.upstream_id, row.email, row) for row in rows)


def known(people: Iterable[_Known]) -> Listed[_Known]:
    """Seats or permissions, to find a row's."""
    return Listed((one.upstream_user_id, one.email, one) for one in people)


def leaving(departures: Iterable[Departure]) -> Listed[Departure]:
    """Departures, to find a row's. For a hidden e-mail a departure has the user id as its e-mail."""
    return Listed((one.upstream_user_id or one.email, one.email, one) for one in departures)


def is_any_of(upstream_id: str, email: str, *, ids: Collection[str], emails: Collection[str]) -> bool:
    """True if the id or the e-mail is among these. Asked where a match protects: the log-in's own row, a permission."""
    return bool(upstream_id and upstream_id in ids) or bool(email and email in emails)


def any_of(ids: Iterable[str], emails: Iterable[str]) -> Q:
    """Seats, departures or permissions with any of these ids or e-mails.

    Either is enough: a person may use a second address, and a seat under either one lets them stay.
    """
    return Q(upstream_user_id__in=set(ids) - {""}) | Q(email__in=set(emails) - {""})


def of_row() -> Q:
    """Seats or permissions of the person in the outer query's row: a Member, or a Finding made from one."""
    by_id = Q(upstream_user_id=OuterRef("upstream_id")) & ~Q(upstream_user_id="")
    return by_id | Q(email=OuterRef("email")) & ~Q(email="")


def departures_of_row() -> Q:
    """Departures of the person in the outer query's Member, as `leaving` finds them."""
    return of_row() | Q(upstream_user_id="", email=OuterRef("upstream_id")) & ~Q(email="")


def rows_of_departure() -> Q:
    """Members who are the person of the outer query's Departure: the reverse of `departures_of_row`."""
    its_id = Coalesce(NullIf(OuterRef("upstream_user_id"), Value("")), OuterRef("email"))
    return Q(upstream_id=its_id) & ~Q(upstream_id="") | Q(email=OuterRef("email")) & ~Q(email="")
