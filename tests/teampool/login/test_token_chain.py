"""A refresh token leaves once, and its successor is there before anything else happens."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from sandbox.clients import CODEX, IOS
from teampool.login import token_chain
from teampool.models import SentToken
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure
from tests.cast import run_together

PATIENCE = timedelta(seconds=10)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def login(sandbox):
    return sandbox.workspace("omar@example.com")["credentials"]


def spend(login, token=None, patience=PATIENCE):
    return token_chain.spend(
        refresh_token=token or login["refresh_token"], client_id=login["client_id"], patience=patience
    )


def refreshes(sandbox) -> list[str]:
    """The digest of every refresh token that reached the sandbox, in order."""
    return [entry["body"]["refresh_token"] for entry in sandbox.log(op="token")]


class TestSpend:
    def test_the_successor_is_committed_before_the_answer_is_used(self, login):
        tokens = spend(login)
        assert token_chain.newest(login["refresh_token"]) == tokens.refresh_token != login["refresh_token"]
        assert tokens.access_token

    def test_an_old_token_leads_on_to_the_newest(self, sandbox, login):
        first = spend(login)
        second = spend(login)
        third = spend(login, first.refresh_token)
        assert len({login["refresh_token"], first.refresh_token, second.refresh_token, third.refresh_token}) == 4
        assert token_chain.newest(login["refresh_token"]) == third.refresh_token
        sent = refreshes(sandbox)
        assert len(sent) == len(set(sent)) == 3

    def test_many_at_once_send_each_token_once(self, sandbox, login):
        sandbox.shape(reuse_revokes_grant=True)
        sandbox.set_latency(0.05)
        answers = run_together(*[lambda: spend(login, patience=timedelta(seconds=30))] * 5)
        assert [answer for answer in answers if isinstance(answer, Exception)] == []
        sent = refreshes(sandbox)
        assert len(sent) == len(set(sent)) == 5

    def test_without_the_digests_the_grant_would_be_lost(self, sandbox, login):
        """The control: the same race with the guard taken out."""
        sandbox.shape(reuse_revokes_grant=True)
        sandbox.set_latency(0.05)
        answers = run_together(*[lambda: token_chain.refresh_oauth(login["refresh_token"], login["client_id"])] * 3)
        assert Failure.REFRESH_REUSED in {getattr(answer, "failure", None) for answer in answers}

    def test_it_gives_up_on_somebody_who_takes_too_long(self, sandbox, login):
        now = timezone.now()
        SentToken.objects.create(
            digest=token_chain.digest(login["refresh_token"]), sent_at=now, lease_until=now + timedelta(minutes=1)
        )
        with pytest.raises(UpstreamError) as caught:
            spend(login, patience=timedelta(0))
        assert (caught.value.failure, caught.value.code) == (Failure.REFRESH_TRANSIENT, "busy")
        assert refreshes(sandbox) == []

    def test_after_an_answer_that_was_lost_one_more_try_is_made(self, sandbox, login, settings):
        settings.UPSTREAM_TIMEOUT = 1
        sandbox.fault("token", "reset_after")
        with pytest.raises(UpstreamError) as caught:
            spend(login)
        assert caught.value.code == "outcome_unknown"
        with pytest.raises(UpstreamError) as caught:
            spend(login)
        assert caught.value.failure is Failure.REFRESH_REUSED

    def test_a_lost_request_costs_nothing(self, sandbox, login):
        sandbox.fault("token", "reset_before")
        with pytest.raises(UpstreamError):
            spend(login)
        assert spend(login).refresh_token != login["refresh_token"]

    def test_a_process_that_died_over_it_is_followed_by_one_try(self, login):
        now = timezone.now()
        SentToken.objects.create(
            digest=token_chain.digest(login["refresh_token"]), sent_at=now, lease_until=now + timedelta(seconds=30)
        )
        with time_machine.travel(now + timedelta(seconds=31), tick=True):
            assert spend(login).refresh_token != login["refresh_token"]

    def test_an_answer_without_a_new_token_keeps_the_old_one(self, sandbox, login):
        sandbox.fault("token", "no_refresh_token")
        assert spend(login).refresh_token == login["refresh_token"]
        assert not SentToken.objects.exists()
        assert spend(login).refresh_token != login["refresh_token"]

    def test_an_answer_without_an_access_token_still_leaves_the_new_refresh_token(self, sandbox, login):
        sandbox.fault("token", "no_access_token")
        with pytest.raises(UpstreamError):
            spend(login)
        assert token_chain.newest(login["refresh_token"]) != login["refresh_token"]
        assert spend(login).access_token


class TestUnderSeveralClientIds:
    """A refresh token is sent once under each client id, whoever tries, and however often."""

    def spend_as(self, login, client_id, **how):
        return token_chain.spend(
            refresh_token=login["refresh_token"], client_id=client_id, patience=PATIENCE, is_guess=True, **how
        )

    def refused(self, login, client_id) -> UpstreamError:
        with pytest.raises(UpstreamError) as caught:
            self.spend_as(login, client_id)
        return caught.value

    @pytest.mark.parametrize("said", ["token_expired", "invalid_client", "unauthorized_client"])
    def test_a_refused_id_is_not_sent_again_and_the_right_one_still_works(self, sandbox, said):
        sandbox.shape(wrong_client=said)
        sandbox.workspace("omar@example.com")
        login = sandbox.token_set("omar@example.com", IOS)
        for _ in range(3):
            assert self.refused(login, CODEX).failure is Failure.REFRESH_MISCONFIGURED
        assert self.refused(login, CODEX).code == token_chain.REFUSED_BEFORE
        tokens = self.spend_as(login, IOS)
        assert [entry["client_id"] for entry in sandbox.log(op="token")] == [CODEX, IOS]
        assert token_chain.newest(login["refresh_token"]) == tokens.refresh_token
        assert token_chain.proven_client(login["refresh_token"]) == IOS

    def test_the_id_is_written_down_before_the_token_leaves(self, sandbox, login, monkeypatch):
        seen = []
        real = token_chain.refresh_oauth

        def watched(token, client_id):
            seen.append(SentToken.objects.values_list("client_id", flat=True).get())
            return real(token, client_id)

        monkeypatch.setattr(token_chain, "refresh_oauth", watched)
        self.spend_as(login, CODEX)
        assert seen == [CODEX]

    def test_a_lost_answer_is_no_refusal_of_the_id(self, sandbox, login):
        sandbox.fault("token", "reset_before")
        assert self.refused(login, CODEX).code == "outcome_unknown"
        assert SentToken.objects.get().refused_ids == []
        assert self.spend_as(login, CODEX).access_token

    def test_many_at_once_send_it_once_under_a_wrong_id(self, sandbox):
        sandbox.set_latency(0.05)
        sandbox.workspace("omar@example.com")
        login = sandbox.token_set("omar@example.com", IOS)
        answers = run_together(*[lambda: self.spend_as(login, CODEX)] * 4)
        assert {answer.failure for answer in answers} == {Failure.REFRESH_MISCONFIGURED}
        assert len(refreshes(sandbox)) == 1


class TestRemember:
    def test_it_keeps_no_token_in_the_clear(self, login):
        tokens = spend(login)
        stored = str(list(SentToken.objects.values_list("digest", flat=True)))
        assert login["refresh_token"] not in stored
        assert tokens.refresh_token not in stored

    def test_a_token_that_came_back_unchanged_is_no_successor(self):
        token_chain.remember(sent="same", received="same")
        token_chain.remember(sent="same", received="")
        assert not SentToken.objects.exists()
