"""What operators have in their files, brought in by each door: the box, the file field, the command, the API."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from base import actors
from teampool import api_keys
from teampool.imports import follow
from teampool.models import ImportJob, ImportLine, Owner
from tests.teampool.imports.bringing import State, finish

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
        key = api_keys.create(name="shop", scope=api_keys.IMPORT, actor=actors.command("tests"))[1]
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
