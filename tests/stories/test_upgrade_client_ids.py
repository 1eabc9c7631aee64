"""Log-ins of 0.2.0 keep their refresh tokens; the client id it took from a web session's token is asked for anew."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from config.service import startup
from sandbox.server import SandboxServer
from teampool.login.renew import CannotRenew, renew
from teampool.models import Owner, SentToken, Team
from teampool.upstream.clients import CODEX, IOS, WEB
from tests.stories.test_upgrade import OLD
from tests.stories.test_upgrade_seats import SECOND
from tests.stories.test_upgrade_seats import second as second


def stored_by_second(apps: Any, email: str, **fields: Any) -> None:
    owners, teams = (apps.get_model(name).objects.using(OLD) for name in ("teampool.owner", "teampool.team"))
    owner = owners.create(email=email, device_id=uuid.uuid4(), **fields)
    teams.create(owner=owner, account_id=str(uuid.uuid4()), access_token="dead", plan="team")


@pytest.mark.slow(4)
def test_only_a_web_client_id_is_forgotten(second: MigrationExecutor, sandbox: SandboxServer) -> None:
    apps = second.loader.project_state(SECOND).apps
    for email in ("web@example.com", "ios@example.com", "session@example.com"):
        sandbox.workspace(email)
    ios = sandbox.token_set("ios@example.com", IOS)
    web = next(one for one in sandbox.credentials() if one["email"] == "web@example.com")
    stored_by_second(apps, "web@example.com", refresh_token=web["refresh_token"], client_id=WEB)
    stored_by_second(apps, "ios@example.com", refresh_token=ios["refresh_token"], client_id=IOS)
    stored_by_second(apps, "session@example.com", session_token="a-session", refresh_token="rt_x", client_id=WEB)
    sent = apps.get_model("teampool.senttoken").objects.using(OLD)
    sent.create(digest="d" * 64, sent_at=timezone.now(), lease_until=timezone.now(), successor="rt_next")
    connections[OLD].close()

    startup.prepare(lambda _text: None)

    kept = {owner.email: owner for owner in Owner.objects.all()}
    assert (kept["web@example.com"].refresh_token, kept["web@example.com"].client_id) == (web["refresh_token"], "")
    assert not kept["web@example.com"].can_renew
    assert (kept["ios@example.com"].client_id, kept["ios@example.com"].client_state) == (IOS, Owner.Client.GIVEN)
    assert (kept["session@example.com"].can_refresh, kept["session@example.com"].is_renewing) == (False, True)
    assert (SentToken.objects.get().successor, SentToken.objects.get().refused_ids) == ("rt_next", [])

    with pytest.raises(CannotRenew, match="no client id"):
        renew(team_id=Team.objects.get(owner__email="web@example.com").pk, rejected_token="dead")
    assert sandbox.log(op="token") == []
    assert renew(team_id=Team.objects.get(owner__email="ios@example.com").pk, rejected_token="dead")
    assert Owner.objects.get(email="ios@example.com").client_state == Owner.Client.PROVEN
    assert {entry["client_id"] for entry in sandbox.log(op="token")} == {IOS}
    Owner.objects.filter(email="web@example.com").update(client_id=CODEX)
    assert renew(team_id=Team.objects.get(owner__email="web@example.com").pk, rejected_token="dead")
