"""The description of the doors for programs, held against what the doors really answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate

from base import actors
from guardian.clockwork import heartbeats
from invites.models import Redemption
from invites.public import api
from invites.public.status import PublicState
from invites.redeeming.errors import RedeemError
from invites.settings import IS_OPEN
from invites.states import GrantState, Refusal
from notifications.channels.webhook import Webhook
from notifications.models import Message
from notifications.settings import runtime
from sandbox.server import SandboxServer
from teampool import api_keys
from teampool.imports import door as import_door
from teampool.imports import follow, jobs, reasons
from teampool.imports.reading import record
from tests.cast import ANA, SAM, a_code, a_team, an_operator
from tests.invites.rows import a_member, a_refused, a_seated, an_already, an_ended
from tests.notifications.conftest import settle
from tests.notifications.receivers import http_receiver
from tests.teampool.imports.bringing import csv_line

SPEC: dict[str, Any] = json.loads((settings.BASE_DIR / "config" / "openapi.json").read_text())
SCHEMAS = SPEC["components"]["schemas"]
ME = actors.command("tests")
IMPORT, REDEEM, READ = "/admin/teams/import", "/api/redemptions", "/api/redemptions/{id}"
JSON, NDJSON = "application/json", "application/x-ndjson"


def hold(schema: Any, value: Any) -> None:
    """Fails unless `value` is what `schema` of the description says."""
    Draft202012Validator({**schema, "components": SPEC["components"]}, format_checker=FormatChecker()).validate(value)


class Door:
    """Holds every answer of one operation against the description, and knows which documented ones came."""

    def __init__(self, path: str, method: str = "post") -> None:
        self.operation = SPEC["paths"][path][method]
        self.came: set[tuple[str, str]] = set()
        self.codes: set[str] = set()

    def answered(self, answer: Any) -> Any:
        """The parsed body; a list of them for a stream."""
        body = answer.getvalue().decode()
        status, kind = str(answer.status_code), answer.headers["Content-Type"].partition(";")[0]
        documented = self.operation["responses"][status]
        schema = documented["content"][kind]["schema"]
        for name, header in documented.get("headers", {}).items():
            assert not header["required"] or name in answer.headers, (status, name)
        values = [json.loads(line) for line in body.splitlines()] if kind == NDJSON else [json.loads(body)]
        for value in values:
            hold(schema, value)
            self.codes |= {code for code in (value.get("error_code"),) if code}
        self.came.add((status, kind))
        return values if kind == NDJSON else values[0]

    def documented(self) -> set[tuple[str, str]]:
        return {(status, kind) for status, one in self.operation["responses"].items() for kind in one["content"]}


class TestTheFile:
    def test_it_is_valid(self) -> None:
        validate(SPEC)

    def test_it_is_served_to_anyone_and_may_be_kept(self, client: Client) -> None:
        answer = client.get("/openapi.json")
        assert answer.json() == SPEC
        assert answer.headers["Content-Type"] == JSON
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        assert "Set-Cookie" not in answer.headers
        assert not answer.cookies
        again = client.get("/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.post("/openapi.json").status_code == 405

    def test_it_costs_no_query(self, client: Client, django_assert_num_queries: Any, db: None) -> None:
        with django_assert_num_queries(0):
            client.get("/openapi.json")

    @pytest.mark.parametrize("page", ["en", "zh"])
    def test_the_documents_lead_to_it(self, page: str) -> None:
        assert "/openapi.json" in (settings.BASE_DIR / "docs" / page / "integration.md").read_text()

    def test_its_examples_are_what_it_describes(self) -> None:
        operations = [one for item in [*SPEC["paths"].values(), *SPEC["webhooks"].values()] for one in item.values()]
        bodies = [one["requestBody"]["content"][JSON] for one in operations if "requestBody" in one]
        assert len(bodies) == 3
        for body in bodies:
            for example in body["examples"].values():
                hold(body["schema"], example["value"])

    def test_its_words_are_those_of_the_product(self) -> None:
        lines = reasons.INVALID | reasons.RETRYABLE | {reasons.TOKEN_DEAD, reasons.NO_TEAM}
        lines |= {reasons.CLIENT_MISSING, reasons.CLIENT_WRONG}
        for name in ("LineFailed", "ImportSingleFailed"):
            assert set(SCHEMAS[name]["properties"]["error_code"]["enum"]) == lines
        assert set(SCHEMAS["Redemption"]["properties"]["state"]["enum"]) == set(PublicState)
        assert set(SCHEMAS["Redemption"]["properties"]["error_code"]["enum"]) == set(Refusal)
        assert {error.error_code for error in RedeemError.__subclasses__()} <= set(SCHEMAS["RedeemErrorCode"]["enum"])
        assert set(SCHEMAS["LineDone"]["properties"]["action"]["enum"]) == set(jobs.GOOD)

    def test_a_member_too_many_is_seen(self) -> None:
        """Otherwise nothing here would prove anything."""
        with pytest.raises(Exception, match="Additional properties"):
            hold({"$ref": "#/components/schemas/Health"}, {"status": "ok", "more": 1})


@pytest.mark.django_db(transaction=True)
class TestImport:
    @pytest.fixture(autouse=True)
    def no_worker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(follow, "WORKER_BEGINS_WITHIN", 0.0)

    @pytest.fixture
    def key(self) -> str:
        return api_keys.create(name="shop", scope=api_keys.IMPORT, actor=ME)[1]

    def test_every_documented_answer_comes_and_is_as_documented(
        self, client: Client, key: str, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        door = Door(IMPORT)

        def post(payload: Any, *, by: Client = client, **headers: str) -> Any:
            raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            return door.answered(by.post(IMPORT, raw, content_type=JSON, headers={"X-API-Key": key} | headers))

        def single(**fields: Any) -> Any:
            return post({"import_type": "single", **fields})

        login = sandbox.workspace("omar@example.com", members=1)["credentials"]
        other = sandbox.workspace("olive@example.com")["credentials"]
        assert single(access_token=login["access_token"])["action"] == "created"
        assert single(session_token=login["session_token"])["action"] == "updated"
        assert single(access_token=other["access_token"], email="omar@example.com")["error_code"] == "email_mismatch"
        single(access_token="nothing-good-0123456789")
        single(access_token=login["access_token"], account_id="10000000-0000-4000-8000-000000000000")
        text = "\n".join((csv_line(login, "email", "access_token"), csv_line(login, "email", "access_token"), "hello"))
        batch = {"import_type": "batch", "content": text}
        assert [row["type"] for row in post(batch)] == ["start", "progress", "progress", "progress", "finish"]
        assert len(post(batch, Accept=JSON)["results"]) == 3
        for bad in (
            b"{",
            [],
            {},
            {"import_type": 7},
            {"import_type": "batch"},
            {"import_type": "batch", "content": "# nothing"},
            {"import_type": "single"},
            {"import_type": "single", "access_token": 7},
            {"import_type": "single", "access_token": "a", "email": "nobody"},
            {"import_type": "single", "access_token": "a\u0007b"},
            {"import_type": "single", "access_token": "a" * 40_000},
        ):
            post(bad)
        monkeypatch.setattr(jobs, "MOST_LINES", 2)
        post(batch)
        post(b" " * (jobs.MOST_BYTES + 1))
        monkeypatch.setattr(import_door, "LONGEST_WAIT", 0.0)
        monkeypatch.setattr(follow, "WORKER_BEGINS_WITHIN", 60.0)
        assert single(access_token=login["access_token"])["error_code"] == "in_progress"
        post({}, **{"X-API-Key": "wrong"})
        door.answered(client.get(IMPORT, headers={"X-API-Key": key}))

        clerk = User.objects.create_user("clerk", is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="view_team"))
        for user in (clerk, an_operator()):
            session = Client(enforce_csrf_checks=True)
            session.force_login(user)
            door.answered(session.post(IMPORT, b"{}", content_type=JSON))

        assert door.came == door.documented()
        whole = set(SCHEMAS["ImportErrorCode"]["enum"])
        assert whole <= door.codes
        assert {"token_dead", "email_mismatch", "no_team", "in_progress"} <= door.codes
        assert record.NO_TOKEN in whole


@pytest.mark.django_db(transaction=True)
class TestRedeem:
    CODE = "7K2M9QXDVH4TB8NC"

    @pytest.fixture(autouse=True)
    def unthrottled(self, settings: Any) -> None:
        settings.REDEEM_THROTTLE = "off"

    def test_every_documented_answer_comes_and_is_as_documented(self, client: Client, settings: Any) -> None:
        door = Door(REDEEM)
        now = timezone.now()

        def post(email: Any, code: Any, *, content_type: str = JSON) -> Any:
            raw = json.dumps({"email": email, "code": code})
            return door.answered(client.post(REDEEM, raw, content_type=content_type))

        a_code(self.CODE)
        post(ANA, self.CODE)
        a_team()
        assert post(ANA, self.CODE)["state"] == "pending"
        post(SAM, self.CODE)
        post(SAM, a_code(redeem_until=now - timedelta(days=1)).code)
        post(SAM, a_code(voided_at=now).code)
        post(SAM, "nothing")
        post("nobody", self.CODE)
        post(SAM, 7)
        post(SAM, self.CODE, content_type="text/plain")
        post(SAM, "x" * (api.LONGEST_BODY + 1))
        seat = a_seated(GrantState.JOINED, email="joined@example.com")
        assert post(seat.email, a_code().code)["already"] is True
        a_member(a_team(), "premium@example.com", seat_type="prolite")
        post("premium@example.com", a_code().code)
        door.answered(client.get(REDEEM))
        runtime.change({IS_OPEN.key: "off"}, actor=ME)
        post(SAM, a_code().code)
        settings.REDEEM_THROTTLE = "1/m"
        post("first@example.com", self.CODE)
        post("first@example.com", self.CODE)
        assert door.came == door.documented()
        assert door.codes == set(SCHEMAS["RedeemErrorCode"]["enum"]) - {"not_found"}

    def each(self) -> Iterator[Redemption]:
        now = timezone.now()
        for state in (GrantState.RESERVED, GrantState.INVITED, GrantState.VERIFIED, GrantState.JOINED):
            yield a_seated(state, email=f"{state}@example.com")
        for number, why in enumerate(Refusal):
            yield a_refused(why, email=f"refused{number}@example.com")
        yield an_ended(at=now, ends_at=now, email="ended@example.com")
        yield an_already(a_seated(GrantState.JOINED, email="had@example.com"), "had@example.com")

    def test_every_state_reads_as_documented(self, client: Client) -> None:
        door = Door(READ, "get")
        states = {door.answered(client.get(f"{REDEEM}/{redemption.public_id}"))["state"] for redemption in self.each()}
        assert states == set(PublicState)
        door.answered(client.get(f"{REDEEM}/NOTHING"))
        door.answered(client.post(f"{REDEEM}/NOTHING"))
        assert door.came == door.documented()


@pytest.mark.django_db
class TestLowStock:
    def test_the_webhook_hears_what_is_documented(self) -> None:
        (operation,) = SPEC["webhooks"]["lowStock"].values()
        with http_receiver() as receiver:
            settle(webhook_url=receiver.url, webhook_allow_private="on")
            assert Webhook.stored().test().is_delivered
            settle(webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
            body = {"event": "low_stock", "current_seats": 5, "threshold": 10, "message": "5"}
            Webhook.stored().send(Message(channel="webhook", event="low_stock", context=body))
        for post in receiver.posts:
            hold(operation["requestBody"]["content"][JSON]["schema"], post.body)
            for header in operation["parameters"]:
                if header["required"] or header["name"] in post.headers:
                    hold(header["schema"], post.headers[header["name"]])
        documented = {header["name"] for header in operation["parameters"]}
        assert {name for name in receiver.posts[1].headers if name.startswith("webhook-")} == documented
        assert "webhook-signature" not in receiver.posts[0].headers


@pytest.mark.django_db
class TestProbes:
    def test_each_answers_as_documented(self, client: Client) -> None:
        health, ready = Door("/healthz", "get"), Door("/readyz", "get")
        health.answered(client.get("/healthz"))
        ready.answered(client.get("/readyz"))
        heartbeats.beat(timezone.now())
        ready.answered(client.get("/readyz"))
        assert health.came == health.documented()
        assert ready.came == ready.documented()
