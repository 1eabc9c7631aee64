"""Thirty people redeem while seats are given up, held and capped, and numbers lag: the workspaces' own books judge.

Nobody can know of a seat that was given up before the next read of the seats. So in each round the seats fall while
people redeem; then the seats are read; then the invitations go out, while everything else goes on changing.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pytest

from base.actors import Actor
from invites.actions import seat
from invites.delivery.drain import deliver
from invites.following.sync import sync, sync_team
from invites.models import SeatGrant
from invites.reconcile import reconcile
from invites.redeeming.errors import RedeemError
from invites.redeeming.redeem import redeem
from invites.states import GrantState
from sandbox.server import SandboxServer
from teampool import counting
from teampool.known import Known
from teampool.models import Team
from teampool.pool import vacancies
from teampool.pool.capacity import Capacity, Evidence, Reading
from teampool.teams import changes
from tests.cast import a_code, import_sandbox_team, run_together
from tests.invites.clock import pass_time
from tests.invites.invariants import check_books, check_upstream
from tests.thinning import thin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow(2)]
OLGA = Actor("operator", "olga")
ROUNDS, PEOPLE, TEAMS = 3, 30, 2


class Race:
    """One run: its workspaces, its people with their codes, and what may happen to the seats meanwhile."""

    def __init__(self, sandbox: SandboxServer, seed: int) -> None:
        self.sandbox, self.seed, self.dice = sandbox, seed, random.Random(seed)
        sandbox.lag(seconds=self.dice.choice([0, 0, 30]))
        self.teams = [self._open() for _ in range(TEAMS)]
        codes = [a_code().code for _ in range(PEOPLE * 4 // 5)]
        people = [f"p{number}.{seed}@example.com" for number in range(PEOPLE)]
        # The last six bring a code somebody else has too.
        self.codes = {one: codes[number % len(codes)] for number, one in enumerate(people)}
        self.was_in: set[str] = set()

    def _open(self) -> Team:
        dice = self.dice
        seats, there = dice.randint(7, 11), dice.randint(2, 4)
        account_id = self.sandbox.workspace(seats=seats, members=there, premium=dice.choice([0, 2]))["account_id"]
        self.sandbox.set_workspace(
            account_id,
            over_invite="buy",
            holds_from=dice.choice([1, 1, 2]),
            hold_seconds=dice.choice([None, 600, 3600]),
            available_lag_seconds=60,
            held_lag_seconds=dice.choice([0, 60, 300]),
            hold_list_lag_seconds=dice.choice([0, 60]),
            pending_in_held=dice.random() < 0.3,
        )
        team = import_sandbox_team(self.sandbox, account_id, seats=0)
        sync_team(team_id=team.pk)
        return team

    def run(self) -> None:
        """Each round: people redeem while seats fall, the seats are read, people are invited, time passes."""
        people = iter(self.codes)
        for _ in range(ROUNDS):
            is_read = self.dice.random() < 0.8
            for team in self.teams:
                answer = "normal" if is_read else self.dice.choice(["normal", "500"])
                self.sandbox.set_workspace(team.account_id, subscription_answer=answer)
            self._together(*self._comers(people), self._action(self._fall), self._action(self._remove), self._look)
            self._read()
            self._together(*self._comers(people), deliver, reconcile, self._action(self._replace))
            deliver()
            self._read()
            self.compare()
            seconds = self.dice.choice([1, 20, 70, 1000, 1000, 25 * 3600])
            pass_time(seconds)
            self.sandbox.advance(seconds=seconds)

    def _comers(self, people: Iterator[str]) -> list[Callable[[], Any]]:
        return [partial(come, email=next(people), codes=self.codes) for _ in range(PEOPLE // ROUNDS // 2)]

    def _action(self, do: Callable[[random.Random, Team], None]) -> Callable[[], None]:
        """Do it to each Team in some order, with dice of its own: the threads must not share any."""
        dice = random.Random(self.dice.random())
        teams = dice.sample(self.teams, len(self.teams))

        def act() -> None:
            for team in teams:
                do(dice, team)

        return act

    def _together(self, *calls: Callable[[], Any]) -> None:
        for result in run_together(*calls, self._action(self._cap)):
            if isinstance(result, Exception):
                raise result

    def _read(self) -> None:
        sync(team_ids=[team.pk for team in self.teams])

    def _look(self) -> None:
        """A read that may be older than what falls meanwhile."""
        sync_team(team_id=self.teams[0].pk)

    def _fall(self, dice: random.Random, team: Team) -> None:
        """Give up free seats, as far as the seats can be read: else nobody knows for a day."""
        with self.sandbox.world.lock:
            free = self.sandbox.books(team.account_id)["free_standard"]
            settings = self.sandbox.world.find(team.account_id)
            if free and settings.subscription_answer == "normal" and dice.random() < 0.5:
                self.sandbox.drop_seats(team.account_id, count=dice.randint(1, min(free, 3)))

    def _replace(self, dice: random.Random, team: Team) -> None:
        """People accept and leave; a seat that is held no longer is given up at once, or kept; more are bought."""
        books = self.sandbox.books(team.account_id)
        for email in books["invited"]:
            if dice.random() < 0.7:
                self.sandbox.accept(account_id=team.account_id, email=email)
        for email in books["members"]:
            if not email.startswith("owner") and dice.random() < 0.3:
                self.sandbox.leave(account_id=team.account_id, email=email)
        with self.sandbox.world.lock:
            ended = self.sandbox.end_holds(team.account_id)["ended"] if dice.random() < 0.3 else 0
            if ended and dice.random() < 0.5:
                self.sandbox.drop_seats(team.account_id, count=ended)
        if dice.random() < 0.3:
            self.sandbox.buy_seats(team.account_id, count=dice.randint(1, 2))

    def _remove(self, dice: random.Random, team: Team) -> None:
        """An operator takes seats back: ChatGPT may hold them."""
        for grant in SeatGrant.objects.filter(team=team, state=GrantState.JOINED):
            if dice.random() < 0.4:
                seat.take_back(redemption_id=grant.redemption_id, actor=OLGA)

    def _cap(self, dice: random.Random, team: Team) -> None:
        if dice.random() < 0.5:
            return
        cap = dice.choice([None, None, 3, 5, 9])
        changes.change_team(team_id=team.pk, changes={"operator_cap": cap}, actor=OLGA)

    def compare(self) -> None:
        """By what is true upstream: no seat bought by us, none sold twice, no code used twice."""
        check_books()
        self.was_in |= set(check_upstream(self.sandbox))
        used = [self.codes[email] for email in self.was_in & self.codes.keys()]
        assert len(used) == len(set(used)), f"a code was used twice, seed {self.seed}"

    def settle(self) -> None:
        """Everything that was late has come, and nothing is held: what is free is known to the seat, and given out."""
        for team in self.teams:
            self.sandbox.set_workspace(team.account_id, subscription_answer="normal")
            self.sandbox.end_holds(team.account_id)
            changes.change_team(team_id=team.pk, changes={"operator_cap": None}, actor=OLGA)
        for _ in range(3):
            reconcile()
            deliver()
            pass_time(1000)
            self.sandbox.advance(seconds=1000)
            self._read()
            self.compare()
        free = [self.sandbox.books(team.account_id)["free_standard"] for team in self.teams]
        for team in self.teams:
            team.refresh_from_db()
        assert [team.seats_free for team in self.teams] == free, f"seed {self.seed}"
        if any(free):
            last = f"last.{self.seed}@example.com"
            self.codes[last] = a_code().code
            redeem(email=last, code=self.codes[last])
            deliver()
            self.compare()
            assert last in self.was_in


def come(*, email: str, codes: dict[str, str]) -> None:
    """Redeem; whoever hears that there is no seat, or that the code is used, goes."""
    try:
        redeem(email=email, code=codes[email])
    except RedeemError:
        return


@pytest.mark.parametrize("seed", thin(range(50), every=17))
def test_no_seat_is_bought_nor_sold_twice(sandbox: SandboxServer, seed: int) -> None:
    race = Race(sandbox, seed)
    race.run()
    race.settle()


def old_rule(evidence: Evidence) -> Capacity:
    """As 0.2.0 counted: the sum over all kinds of seats, kept for ever, without those shown as held."""
    seats, kept = evidence.subscription, evidence.kept
    if seats is None:
        number = kept.places if kept else 0
    else:
        number = max(0, (seats.seats_entitled or 0) - sum(pool.held or 0 for pool in seats.pools) - 1)
    reading = Reading(Known.ENTITLED, number, 0, 0, 0, None, 0, evidence.read_at)
    places = number if evidence.cap is None else min(number, evidence.cap)
    return Capacity(places, Known.ENTITLED, None, number, reading, 1, evidence.cap)


def back_at_once(waiting: Iterable[vacancies.Vacancy], read: vacancies.Read) -> tuple[vacancies.Vacancy, ...]:
    """The place of whoever left is given out by the next list."""
    return ()


class TestWithoutTheRule:
    """The controls: the same race buys or sells a seat twice."""

    def test_it_is_lost_by_the_old_rule(self, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(counting, "capacity_of", old_rule)
        monkeypatch.setattr(vacancies, "still_waiting", back_at_once)
        assert is_lost(sandbox)

    @pytest.mark.full
    def test_it_is_lost_when_places_come_back_at_once(
        self, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(vacancies, "still_waiting", back_at_once)
        assert is_lost(sandbox)


def is_lost(sandbox: SandboxServer) -> bool:
    """True when a seat was bought or sold twice in a race; the first of a few that does ends it."""
    for seed in range(25):
        with contextlib.suppress(AssertionError):
            Race(sandbox, seed).run()
        books = [sandbox.books(one["account_id"]) for one in sandbox.dump()["workspaces"]]
        if any(one["oversold"] or one["seats_bought_by_us"] for one in books):
            return True
        Team.objects.update(is_enabled=False)
    return False
