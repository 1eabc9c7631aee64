"""What operators have in their files, brought in by each door: the box, the file field, the command, the API."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from itertools import permutations
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from base import actors
from sandbox.clients import IOS, USUAL
from sandbox.state import short_hash
from teampool import api_keys
from teampool.imports import follow
from teampool.imports.words import explanation
from teampool.models import ApiKey, ImportJob, ImportLine, Owner
from tests.cast import an_owner
from tests.teampool.imports.bringing import State, finish
from tests.teampool.imports.test_secrets import database_dump

pytestmark = pytest.mark.django_db(transaction=True)

PAGE, ADDRESS = "/admin/import/", "/admin/teams/import"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """These tests have no background worker: begin at once."""
    monkeypatch.setattr(follow, "WORKER_BEGINS_WITHIN", 0.0)


@pytest.fixture(params=["box", "file", "command", "api"])
def bring_in(request, olga_client: Client, client: Client, tmp_path) -> Callable[[str], list[ImportLine]]:
    """Bring a text in by one door; the lines of its import."""

    def by_box(text: str) -> None:
        assert olga_client.post(PAGE, {"text": text}).status_code == 302

    def by_file(text: str) -> None:
        upload = SimpleUploadedFile("accounts.json", text.encode())
        assert olga_client.post(PAGE, {"text": "", "file": upload}).status_code == 302

    def by_command(text: str) -> None:
        file = tmp_path / "accounts.json"
        file.write_text(text, encoding="utf-8")
        with suppress(SystemExit):
            call_command("import_teams", str(file), stdout=io.StringIO(), stderr=io.StringIO())

    def by_api(text: str) -> None:
        name = f"shop {ApiKey.objects.count()}"
        key = api_keys.create(name=name, scope=api_keys.IMPORT, actor=actors.command("tests"))[1]
        body = {"import_type": "batch", "content": text}
        response = client.post(ADDRESS, json.dumps(body), content_type="application/json", headers={"X-API-Key": key})
        assert response.getvalue()

    door = {"box": by_box, "file": by_file, "command": by_command, "api": by_api}[request.param]

    def bring_in(text: str) -> list[ImportLine]:
        door(text)
        return finish(ImportJob.objects.latest("pk"))

    return bring_in


def account(login: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: login[name] for name in names}


class TestEnvelopes:
    def test_three_files_of_three_tools_pasted_one_after_the_other(self, sandbox, bring_in):
        first, second, third = (sandbox.workspace(f"omar{number}@example.com") for number in range(3))
        one, two, three = (opened["credentials"] for opened in (first, second, third))
        credentials = account(one, "access_token", "refresh_token", "client_id")
        credentials["chatgpt_account_id"] = first["account_id"]
        texts = [
            {
                "exported_at": "2026-11-01T00:00:00Z",
                "proxies": [],
                "accounts": [
                    {
                        "name": one["email"],
                        "platform": "openai",
                        "type": "oauth",
                        "credentials": credentials,
                        "extra": {},
                    }
                ],
            },
            {"items": [account(two, "email", "access_token")]},
            {
                "type": "codex",
                "metadata": {"email": three["email"], "token": account(three, "access_token", "refresh_token")},
            },
        ]
        lines = bring_in("\n".join(map(json.dumps, texts)))
        assert [(line.number, line.state, line.email) for line in lines] == [
            (1, State.CREATED, "omar0@example.com"),
            (2, State.CREATED, "omar1@example.com"),
            (3, State.CREATED, "omar2@example.com"),
        ]
        assert [line.holds for line in lines] == ["AT RT", "AT", "AT RT"]
        assert Owner.objects.get(email=one["email"]).client_id == one["client_id"]

    def test_a_result_for_each_account_of_one_line(self, sandbox, bring_in):
        good = sandbox.workspace("omar@example.com")["credentials"]
        accounts = [
            {"platform": "gemini", "name": "g@example.com", "credentials": {"access_token": "ya29." + "x" * 40}},
            {"email": "nothing@example.com", "password": "hunter2-hunter2-hunter2"},
            {"credentials": account(good, "access_token")},
        ]
        lines = bring_in(json.dumps({"data": {"accounts": accounts}}))
        assert [(line.number, line.place, line.state, line.reason, line.detail) for line in lines] == [
            (1, "data.accounts[0]", State.INVALID, "other_platform", "gemini"),
            (1, "data.accounts[1]", State.INVALID, "no_token", ""),
            (1, "data.accounts[2]", State.CREATED, "", ""),
        ]
        sent = json.dumps(sandbox.log())
        assert "hunter2" not in sent
        assert "ya29" not in sent


class TestARefreshTokenAlone:
    """With the e-mail, and as another program's file with every other field empty."""

    def texts(self, login):
        empty = dict.fromkeys(("access_token", "id_token", "account_id"), "")
        file = {"type": "codex", **account(login, "email", "refresh_token"), **empty}
        return f"{login['email']}----{login['refresh_token']}\n{json.dumps(file)}"

    def test_the_usual_client_ids_are_tried(self, sandbox, bring_in):
        sandbox.workspace("omar@example.com")
        lines = bring_in(self.texts(sandbox.token_set("omar@example.com", IOS)))
        assert [(line.state, line.holds) for line in lines] == [(State.CREATED, "RT"), (State.DUPLICATE, "RT")]
        assert lines[0].renews_itself
        assert [entry["client_id"] for entry in sandbox.log(op="token")] == list(USUAL)

    def test_where_none_fits_it_is_said_and_kept(self, sandbox, bring_in):
        login = sandbox.workspace("omar@example.com")["credentials"]
        sandbox.fault("token", "oauth_token_expired", times=0)
        lines = bring_in(self.texts(login))
        assert [(line.state, line.reason) for line in lines] == [(State.FAILED, "client_missing")] * 2
        assert "client id" in explanation(lines[0])
        assert login["refresh_token"] in lines[0].payload
        assert len(sandbox.log(op="token")) == len(USUAL)


