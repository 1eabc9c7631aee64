"""The settings that say who may let people in (upstream §8)."""

from __future__ import annotations

import pytest


def settings(omar, name=""):
    return omar.ask("GET", omar.path("settings" + name))


class TestSettings:
    def test_it_says_what_the_recorded_answer_says(self, omar):
        answer = settings(omar)
        assert answer.status == 200
        assert answer.data.keys() == {
            "beta_settings",
            "default_seat_type",
            "seat_type_credit_limits",
            "auto_accept_requests",
            "workspace_referrals_enabled",
        }
        assert (answer.data["default_seat_type"], answer.data["auto_accept_requests"]) == ("default", False)

    def test_it_shows_what_was_set(self, omar):
        omar.world.set_workspace(
            omar.account_id, members_may_invite=True, auto_accept_requests=True, default_seat_type="usage_based"
        )
        data = settings(omar).data
        assert (data["members_can_invite"], data["auto_accept_requests"]) == (True, True)
        assert settings(omar, "/default_seat_type").data == {"value": "usage_based"}
        assert settings(omar, "/sofa").status == 404

    @pytest.mark.parametrize("status", ["403", "404", "500"])
    def test_it_may_be_unreadable(self, omar, status):
        omar.world.set_workspace(omar.account_id, settings_answer=status)
        assert settings(omar).status == int(status)
        assert omar.members().status == 200

    def test_it_is_for_managers(self, omar):
        omar.world.demote(omar.account_id, omar.email)
        assert settings(omar).status == 403

    def test_a_fault_may_strike_it(self, omar):
        omar.world.fault("settings", "html_403")
        assert settings(omar).headers["Content-Type"].startswith("text/html")
