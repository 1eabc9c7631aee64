"""Every address for programs answers in JSON: with a slash or without, by every method, to everybody."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from base import actors
from invites.models import Redemption
from sandbox.server import SandboxServer
from teampool import api_keys
from teampool.imports import follow
from teampool.models import ImportJob, Team
from tests.cast import ANA, a_code, a_team
from tests.invites.rows import a_seated

pytestmark = pytest.mark.django_db(transaction=True)
IMPORT, REDEEM = "/admin/teams/import", "/api/redemptions"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
JSON = "application/json"
UNKNOWN = [
    "/api",
    "/api/",
    "/api//",
    "/api/redemption",
    "/api/redemptionsx",
    "/api/redemptions//",
    "/api/redemptions/a b/",
    "/api/redemptions/PFQ7/resend",
    "/api/redemptions/%E7%A0%81",
    "/api/%0A",
    "/api/redemptions/x%0Ay",
    "/api/codes/1/void/",
    "/api/..%2Fadmin/",
    "/api/" + "x" * 3000,
    f"{IMPORT}//",
    f"{IMPORT}/1",
    f"{IMPORT}/1/retry/",
    f"{IMPORT}/%0A",
    f"{IMPORT}/import/",
]


def strict(user: User | None = None) -> Client:
    """A client whose requests without a CSRF token are refused, as a browser's are."""
    client = Client(enforce_csrf_checks=True)
    if user is not None:
        client.force_login(user)
    return client


@pytest.fixture(params=["anybody", "operator", "no operator", "key", "wrong key"])
def caller(request: Any, olga: User) -> tuple[Client, dict[str, str]]:
    """Who asks, and the headers they send."""
    key = api_keys.create(name="shop", scope=api_keys.IMPORT, actor=actors.command("tests"))[1]
    users = {"operator": olga, "no operator": User.objects.create_user("sam")}
    headers = {"key": {"X-API-Key": key}, "wrong key": {"X-API-Key": "schlüssel"}}
    return strict(users.get(request.param)), headers.get(request.param, {})


def ask(caller: tuple[Client, dict[str, str]], method: str, path: str, **more: Any) -> Any:
    client, headers = caller
    return client.generic(method, path, headers=headers, **more)


def the_refusal(method: str, answer: Any) -> tuple[int, str]:
    """Status and code of an answer, which is JSON with an error, and no page."""
    assert answer.headers["Content-Type"] == JSON
    assert "no-store" in answer.headers["Cache-Control"]
    if method == "HEAD":  # the server sends no body
        return answer.status_code, ""
    said = answer.json()
    assert said["error"]
    assert set(said) == {"error", "error_code"} or (set(said), said["success"]) == (
        {"error", "error_code", "success"},
        False,
    )
    return answer.status_code, said["error_code"]


class TestUnknownAddresses:
    def test_each_is_told_so_in_json(self, caller: tuple[Client, dict[str, str]]) -> None:
        for path in UNKNOWN:
            for method in METHODS:
                code = "" if method == "HEAD" else "not_found"
                assert the_refusal(method, ask(caller, method, path)) == (404, code), (method, path)

    def test_a_body_is_read_and_changes_nothing(self) -> None:
        for path in UNKNOWN:
            for kind in (JSON, "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
                answer = strict().post(path, data="{" * 100_000, content_type=kind)
                assert the_refusal("POST", answer) == (404, "not_found")
        assert not ImportJob.objects.exists()
        assert not Redemption.objects.exists()

    def test_it_speaks_the_callers_language(self, client: Client) -> None:
        said = {
            language: client.get("/api/", headers={"Accept-Language": language}).json()["error"]
            for language in ("zh-hans", "en")
        }
        assert said == {"zh-hans": "这个地址没有内容。", "en": "There is nothing at this address."}

    @pytest.mark.parametrize("path", ["/apis", "/apix/", "/admin/teams/importx", "/admin/teams/", "/Api/"])
    def test_others_are_left_to_the_pages(self, client: Client, path: str) -> None:
        assert client.get(path).headers["Content-Type"].startswith("text/html")


class TestKnownAddresses:
    def test_by_any_other_method_they_say_which(self, caller: tuple[Client, dict[str, str]]) -> None:
        seat = f"{REDEEM}/{a_seated('joined').public_id}"
        for path, allowed in ((REDEEM, "POST"), (seat, "GET, HEAD")):
            for method in METHODS:
                if method in allowed.split(", "):
                    continue
                plain, slashed = (ask(caller, method, f"{path}{end}") for end in ("", "/"))
                code = "" if method == "HEAD" else "method_not_allowed"
                assert the_refusal(method, plain) == the_refusal(method, slashed) == (405, code), (method, path)
                assert plain.headers["Allow"] == slashed.headers["Allow"] == allowed

    def test_the_import_answers_the_same_with_a_slash(self, caller: tuple[Client, dict[str, str]]) -> None:
        """An operator's browser is sent to the page; who may not import learns nothing, not even the method."""
        for method in METHODS:
            plain, slashed = (ask(caller, method, f"{IMPORT}{end}") for end in ("", "/"))
            assert (plain.status_code, plain.content) == (slashed.status_code, slashed.content), method
            assert plain.headers.get("Location") == slashed.headers.get("Location")
            assert plain.headers.get("Allow") == slashed.headers.get("Allow")
            if plain.status_code == 302:
                assert (method in ("GET", "HEAD"), plain.headers["Location"]) == (True, reverse("admin:import_teams"))
                continue
            status, _code = the_refusal(method, plain)
            assert status in (400, 401, 403, 405)
            assert (plain.headers.get("Allow") == "POST") == (status == 405)

    def test_a_key_is_told_to_post(self) -> None:
        key = api_keys.create(name="shop", scope=api_keys.IMPORT, actor=actors.command("tests"))[1]
        for method in METHODS:
            if method != "POST":
                answer = ask((strict(), {"X-API-Key": key}), method, f"{IMPORT}/")
                code = "" if method == "HEAD" else "method_not_allowed"
                assert the_refusal(method, answer) == (405, code)

    def test_a_session_without_a_csrf_token_is_told_so(self, olga: User) -> None:
        answer = strict(olga).post(f"{IMPORT}/", data="{}", content_type=JSON)
        assert the_refusal("POST", answer) == (403, "csrf_failed")


class TestWithASlash:
    def test_an_account_is_imported(self, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(follow, "WORKER_BEGINS_WITHIN", 0.0)
        key = api_keys.create(name="shop", scope=api_keys.IMPORT, actor=actors.command("tests"))[1]
        sent = {"import_type": "single", "access_token": sandbox.workspace()["credentials"]["access_token"]}
        for action, path in (("created", f"{IMPORT}/"), ("updated", IMPORT)):
            answer = strict().post(path, sent, content_type=JSON, headers={"X-API-Key": key})
            assert (answer.status_code, answer.json()["action"]) == (200, action)
        assert Team.objects.count() == 1

    def test_a_code_is_redeemed_and_its_state_read(self) -> None:
        a_team()
        answer = strict().post(f"{REDEEM}/", {"email": ANA, "code": a_code().code}, content_type=JSON)
        assert answer.status_code == 202
        read, read_too = (strict().get(f"{REDEEM}/{answer.json()['id']}{end}") for end in ("", "/"))
        assert read.json() == read_too.json() == answer.json()

    def test_our_own_addresses_have_none(self) -> None:
        assert reverse("api_redemptions") == REDEEM
        assert reverse("api_redemption", args=["PFQ7"]) == f"{REDEEM}/PFQ7"
