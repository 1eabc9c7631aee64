"""`/admin/teams/import` as programs and browsers use it (docs/en/integration.md)."""

from __future__ import annotations

import http.client
import io
import json
from urllib.parse import urlsplit

import pytest
import requests
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory
from django.utils import timezone

from base import actors
from notifications.models import AuditEvent
from teampool import api_keys
from teampool.imports import door, follow
from teampool.imports.payload import read_single
from teampool.imports.reading.text import parse
from teampool.models import ApiKey, ImportJob, ImportLine, Team
from tests.cast import wait_until
from tests.teampool.imports.bringing import State, csv_line

URL = "/admin/teams/import"
ENGLISH = {"Accept-Language": "en"}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key() -> str:
    return api_keys.create(name="shop", scope=api_keys.IMPORT, actor=actors.command("tests"))[1]


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """These tests have no background worker: begin at once."""
    monkeypatch.setattr(follow, "WORKER_BEGINS_WITHIN", 0.0)


def post(client: Client, payload: object, *, raw: bytes | None = None, **headers: str):
    body = json.dumps(payload).encode() if raw is None else raw
    return client.post(URL, data=body, content_type="application/json", headers=ENGLISH | headers)


def single(**fields: object) -> dict[str, object]:
    return {"import_type": "single", **fields}


def rows(response) -> list[dict]:
    return [json.loads(line) for line in response.getvalue().decode().splitlines()]


