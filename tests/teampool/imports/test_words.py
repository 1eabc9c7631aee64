"""What an import says of the columns it did not use: their kinds, never their values."""

from __future__ import annotations

import pytest
from django.utils import timezone, translation

from teampool.imports import answers, words
from teampool.models import ImportJob, ImportLine

State = ImportLine.State


class TestUnused:
    @pytest.mark.parametrize(
        ("language", "kinds", "text"),
        [
            ("en", ["password", "2fa"], "Columns not used: password, 2FA"),
            ("zh-hans", ["password", "2fa"], "没有用到的列：密码、2FA"),
            ("zh-hans", ["password", "password", "note"], "没有用到的列：密码、备注"),
            ("en", ["of another version"], "Columns not used: other"),
            ("en", [], ""),
        ],
    )
    def test_it_names_each_kind_once(self, language, kinds, text):
        with translation.override(language):
            assert words.unused(kinds) == text

    def test_it_stands_behind_a_success_and_behind_a_reason(self):
        with translation.override("en"):
            line = ImportLine(number=1, state=State.CREATED, renews_itself=True, unused=["note"])
            assert answers.result(line)["message"] == "Created: Renews itself · Columns not used: note"
            failed = ImportLine(number=1, state=State.INVALID, reason="no_token", unused=["password"])
            assert answers.result(failed)["error"] == "No token · Columns not used: password"
            assert answers.result(failed)["unused"] == answers.single(failed)["unused"] == ["password"]

    @pytest.mark.django_db
    def test_the_page_of_the_import_says_it(self, olga_client):
        job = ImportJob.objects.create(actor="olga", total=1, finished_at=timezone.now())
        ImportLine.objects.create(job=job, number=1, state=State.INVALID, reason="no_token", unused=["password", "2fa"])
        page = olga_client.get(f"/admin/import/{job.pk}/", headers={"Accept-Language": "zh-hans"}).content.decode()
        assert "没有用到的列：密码、2FA" in page
