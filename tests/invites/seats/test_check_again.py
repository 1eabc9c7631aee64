"""Unconfirmed invitations looked for at once, from the first screen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from base.actors import command
from invites.delivery.drain import deliver
from invites.models import Redemption, SeatGrant
from invites.redeeming.redeem import redeem
from invites.seats.resend import check_again
from invites.states import GrantState
from notifications.models import AuditEvent
from sandbox.server import SandboxServer
from tests.cast import ANA, a_code, a_team, import_sandbox_team
from tests.invites.rows import a_grant, a_redemption

pytestmark = pytest.mark.django_db(transaction=True)
CHECK = "/admin/invites/redemption/check/"
MINUTE = timedelta(minutes=1)


def an_unseen(state: GrantState = GrantState.INVITED, *, minutes: int = 11, email: str = ANA) -> SeatGrant:
    """Looked for in vain, to be looked for again in five minutes."""
    now = timezone.now()
    redemption = a_redemption(email, created_at=now - minutes * MINUTE)
    at = redemption.created_at
    grant = a_grant(redemption, state, team=a_team(held=1), at=at, created_at=at, due_at=now + 5 * MINUTE)
    grant.refresh_from_db()
    return grant


def is_due(grant: SeatGrant) -> bool:
    return SeatGrant.objects.due(timezone.now()).filter(pk=grant.pk).exists()


class TestButton:
    def test_it_makes_them_due_at_once_and_says_how_many(self, olga_client: Client) -> None:
        grants = [an_unseen(), an_unseen(GrantState.INVITING, email="b@example.com")]
        response = olga_client.post(CHECK, {"next": "/admin/"}, follow=True, HTTP_ACCEPT_LANGUAGE="en")
        assert response.redirect_chain == [("/admin/", 302)]
        assert "Checking 2 invitations again." in response.content.decode()
        assert all(is_due(grant) for grant in grants)
        assert [row.task["func"] for row in OrmQ.objects.all()] == ["invites.tasks.deliver"]
        event = AuditEvent.objects.get(action="invites_checked")
        assert (event.actor, event.details) == ("olga", {"invitations": 2})

    def test_with_nothing_left_it_says_so(self, olga_client: Client) -> None:
        response = olga_client.post(CHECK, follow=True, HTTP_ACCEPT_LANGUAGE="en")
        assert "No invitation is unconfirmed any more" in response.content.decode()
        assert not AuditEvent.objects.filter(action="invites_checked").exists()

    def test_a_link_does_nothing(self, olga_client: Client) -> None:
        grant = an_unseen()
        assert olga_client.get(CHECK).status_code == 302
        assert not is_due(grant)

    def test_nobody_without_the_right_comes_in(self, olga, client: Client) -> None:
        olga.is_superuser = False
        olga.save()
        client.force_login(olga)
        assert client.post(CHECK).status_code == 403
        client.logout()
        assert client.post(CHECK).status_code == 302


class TestCheckAgain:
    def check(self) -> int:
        return check_again(now=timezone.now(), actor=command("tests"))

    @pytest.mark.parametrize("state", [GrantState.VERIFIED, GrantState.JOINED, GrantState.ENDED])
    def test_others_are_left_alone(self, state: GrantState) -> None:
        an_unseen(state)
        an_unseen(minutes=9, email="young@example.com")
        assert self.check() == 0

    def test_one_a_worker_is_busy_with_is_left_alone(self) -> None:
        grant = an_unseen()
        SeatGrant.objects.filter(pk=grant.pk).update(lease_until=timezone.now() + MINUTE)
        assert self.check() == 0

    def test_what_has_arrived_meanwhile_is_found(self, sandbox: SandboxServer) -> None:
        sandbox.lag(600)
        import_sandbox_team(sandbox)
        redeem(email=ANA, code=a_code().code)
        deliver()
        past = timezone.now() - 20 * MINUTE
        SeatGrant.objects.update(created_at=past, due_at=timezone.now() + 5 * MINUTE)
        Redemption.objects.update(created_at=past)
        sandbox.advance(601)
        assert deliver() == 0
        assert self.check() == 1
        assert deliver() == 1
        assert SeatGrant.objects.get().state == GrantState.VERIFIED
        assert len(sandbox.log(op="invite")) == 1