SECRETS = ("P@ssw0rd!x", "Correct-Horse-9x!", "xK9fT2mQ8vLp4WzR7nB1sD6e", "JBSWY3DPEHPK3PXP")


def columns_sent(sandbox) -> set[str]:
    """The hash of every bearer token, session and refresh token that reached ChatGPT (the sandbox's journal)."""
    sent = {entry[name] for entry in sandbox.log() for name in ("token_hash", "session_hash") if entry[name]}
    return sent | {
        value.removeprefix("sha256:")
        for entry in sandbox.log()
        for value in (entry["body"] or {}).values()
        if isinstance(value, str) and value.startswith("sha256:")
    }


def nothing_of_it_is_kept(sandbox, *allowed: str) -> None:
    """No secret of the lines was sent or stored; only the `allowed` tokens were sent."""
    assert columns_sent(sandbox) <= {short_hash(token) for token in allowed}
    said = json.dumps(sandbox.log()) + database_dump()
    kept = said + "".join(line.payload for line in ImportLine.objects.all())
    kept += "".join(f"{owner.refresh_token} {owner.session_token}" for owner in Owner.objects.all())
    assert not [secret for secret in SECRETS if secret in kept]


class TestWhatIsNoToken:
    def test_a_password_and_a_seed_leave_the_stored_refresh_token_alone(self, sandbox, bring_in):
        login = sandbox.workspace("omar@example.com")["credentials"]
        known = an_owner(login["email"], refresh_token=login["refresh_token"], client_id=login["client_id"])
        for password in SECRETS[:3]:
            (line,) = bring_in("----".join([login["email"], password, SECRETS[3], login["access_token"]]))
            assert (line.state in (State.CREATED, State.UPDATED), line.holds) == (True, "AT")
            assert line.unused == ["password", "2fa"]
        known.refresh_from_db()
        assert (known.refresh_token, known.client_id) == (login["refresh_token"], login["client_id"])
        nothing_of_it_is_kept(sandbox, login["access_token"])

    def test_a_line_without_a_token_is_refused_before_any_call(self, sandbox, bring_in):
        orders = list(permutations(["nobody@example.com", *SECRETS[1:]]))
        good = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        lines = bring_in("\n".join([good, *("----".join(order) for order in orders)]))
        assert lines[0].state == State.CREATED
        assert {(line.state, line.reason, line.email) for line in lines[1:]} == {
            (State.INVALID, "no_token", "nobody@example.com")
        }
        assert len(lines) == 1 + len(orders)
        nothing_of_it_is_kept(sandbox, good)

    def test_labels_are_read_through(self, sandbox, bring_in):
        logins = [sandbox.workspace(f"omar{number}@example.com")["credentials"] for number in range(3)]
        one, two, three = ((login["email"], login["access_token"]) for login in logins)
        lines = bring_in(
            f"邮箱：{one[0]} token：{one[1]}\n"
            f"账号：{two[0]}\n密码：{SECRETS[0]}\n2FA：{SECRETS[3]}\naccess_token：Bearer {two[1]}\n"
            f"```\n3) email: <{three[0]}>, password: {SECRETS[2]}, AT: {three[1]}\n```"
        )
        assert [(line.number, line.state, line.email) for line in lines] == [
            (1, State.CREATED, one[0]),
            (2, State.CREATED, two[0]),
            (7, State.CREATED, three[0]),
        ]
        assert [line.unused for line in lines] == [[], ["password", "2fa"], ["password"]]
        nothing_of_it_is_kept(sandbox, *(login["access_token"] for login in logins))

    @pytest.mark.parametrize("header", ["序号\t邮箱\t访问令牌\t密码\n", ""])
    def test_a_sheet_whose_first_column_counts(self, sandbox, bring_in, header):
        logins = [sandbox.workspace(f"omar{number}@example.com")["credentials"] for number in range(3)]
        rows = [
            f"{number}\t{login['email']}\t{login['access_token']}\t{SECRETS[0]}"
            for number, login in enumerate(logins, 1)
        ]
        lines = bring_in(header + "\n".join(rows))
        assert [(line.state, line.email, line.unused) for line in lines] == [
            (State.CREATED, login["email"], ["password"]) for login in logins
        ]
        nothing_of_it_is_kept(sandbox, *(login["access_token"] for login in logins))

    def test_tokens_of_codex_are_refused_with_their_own_reason(self, sandbox, bring_in):
        good = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        _good, line = bring_in(f"{good}\nomar@example.com----at-AbCdEfGhIjKlMnOpQrSt")
        assert (line.state, line.reason) == (State.INVALID, "personal_token")
        nothing_of_it_is_kept(sandbox, good)
