"""Renew the tokens of a log-in's Teams by its refresh token (upstream §12)."""

from __future__ import annotations

from django.utils import timezone

from teampool.login import token_chain
from teampool.login.renewed import ACTOR, GRACE, WrongClient, identity_of, keep_newest, refuse_stranger, store, verdict
from teampool.login.tokens import refuse_client
from teampool.models import Owner, Team
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure, TokenSet


def by_refresh(team: Team) -> str:
    """Refresh by OAuth: one token serves all Teams of the Owner."""
    owner = team.owner
    tokens = _spend(owner)
    try:
        whose = identity_of(tokens, "", "", owner)
    except UpstreamError as error:
        raise verdict(error) from None
    refuse_stranger(owner, whose)
    stored = store(team, tokens, whose, source="refresh token")
    others = Team.objects.filter(logins__owner=owner, archived_at=None).exclude(pk=team.pk)
    for other in others.order_by("pk"):
        other.owner = owner
        store(other, tokens, whose, source="refresh token")
    return stored


def _spend(owner: Owner) -> TokenSet:
    """Exchange the stored refresh token; the new one is in the Owner's row on return."""
    while True:
        sent = owner.refresh_token
        Owner.objects.filter(pk=owner.pk).update(refresh_sent_at=timezone.now())
        try:
            is_guess = owner.client_state == Owner.Client.NAMED
            tokens = token_chain.spend(refresh_token=sent, client_id=owner.client_id, patience=GRACE, is_guess=is_guess)
        except UpstreamError as error:
            if error.salvage is not None:
                keep_newest(owner, "refresh_token", token_chain.newest(sent))
            elif error.code != "outcome_unknown":
                # Otherwise `refresh_sent_at` stays: nobody knows whether this token was spent.
                Owner.objects.filter(pk=owner.pk).update(refresh_sent_at=None)
            if error.failure is Failure.REFRESH_REUSED:
                stored = Owner.objects.get(pk=owner.pk)
                if stored.refresh_token and stored.refresh_token != sent:
                    owner.refresh_token, owner.client_id = stored.refresh_token, stored.client_id
                    owner.client_state = stored.client_state
                    owner.credential_version = stored.credential_version
                    continue  # another process spent it and stored the next one: use that
            if error.failure is Failure.REFRESH_MISCONFIGURED:
                cause = str(error)
                refuse_client(owner_id=owner.pk, sent=sent, client_id=owner.client_id, cause=cause, actor=ACTOR)
                raise WrongClient(cause) from None
            raise verdict(error) from None
        keep_newest(owner, "refresh_token", tokens.refresh_token)
        return tokens
