"""What the demo shows: a mixed Team, and a Team whose seats are held."""

from __future__ import annotations

import pytest

from sandbox.server import SandboxServer
from tests.sandbox.client import Admin, ask
from tests.sandbox.test_seats import numbers


@pytest.fixture
def shown():
    running = SandboxServer(teams=3, showcase=True)
    running.start()
    yield running
    running.stop()


class TestShowcase:
    def test_the_second_last_is_mixed(self, shown):
        mixed = Admin(shown, 1)
        assert (numbers(mixed), numbers(mixed, "prolite")) == ((5, 0, 3), (2, 0, 1))
        assert mixed.seats().data["seats_entitled"] == 7

    def test_the_last_has_held_seats_and_holds_more(self, shown):
        last = Admin(shown, 2)
        assert numbers(last) == (5, 2, 2)
        assert last.members("?active_vacancy_hold_seat_type=default").data["total"] == 2
        person = shown.world.member(last.account_id, "ana@example.net")
        assert last.remove(person["user_id"]).data["policy_notice"]["replacement_required"] is True
        assert numbers(last) == (5, 3, 1)

    def test_the_others_are_plain_and_a_reset_brings_it_all_back(self, shown):
        assert numbers(Admin(shown, 0)) == (5, 0, 4)
        shown.reset()
        assert numbers(Admin(shown, 2)) == (5, 2, 2)

    def test_the_page_shows_both(self, shown):
        page = ask(shown, "GET", "/").text
        assert "Premium 1 + 0 / 2 · Codex 1" in page
        assert "保留的席位 Held seats" in page
        assert "gone1.team3@example.com" in page

    def test_one_workspace_alone_stays_plain(self):
        running = SandboxServer(teams=1, showcase=True)
        assert running.books("10000001-0000-4000-8000-000000000001")["free_standard"] == 4
