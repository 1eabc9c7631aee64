"""Facts that stand in Python, for one row, and in SQL, for many: both say the same of any row."""

from __future__ import annotations

import itertools
import uuid

import pytest
from django.utils import timezone

from teampool.models import Member, Owner, Team, lacking_client, living, proven, renewing
from tests.cast import a_team

pytestmark = pytest.mark.django_db


class TestRenewing:
    def test_it_agrees_with_each_owner(self) -> None:
        clients = [("", "given"), *(("a client", state) for state in Owner.Client)]
        tokens = itertools.product(["", "a session"], ["", "a refresh token"], clients, Owner.Login)
        for number, (session, refresh, (client, state), login) in enumerate(tokens):
            Owner.objects.create(
                email=f"o{number}@example.com",
                session_token=session,
                refresh_token=refresh,
                client_id=client,
                client_state=state,
                login=login,
                device_id=uuid.uuid4(),
            )
        said = {owner.pk for owner in Owner.objects.all() if owner.is_renewing}
        assert said == set(Owner.objects.filter(renewing()).values_list("pk", flat=True))
        annotated = Owner.objects.annotate(renews_itself=renewing())
        assert {owner.pk for owner in annotated if owner.renews_itself is True} == said
        assert {owner.pk for owner in annotated.filter(renews_itself=False)} == {o.pk for o in annotated} - said
        # Any session, or a refresh token with a client id that is not wrong, while the log-in works.
        assert (len(said), Owner.objects.count()) == (10 + 3, 80)
        tried = {owner.pk for owner in Owner.objects.all() if owner.is_proven}
        assert tried == set(Owner.objects.filter(proven()).values_list("pk", flat=True)) < said
        assert len(tried) == 10 + 1
        lacking = set(Owner.objects.filter(lacking_client()).values_list("pk", flat=True))
        assert lacking == {owner.pk for owner in Owner.objects.all() if owner.refresh_token and not owner.can_renew}


class TestLiving:
    def test_it_agrees_with_each_team(self) -> None:
        for state, archived_at in itertools.product(Team.Workspace, [None, timezone.now()]):
            team = a_team(workspace_state=state, archived_at=archived_at)
            Member.objects.create(team=team, kind=Member.Kind.MEMBER, upstream_id="u", email="ana@example.com")
        said = {team.pk for team in Team.objects.all() if not team.is_lost}
        assert said == set(Team.objects.filter(living()).values_list("pk", flat=True))
        assert said == set(Team.objects.exclude(~living()).values_list("pk", flat=True))
        assert said == set(Member.objects.shown_now("ana@example.com").values_list("team", flat=True))
        assert len(said) == 4
