from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


class TestWithoutACookie:
    """What a browser fetches by itself must not outdate the form of a page that is open."""

    @pytest.mark.parametrize("path", ["/favicon.ico", "/nobody", "/r/nobody/"])
    def test_it_sets_none(self, client: Client, path: str) -> None:
        assert not client.get(path).cookies

    def test_the_icon_is_the_mark(self, client: Client) -> None:
        assert client.get("/favicon.ico")["Location"].endswith("/mark.svg")

    def test_a_page_with_a_form_sets_one(self, client: Client) -> None:
        assert "csrftoken" in client.get("/").cookies


class TestNotAllowed:
    @pytest.mark.parametrize(
        ("language", "said", "unsaid"), [("zh-hans", "没有权限", "account"), ("en", "may not open this page", "权限")]
    )
    def test_it_is_said_in_the_readers_language(
        self, client: Client, django_user_model: Any, language: str, said: str, unsaid: str
    ) -> None:
        client.force_login(django_user_model.objects.create_user("clerk", password="a-good-long-one", is_staff=True))
        client.cookies["django_language"] = language
        answer = client.get("/admin/import/")
        assert answer.status_code == 403
        text = answer.content.decode()
        assert said in text
        assert unsaid not in text
        assert 'href="/admin/"' in text
