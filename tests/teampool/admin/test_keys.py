"""API keys: shown once, revoked here, never edited."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from base.actors import command
from notifications.models import AuditEvent
from teampool import api_keys
from teampool.models import ApiKey

LIST, ADD = "/admin/teampool/apikey/", "/admin/teampool/apikey/add/"


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


def a_key(name: str = "stock") -> tuple[ApiKey, str]:
    return api_keys.create(name=name, scope=api_keys.IMPORT, actor=command("tests"))


class TestMake:
    def test_the_key_is_shown_once_and_works(self, desk: Client) -> None:
        response = desk.post(ADD, {"name": "stock"})
        (plain,) = re.findall(r'readonly value="(sk_[^"]+)"', response.content.decode())
        assert api_keys.check(plain, api_keys.IMPORT) == ApiKey.objects.get(name="stock")
        assert "no-store" in response["Cache-Control"]
        for page in (LIST, ADD, "/admin/notifications/auditevent/"):
            assert plain not in desk.get(page).content.decode()

    def test_it_is_on_record(self, desk: Client) -> None:
        desk.post(ADD, {"name": "stock"})
        event = AuditEvent.objects.get()
        assert (event.action, event.actor, event.object_label) == ("api_key_created", "olga", "stock")

    def test_a_name_is_taken_once(self, desk: Client) -> None:
        a_key("stock")
        assert "There is a key of this name already." in desk.post(ADD, {"name": "stock"}).content.decode()
        assert ApiKey.objects.count() == 1

    @pytest.mark.parametrize("name", ["", "   ", "n" * 61])
    def test_it_needs_a_name(self, desk: Client, name: str) -> None:
        desk.post(ADD, {"name": name})
        assert not ApiKey.objects.exists()

    def test_looking_makes_none(self, desk: Client) -> None:
        assert desk.get(ADD).status_code == 200
        assert not ApiKey.objects.exists()


class TestRevoke:
    def test_a_revoked_key_opens_nothing(self, desk: Client) -> None:
        key, plain = a_key()
        response = desk.post(LIST, {"action": "revoke", "_selected_action": [key.pk]}, follow=True)
        assert "1 key revoked; it opens nothing now." in response.content.decode()
        assert api_keys.check(plain, api_keys.IMPORT) is None
        assert AuditEvent.objects.get(action="api_key_revoked").actor == "olga"
        assert "Revoked" in desk.get(LIST).content.decode()


class TestList:
    def test_it_shows_the_beginning_only(self, desk: Client) -> None:
        key, plain = a_key()
        page = desk.get(LIST).content.decode()
        assert f"{plain[:8]}…" in page
        assert plain not in page
        assert key.digest not in page

    def test_it_says_when_it_was_last_used(self, desk: Client) -> None:
        plain = a_key()[1]
        assert desk.get(LIST).content.decode().count("<time") == 1
        api_keys.check(plain, api_keys.IMPORT)
        assert desk.get(LIST).content.decode().count("<time") == 2

    def test_a_key_is_never_edited(self, desk: Client) -> None:
        key = a_key()[0]
        page = f"{LIST}{key.pk}/change/"
        assert desk.get(page).status_code == desk.post(page, {"name": "other", "digest": "0" * 64}).status_code == 404
        assert ApiKey.objects.get().name == "stock"
