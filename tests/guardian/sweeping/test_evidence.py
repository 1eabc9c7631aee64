from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from guardian.models import Finding, Sweep
from guardian.settings import Policy
from guardian.sweeping.evidence import twins
from guardian.sweeping.judging import judge
from invites.states import GrantState
from teampool.models import Member, Team
from tests.cast import a_team, an_owner
from tests.invites.rows import a_grant, a_member, a_redemption


def teams_with_people(count: int) -> list[Team]:
    """Each with its owner's row, one of ours, and one stranger."""
    teams = []
    for number in range(Team.objects.count(), Team.objects.count() + count):
        owner = an_owner(f"owner{number}@example.com")
        team = a_team(owner=owner, held=1)
        a_member(team, owner.email, role="account-owner")
        a_member(team, f"seat{number}@example.com")
        a_member(team, f"stranger{number}@example.com")
        a_grant(a_redemption(f"seat{number}@example.com"), GrantState.JOINED, team=team)
        teams.append(team)
    return teams


def judging(policy: Any) -> int:
    """Judge one sweep over every Team; how many queries that took."""
    Finding.objects.all().delete()
    done = Sweep.objects.create(started_at=timezone.now() - timedelta(minutes=30), mode="report")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        judge(done, policy)
    assert done.complete == Team.objects.count()
    assert Finding.objects.filter(kind="stranger").count() == Team.objects.count()
    return len(queries)


@pytest.mark.django_db
def test_judging_takes_as_many_queries_for_sixty_teams_as_for_three() -> None:
    policy = Policy(is_enabled=True)
    teams_with_people(3)
    few = judging(policy)
    teams_with_people(57)
    assert judging(policy) == few
    assert few <= 24


@pytest.mark.django_db
class TestTwins:
    """Two Teams with the same people in them."""

    NOW = timezone.now()

    def twins(self, *, joined: timedelta | None = timedelta(), owns_a_row: bool = False, **fields: Any) -> set[int]:
        """Ana and Sam were in one Team, with `fields`, and came `joined` later into the other."""
        before, after = a_team(**fields), a_team()
        for email in ("ana@example.com", "sam@example.com"):
            a_member(before, email, joined_at=self.NOW)
            moved = a_member(after, email, joined_at=None if joined is None else self.NOW + joined)
            Member.objects.filter(pk=moved.pk).update(upstream_id=before.members.get(email=email).upstream_id)
        if owns_a_row:
            a_member(after, after.owner.email, role="account-owner", joined_at=self.NOW)
        return twins([after.pk])

    def test_the_same_list_twice_is_somebody_elses(self) -> None:
        assert self.twins()

    def test_the_log_ins_own_row_is_known_by_its_address_too(self) -> None:
        """Nobody has said its user id yet; in the other Team it does not stand, and hides nothing."""
        assert self.twins(owns_a_row=True)

    def test_a_list_that_does_not_say_since_when_may_be(self) -> None:
        assert self.twins(joined=None)

    def test_people_who_were_seated_anew_are_no_doubt(self) -> None:
        assert not self.twins(joined=timedelta(hours=1))

    @pytest.mark.parametrize(
        "fields", [{"workspace_state": "suspended"}, {"archived_at": NOW}], ids=["lost", "archived"]
    )
    def test_the_last_list_of_a_team_that_is_gone_is_nobodys(self, fields: dict[str, Any]) -> None:
        assert not self.twins(**fields)
