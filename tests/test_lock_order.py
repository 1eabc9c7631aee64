"""The recorder of `tests.lock_order` sees a wrong order, and lets through what the design allows."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from invites.models import RedeemCode, Redemption, SeatGrant
from invites.redeeming.redeem import redeem
from invites.states import GrantState
from teampool.models import Owner, Team
from tests.cast import ANA, a_code, a_team
from tests.lock_order import RECORDER, judge

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant() -> SeatGrant:
    """Ana's live seat, got by a code."""
    redeem(email=ANA, code=a_code(team=a_team()).code)
    return SeatGrant.objects.select_related("redemption", "team").get()


def lock(row: RedeemCode | Owner | Team | Redemption | SeatGrant) -> None:
    type(row).objects.select_for_update(of=("self",)).get(pk=row.pk)


def breaches() -> list[str]:
    return RECORDER.take()


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("first", "then"),
        [
            ("owner", "code"),
            ("team", "owner"),
            ("team", "code"),
            ("redemption", "team"),
            ("redemption", "code"),
            ("grant", "team"),
        ],
    )
    def test_it_refuses_two_locks_the_wrong_way_round(self, grant, first, then):
        rows = {
            "code": grant.redemption.code,
            "owner": grant.team.owner,
            "team": grant.team,
            "redemption": grant.redemption,
            "grant": grant,
        }
        with transaction.atomic():
            lock(rows[first])
            lock(rows[then])
        (found,) = breaches()
        assert found.lower().startswith(f"the {then} {rows[then].pk} at tests/test_lock_order.py")
        assert f"was locked after the {first} {rows[first].pk} at tests/test_lock_order.py" in found.lower()
        with transaction.atomic():
            lock(rows[then])
            lock(rows[first])
        assert breaches() == []

    @pytest.mark.parametrize("order", [("grant", "redemption"), ("redemption", "grant")])
    def test_it_refuses_a_grant_and_its_claim_without_the_team(self, grant, order):
        rows = {"grant": grant, "redemption": grant.redemption}
        with transaction.atomic():
            lock(grant.redemption.code)
            for name in order:
                lock(rows[name])
        assert len(breaches()) == 1

    def test_another_team_does_not_help(self, grant):
        other = a_team()
        with transaction.atomic():
            lock(other)
            lock(grant)
            lock(grant.redemption)
        assert len(breaches()) == 1

    def test_an_update_locks_as_well(self, grant):
        with transaction.atomic():
            SeatGrant.objects.filter(pk=grant.pk, state=grant.state).update(looks=1)
            Team.objects.filter(pk=grant.team_id).update(ghosts=0)
        assert len(breaches()) == 1

    def test_an_update_that_names_no_row_may_have_waited_for_any(self, grant):
        with transaction.atomic():
            lock(grant.team)
            lock(grant)
            Team.objects.filter(name=grant.team.name).update(ghosts=0)
        assert len(breaches()) == 1

    def test_it_counts_how_the_claim_was_when_it_was_locked(self, grant):
        with transaction.atomic():
            lock(grant.redemption)
            SeatGrant.objects.filter(pk=grant.pk).update(state=GrantState.ENDED, ended_at=timezone.now())
            lock(grant.team)
        assert [found.split(" at ")[0] for found in breaches()] == [
            f"the grant {grant.pk}",
            f"the Team {grant.team_id}",
        ]

    def test_a_breach_is_reported_though_the_transaction_was_rolled_back(self, grant):
        with transaction.atomic():
            lock(grant)
            lock(grant.team)
            transaction.set_rollback(True)
        assert len(breaches()) == 1

    def test_a_lock_outside_a_transaction_is_reported(self, grant):
        lock(grant.team)  # the test itself has one around it, which PostgreSQL takes for good and we do not
        (found,) = breaches()
        assert found.startswith("Team is locked outside a transaction at tests/test_lock_order.py")


class TestWhatIsAllowed:
    @pytest.mark.parametrize("order", [("grant", "redemption"), ("redemption", "grant")])
    def test_a_grant_and_its_claim_either_way_under_their_team(self, grant, order):
        rows = {"grant": grant, "redemption": grant.redemption}
        with transaction.atomic():
            lock(grant.team)
            for name in order:
                lock(rows[name])
        assert breaches() == []

    def test_a_claim_without_a_live_grant_before_the_team(self, grant):
        SeatGrant.objects.filter(pk=grant.pk).update(state=GrantState.ENDED, ended_at=timezone.now())
        with transaction.atomic():
            lock(grant.redemption.code)
            lock(grant.redemption)
            lock(grant.team)
        assert breaches() == []

    def test_a_row_that_is_held_already_is_not_locked_anew(self, grant):
        with transaction.atomic():
            lock(grant.team)
            lock(grant)
            lock(grant.team)
            Team.objects.filter(pk=grant.team_id).update(ghosts=0)
        assert breaches() == []

    def test_the_next_transaction_begins_with_nothing(self, grant):
        with transaction.atomic():
            lock(grant)
        with transaction.atomic():
            lock(grant.team)
        assert breaches() == []

    def test_what_a_savepoint_took_goes_with_it(self, grant):
        with transaction.atomic():
            with transaction.atomic():
                lock(grant)
                transaction.set_rollback(True)
            lock(grant.team)
        assert breaches() == []

    def test_what_a_finished_savepoint_took_stays(self, grant):
        with transaction.atomic():
            with transaction.atomic():
                lock(grant)
            lock(grant.team)
        assert len(breaches()) == 1

    def test_who_skips_locked_rows_waits_for_nobody(self, grant):
        with transaction.atomic():
            lock(grant)
            list(Team.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=grant.team_id))
        assert breaches() == []

    def test_updates_of_their_own_hold_nothing(self, grant):
        SeatGrant.objects.filter(pk=grant.pk).update(looks=1)
        Team.objects.filter(pk=grant.team_id).update(ghosts=0)
        assert breaches() == []


def test_the_test_fails_in_the_end(grant):
    with transaction.atomic():
        lock(grant)
        lock(grant.team)
    with pytest.raises(pytest.fail.Exception, match=r"the Team .* was locked after the grant"):
        judge()
    judge()  # said once
