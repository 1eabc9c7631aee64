"""The pages of the queue in the operator's words."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone
from django_q.models import Schedule


@pytest.fixture
def timetable(db: None) -> None:
    for minutes in (1, 90, 1440, 2880):
        Schedule.objects.create(func="work", schedule_type="I", minutes=minutes, repeats=-1, next_run=timezone.now())


class TestTimetable:
    def test_days_are_days(self, olga_client: Client, timetable: None) -> None:
        page = olga_client.get("/admin/django_q/schedule/", headers={"Accept-Language": "en"}).content.decode()
        for words in ("1 min<", "90 min<", "1 day<", "2 days<"):
            assert words in page
        assert "1440" not in page

    @pytest.mark.parametrize("model", ["schedule", "ormq", "success", "failure"])
    def test_it_is_named_in_our_words(self, olga_client: Client, timetable: None, model: str) -> None:
        page = olga_client.get(f"/admin/django_q/{model}/").content.decode()
        title = page.split("<title>")[1].split("</title>")[0]
        assert "后台任务" in title
        assert "计划任务" not in page
        assert "排队任务" not in page
        assert "Function" not in page

    def test_its_first_column_is_in_chinese(self, olga_client: Client, timetable: None) -> None:
        page = olga_client.get("/admin/django_q/schedule/").content.decode()
        assert re.search(r"<th[^>]*column-function.*?任务.*?</th>", page, re.S)
        assert "Func" not in page
