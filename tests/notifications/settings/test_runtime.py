"""Run-time settings: typed, bounded, kept in order, changed all or none, each change on record."""

from __future__ import annotations

import pytest

from base.actors import command
from notifications.models import AuditEvent
from notifications.settings import runtime
from notifications.settings.declared import LOW_STOCK_THRESHOLD, SMTP_PORT, WEBHOOK_ALLOW_PRIVATE

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = command("tests")


class TestForce:
    def test_it_may_be_for_one_key_only(self) -> None:
        values = {LOW_STOCK_THRESHOLD.key: "100001", SMTP_PORT.key: "0"}
        with pytest.raises(runtime.BadSetting) as refused:
            runtime.change(values, actor=ACTOR, force={LOW_STOCK_THRESHOLD.key})
        assert refused.value.key == SMTP_PORT.key
        assert not AuditEvent.objects.exists()
        runtime.change(values, actor=ACTOR, force=True)
        assert LOW_STOCK_THRESHOLD.get() == 100_001

    def test_the_bounds_are_written_as_numbers_are(self) -> None:
        with pytest.raises(runtime.BadSetting, match="100,000"):
            LOW_STOCK_THRESHOLD.parse("100001")


class TestHuge:
    @pytest.mark.parametrize("text", ["9" * 400, "-" + "9" * 400])
    def test_a_whole_number_beyond_any_float_is_out_of_bounds(self, text: str) -> None:
        with pytest.raises(runtime.BadSetting, match="100,000"):
            LOW_STOCK_THRESHOLD.parse(text)


class TestWritten:
    def test_it_is_what_a_person_types(self) -> None:
        for tunable, text in ((WEBHOOK_ALLOW_PRIVATE, "on"), (SMTP_PORT, "587")):
            assert runtime.written(tunable.parse(text)) == text