class TestTheDocumentedProgram:
    """Its requests as it sends them, over a socket, nothing added."""

    def send(self, live_server, key: str, payload: object, **headers: str) -> requests.Response:
        return requests.post(live_server.url + URL, json=payload, headers={"X-API-Key": key} | headers, timeout=60)

    def test_a_single_account(self, live_server, key, sandbox):
        opened = sandbox.workspace("new_team@example.com", members=1)
        payload = {
            "import_type": "single",
            "email": "new_team@example.com",
            "access_token": opened["credentials"]["access_token"],
        }
        response = self.send(live_server, key, payload)
        assert response.status_code == 200
        answer = response.json()
        team = Team.objects.get()
        assert answer["success"] is True
        assert (answer["team_id"], answer["account_id"]) == (team.pk, opened["account_id"])
        assert (answer["email"], answer["action"], answer["error"]) == ("new_team@example.com", "created", None)
        assert answer["message"]
        assert answer["teams"][0]["baseline"] == 1
        again = self.send(live_server, key, payload)
        assert (again.status_code, again.json()["action"]) == (200, "updated")
        assert Team.objects.count() == 1

    def test_its_placeholder_token_is_refused_in_json(self, live_server, key, sandbox):
        response = self.send(
            live_server,
            key,
            {"import_type": "single", "email": "new_team@example.com", "access_token": "NEW_ACCESS_TOKEN"},
        )
        assert response.status_code == 400
        answer = response.json()
        assert (answer["success"], answer["error_code"]) == (False, "token_dead")
        assert answer["error"]

    def test_a_batch_answers_line_by_line(self, live_server, key, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        text = "\n".join((csv_line(login, "email", "access_token"), "omar@example.com,at,,,", "hello"))
        response = self.send(live_server, key, {"import_type": "batch", "content": text})
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/x-ndjson"
        answers = [json.loads(line) for line in response.text.splitlines()]
        assert (answers[0]["type"], answers[0]["total"]) == ("start", 3)
        progress = answers[1:-1]
        assert [row["type"] for row in progress] == ["progress"] * 3
        assert [row["current"] for row in progress] == [1, 2, 3]
        last = {row["last_result"]["line"]: row["last_result"] for row in progress}
        assert last[1]["success"] is True
        assert last[1]["email"] == "omar@example.com"
        assert [last[number]["error_code"] for number in (2, 3)] == ["no_token", "unreadable"]
        finish = answers[-1]
        assert (finish["type"], finish["current"], finish["total"]) == ("finish", 3, 3)
        assert (finish["success_count"], finish["failed_count"]) == (1, 2)

    def test_a_batch_as_one_document(self, live_server, key, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        text = f"{login['access_token']}\nhello"
        response = self.send(live_server, key, {"import_type": "batch", "content": text}, Accept="application/json")
        assert response.headers["Content-Type"] == "application/json"
        answer = response.json()
        assert (answer["total"], answer["success_count"], answer["failed_count"]) == (2, 1, 1)
        assert answer["success"] is False
        assert {one["line"]: one["success"] for one in answer["results"]} == {1: True, 2: False}


class TestSingle:
    @pytest.mark.parametrize(
        "fields", [("access_token",), ("session_token",), ("refresh_token", "client_id"), ("email", "session_token")]
    )
    def test_any_of_the_three_ways_in(self, client, key, sandbox, fields):
        login = sandbox.workspace("omar@example.com")["credentials"]
        response = post(client, single(**{field: login[field] for field in fields}), **{"X-API-Key": key})
        assert response.status_code == 200
        assert response.json()["email"] == "omar@example.com"

    def test_one_account_of_several(self, client, key, sandbox):
        sandbox.workspace("omar@example.com")
        second = sandbox.workspace("omar@example.com")
        payload = single(access_token=second["credentials"]["access_token"], account_id=second["account_id"])
        answer = post(client, payload, **{"X-API-Key": key}).json()
        assert [team["account_id"] for team in answer["teams"]] == [second["account_id"]]

    def test_an_account_id_in_capitals_is_the_same_as_in_a_batch(self):
        account_id = "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE"
        token = "eyJhbGciOiJub25lIn0.e30.c2lnbmF0dXJl"
        record = read_single(single(access_token=token, account_id=account_id))
        assert record.account_id == account_id.lower() == parse(f"{token},{account_id}")[0].account_id

    def test_a_token_in_another_ones_field_is_what_its_shape_says(self):
        token = "eyJhbGciOiJkaXIifQ.e30.aXY.Y2lwaGVydGV4dA.dGFn".replace(".e30.", "..")
        record = read_single(single(access_token=token))
        assert (record.access_token, record.session_token) == ("", token)

    def test_an_account_id_of_another_form_is_kept(self):
        assert read_single(single(access_token="x9_" * 14, account_id="acct-1")).account_id == "acct-1"

    def test_null_and_empty_mean_absent(self, client, key, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        payload = single(
            access_token=login["access_token"], email=None, account_id="", session_token=None, refresh_token=""
        )
        assert post(client, payload, **{"X-API-Key": key}).status_code == 200

    def test_a_wrong_e_mail_is_refused_with_its_reason(self, client, key, sandbox):
        token = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        response = post(client, single(access_token=token, email="sam@example.com"), **{"X-API-Key": key})
        assert response.status_code == 400
        assert response.json()["error_code"] == "email_mismatch"
        assert response.json()["error"] == "The e-mail does not match the token"

    def test_a_slow_one_is_answered_with_its_result(self, client, key, sandbox):
        sandbox.set_latency(0.5)
        token = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        response = post(client, single(access_token=token), **{"X-API-Key": key})
        assert (response.status_code, response.json()["action"]) == (200, "created")

    def test_one_that_hangs_is_finished_after_the_answer(self, client, key, sandbox, monkeypatch):
        """The document knows 200 and 400; a program that sends it again does no harm."""
        monkeypatch.setattr(door, "LONGEST_WAIT", 0.1)
        sandbox.set_latency(0.3)
        token = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        response = post(client, single(access_token=token), **{"X-API-Key": key})
        assert (response.status_code, response.json()["error_code"]) == (400, "in_progress")
        wait_until(lambda: ImportJob.objects.filter(finished_at__isnull=False).exists(), what="the import finished")
        assert Team.objects.count() == 1

    def test_a_client_that_goes_away_stops_nothing(self, live_server, key, sandbox):
        sandbox.set_latency(0.2)
        token = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        address = urlsplit(live_server.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        body = json.dumps(single(access_token=token))
        connection.request("POST", URL, body, {"X-API-Key": key, "Content-Type": "application/json"})
        wait_until(lambda: ImportJob.objects.exists(), what="the import accepted")
        connection.close()
        wait_until(lambda: ImportJob.objects.filter(finished_at__isnull=False).exists(), what="the import finished")
        assert Team.objects.count() == 1


class TestBatch:
    def test_a_client_that_goes_away_stops_nothing(self, live_server, key, sandbox):
        sandbox.set_latency(0.05)
        tokens = [sandbox.workspace(f"owner{n}@example.com")["credentials"]["access_token"] for n in range(6)]
        address = urlsplit(live_server.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        body = json.dumps({"import_type": "batch", "content": "\n".join(tokens)})
        connection.request("POST", URL, body, {"X-API-Key": key, "Content-Type": "application/json"})
        response = connection.getresponse()
        assert b"start" in response.readline()
        response.close()
        connection.close()
        wait_until(lambda: ImportJob.objects.filter(finished_at__isnull=False).exists(), what="the import finished")
        assert set(ImportLine.objects.values_list("state", flat=True)) == {State.CREATED}

    def test_it_only_follows_where_a_worker_works(self, client, key, sandbox, monkeypatch):
        monkeypatch.setattr(follow, "start_here", pytest.fail)
        monkeypatch.setattr(follow, "WORKER_BEGINS_WITHIN", 60.0)
        token = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        response = post(client, {"import_type": "batch", "content": token}, **{"X-API-Key": key})
        stream = iter(response.streaming_content)
        assert json.loads(next(stream))["type"] == "start"
        job = ImportJob.objects.get()
        from teampool.imports.worker import work

        work(job.pk)
        assert [json.loads(line)["type"] for line in stream] == ["progress", "finish"]

    def test_asking_for_json_and_ndjson_gets_lines(self, client, key, sandbox):
        response = post(
            client,
            {"import_type": "batch", "content": "hello"},
            **{"X-API-Key": key, "Accept": "application/json, application/x-ndjson"},
        )
        assert [row["type"] for row in rows(response)] == ["start", "progress", "finish"]

    def test_the_reader_s_language_holds_to_the_last_line(self, client, key, sandbox):
        response = post(client, {"import_type": "batch", "content": "hello"}, **{"X-API-Key": key})
        assert rows(response)[1]["last_result"]["error"] == "This line cannot be read"


class TestWhoMayComeIn:
    @pytest.mark.parametrize("shown", ["", "sk_wrong", "sk_é", "中文".encode().decode("latin-1"), "x" * 5000])
    def test_a_wrong_key(self, client, key, shown):
        response = post(client, single(access_token="x9_" * 14), **{"X-API-Key": shown})
        assert response.status_code == 401
        assert response.json() == {
            "success": False,
            "error": "The API key is missing or wrong.",
            "error_code": "unauthorized",
        }
        assert not ImportJob.objects.exists()

    def test_no_key_and_no_session(self, client):
        assert post(client, single(access_token="x9_" * 14)).status_code == 401

    def test_a_revoked_key(self, client, key):
        api_keys.revoke(key_id=ApiKey.objects.get().pk, actor=actors.command("tests"))
        assert post(client, single(access_token="x9_" * 14), **{"X-API-Key": key}).status_code == 401

    def test_a_wrong_key_is_not_made_good_by_a_session(self, olga_client):
        assert post(olga_client, single(access_token="x9_" * 14), **{"X-API-Key": "sk_wrong"}).status_code == 401

    @pytest.mark.parametrize("path", ["/admin/", "/admin/teampool/team/", "/admin/import/"])
    def test_the_key_opens_nothing_else(self, client, key, path):
        response = client.get(path, headers={"X-API-Key": key})
        assert response.status_code in (302, 404)
        assert "login" in response.headers.get("Location", "login")

    def test_an_operator_s_session_needs_its_csrf_token(self, olga, sandbox):
        token = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(olga)
        refused = post(browser, single(access_token=token))
        assert (refused.status_code, refused.json()["error_code"]) == (403, "csrf_failed")
        assert not ImportJob.objects.exists()
        browser.get("/admin/login/")
        browser.cookies["csrftoken"] = "a" * 32
        response = post(browser, single(access_token=token), **{"X-CSRFToken": "a" * 32})
        assert response.status_code == 200

    def test_a_key_needs_none(self, key, sandbox):
        program = Client(enforce_csrf_checks=True)
        token = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        assert post(program, single(access_token=token), **{"X-API-Key": key}).status_code == 200

    def test_a_session_without_the_permission(self, client, sandbox):
        sam = User.objects.create_user("sam", password=None, is_staff=True)
        client.force_login(sam)
        response = post(client, single(access_token="x9_" * 14))
        assert (response.status_code, response.json()["error_code"]) == (403, "forbidden")
        sam.user_permissions.add(Permission.objects.get(codename="add_importjob"))
        assert post(client, single(access_token="x9_" * 14)).json()["error_code"] == "token_dead"

    def test_a_session_of_somebody_who_is_no_operator(self, client):
        client.force_login(User.objects.create_user("sam", password=None))
        assert post(client, single(access_token="x9_" * 14)).status_code == 401

    def test_who_asked_is_written_down(self, client, key, sandbox):
        token = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        post(client, single(access_token=token), **{"X-API-Key": key})
        event = AuditEvent.objects.get(action="import_accepted")
        assert (event.actor_kind, event.actor, event.ip) == ("key", "shop", "127.0.0.1")
        assert ApiKey.objects.get().last_used_at <= timezone.now()


class TestOtherMethods:
    def test_a_browser_is_shown_the_import_page(self, olga_client):
        response = olga_client.get(URL)
        assert (response.status_code, response.headers["Location"]) == (302, "/admin/import/")

    def test_a_program_is_told_to_post(self, client, key):
        for send in (client.get, client.put, client.delete, client.patch, client.options):
            response = send(URL, headers=ENGLISH | {"X-API-Key": key})
            assert (response.status_code, response.json()["error_code"]) == (405, "method_not_allowed")
            assert response.headers["Allow"] == "POST"

    def test_anybody_else_is_told_nothing(self, client):
        assert client.get(URL).status_code == 401
        assert client.put(URL).json()["error_code"] == "unauthorized"


HOSTILE = [
    ("no JSON", b"{", "bad_json"),
    ("nothing", b"", "bad_json"),
    ("no object", b"[]", "wrong_type"),
    ("a number", b"7", "wrong_type"),
    ("null", b"null", "wrong_type"),
    ("deep lists", b"[" * 200_000, "bad_json"),
    ("deep objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "bad_json"),
    ("a number without end", b'{"import_type": ' + b"9" * 5000 + b"}", "bad_json"),
    ("infinity", b'{"import_type": 1e999}', "bad_import_type"),
    ("not UTF-8", b'{"import_type": "\xff\xfe"}', "bad_json"),
    ("UTF-16", '{"import_type": "single"}'.encode("utf-16"), "bad_json"),
    ("a raw NUL", b'{"import_type": "single", "access_token": "a\x00b"}', "bad_json"),
    ("a NUL in a token", b'{"import_type": "single", "access_token": "a\\u0000b"}', "bad_text"),
    ("a NUL in the batch", b'{"import_type": "batch", "content": "a\\u0000b"}', "bad_text"),
    ("half a character", b'{"import_type": "single", "access_token": "\\ud800aaaaaaaaaaaaaaaaaaaaaa"}', "bad_text"),
    ("a line break in a token", b'{"import_type": "single", "access_token": "a\\r\\nX-Evil: 1"}', "bad_text"),
    ("no type", b'{"access_token": "x"}', "missing_field"),
    ("another type", b'{"import_type": "all"}', "bad_import_type"),
    ("a type that is a list", b'{"import_type": ["single"]}', "bad_import_type"),
    ("a type that is an object", b'{"import_type": {}}', "bad_import_type"),
    ("no token", b'{"import_type": "single"}', "no_token"),
    ("a token that is a number", b'{"import_type": "single", "access_token": 5}', "wrong_type"),
    ("a token that is an object", b'{"import_type": "single", "session_token": {"a": 1}}', "wrong_type"),
    ("an e-mail that is true", b'{"import_type": "single", "access_token": "x", "email": true}', "wrong_type"),
    ("an e-mail that is none", b'{"import_type": "single", "access_token": "x", "email": "omar"}', "bad_email"),
    ("an id that leads elsewhere", b'{"import_type":"single","access_token":"x","account_id":"../../me"}', "bad_text"),
    ("an id without end", b'{"import_type":"single","access_token":"x","account_id":"' + b"a" * 65 + b'"}', "too_long"),
    ("a token without end", b'{"import_type":"single","access_token":"' + b"a" * 40_000 + b'"}', "too_long"),
    ("a password for a token", b'{"import_type": "single", "access_token": "Correct-Horse-9x!"}', "no_token"),
    ("a short password", b'{"import_type": "single", "session_token": "Tr0ub4dor3"}', "no_token"),
    ("a 2FA seed", b'{"import_type": "single", "access_token": "JBSWY3DPEHPK3PXP"}', "no_token"),
    (
        "a seed for a refresh token",
        b'{"import_type":"single","refresh_token":"JBSWY3DPEHPK3PXP","client_id":"app_x"}',
        "no_token",
    ),
    ("an address for a token", b'{"import_type": "single", "access_token": "omar@example.com"}', "no_token"),
    ("a personal token", b'{"import_type": "single", "access_token": "at-1234567890abcdefghij"}', "personal_token"),
    ("no client id", b'{"import_type": "single", "refresh_token": "rt_1234567890123456"}', "missing_field"),
    ("no content", b'{"import_type": "batch"}', "missing_field"),
    ("content that is a list", b'{"import_type": "batch", "content": ["a"]}', "wrong_type"),
    ("empty content", b'{"import_type": "batch", "content": " \\n "}', "missing_field"),
    ("only comments", b'{"import_type": "batch", "content": "# nothing"}', "nothing_to_import"),
]


class TestHostileBodies:
    @pytest.mark.parametrize(("name", "body", "error_code"), HOSTILE, ids=[row[0] for row in HOSTILE])
    def test_a_4xx_in_json(self, client, key, name, body, error_code):
        response = post(client, None, raw=body, **{"X-API-Key": key})
        assert response.status_code == 400
        answer = response.json()
        assert (answer["success"], answer["error_code"]) == (False, error_code)
        assert answer["error"]
        assert not ImportJob.objects.exists()

    def test_a_form_is_no_json(self, client, key):
        response = client.post(URL, {"import_type": "single"}, headers={"X-API-Key": key})
        assert (response.status_code, response.json()["error_code"]) == (400, "bad_json")

    def test_more_lines_than_it_takes(self, client, key):
        payload = {"import_type": "batch", "content": "a\n" * 20_001}
        response = post(client, payload, **{"X-API-Key": key})
        assert (response.status_code, response.json()["error_code"]) == (413, "too_many_lines")

    @pytest.mark.parametrize("megabytes", [5.1, 20])
    def test_too_large_is_a_413_without_being_kept_in_memory(self, live_server, key, megabytes):
        body = b'{"import_type": "batch", "content": "' + b"a" * int(megabytes * 1024 * 1024) + b'"}'
        response = requests.post(live_server.url + URL, data=body, headers={"X-API-Key": key}, timeout=60)
        assert (response.status_code, response.json()["error_code"]) == (413, "too_large")

    def test_too_large_from_nobody_is_a_401(self, live_server):
        response = requests.post(live_server.url + URL, data=b"x" * (20 * 1024 * 1024), timeout=60)
        assert (response.status_code, response.json()["error_code"]) == (401, "unauthorized")

    def test_a_large_form_in_a_session_is_refused_in_json_too(self, olga):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(olga)
        fields = {f"field{number}": "x" for number in range(2000)}
        assert browser.post(URL, fields).json()["error_code"] == "csrf_failed"

    def test_just_under_the_limit_is_read(self, client, key):
        content = "# " + "a" * (5 * 1024 * 1024 - 100)
        response = post(client, {"import_type": "batch", "content": content}, **{"X-API-Key": key})
        assert response.json()["error_code"] == "nothing_to_import"


class TestABodyOfUnknownLength:
    """Sent in chunks. Real servers end the stream; Django's test server does not say so, hence by hand."""

    def send(self, key: str, body: bytes):
        environ = {
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
            "HTTP_X_API_KEY": key,
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "application/json",
        }
        request = RequestFactory().request(PATH_INFO=URL, **environ)
        return door.import_endpoint(request)

    def test_it_is_read(self, key, sandbox):
        response = self.send(key, b'{"import_type": "batch"}')
        assert json.loads(response.content)["error_code"] == "missing_field"

    def test_it_is_read_no_further_than_the_limit(self, key):
        response = self.send(key, b"a" * (20 * 1024 * 1024))
        assert response.status_code == 413
