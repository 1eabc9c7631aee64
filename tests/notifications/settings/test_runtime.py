"""Run-time settings: typed by their own form fields, bounded, kept in order, changed all or none, each on record."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils.translation import override

from base.actors import command
from notifications.channels import bark, email, webhook
from notifications.models import AuditEvent
from notifications.settings import checks, runtime
from notifications.settings.declared import LOW_STOCK_THRESHOLD

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = command("tests")
BOUNDED = [one for one in runtime.declared().values() if one.low is not None or one.high is not None]
# The longest and shortest text of each setting whose text is bounded, and what the next sign beyond it is.
TEXTS = {
    "notifications.mail_success_subject_zh": ("邀" * checks.MOST_SUBJECT, "邀" * (checks.MOST_SUBJECT + 1)),
    "notifications.mail_success_subject_en": ("x" * checks.MOST_SUBJECT, "x" * (checks.MOST_SUBJECT + 1)),
    "notifications.mail_success_body_zh": ("邀" * checks.MOST_BODY, "邀" * (checks.MOST_BODY + 1)),
    "notifications.mail_success_body_en": ("x" * checks.MOST_BODY, "x" * (checks.MOST_BODY + 1)),
    "notifications.bark_sound": ("x" * 40, "x" * 41),
    "notifications.webhook_secret": ("x" * 8, "x" * 7),
    "notifications.smtp_host": ("x" * 253, "x" * 254),
    "guardian.active_from": ("00:00", "-0:01"),
    "guardian.active_until": ("23:59", "24:00"),
}


def clean(setting: runtime.RuntimeSetting[Any], text: str, **options: Any) -> Any:
    with override("en"):
        return setting.formfield(**options).clean(text)


class TestBounds:
    def test_each_number_is_bounded_on_both_sides(self) -> None:
        numbers = [one for one in runtime.declared().values() if type(one.default) in (int, float)]
        assert numbers == BOUNDED
        assert all(one.low is not None and one.high is not None for one in BOUNDED)
        assert all(one.low <= one.default <= one.high for one in BOUNDED)

    @pytest.mark.parametrize("setting", BOUNDED, ids=lambda one: one.key)
    def test_each_takes_its_own_ends_and_nothing_beyond(self, setting: runtime.RuntimeSetting[Any]) -> None:
        step = 1 if isinstance(setting.default, int) else 0.001
        for end, beyond in ((setting.low, -step), (setting.high, step)):
            found = clean(setting, str(end))
            assert (found, type(found)) == (end, type(setting.default))
            assert setting.parse(str(end)) == end
            with pytest.raises(ValidationError) as refused:
                clean(setting, str(end + beyond))
            assert refused.value.messages == [f"Between {setting.low:,} and {setting.high:,}."]
            assert clean(setting, str(end + beyond), force=True) == end + beyond

    @pytest.mark.parametrize("key", TEXTS)
    def test_each_text_takes_its_own_end_and_nothing_beyond(self, key: str) -> None:
        setting, (longest, beyond) = runtime.find(key), TEXTS[key]
        assert clean(setting, longest) == longest
        for force in (False, True):
            with pytest.raises(ValidationError):
                clean(setting, beyond, force=force)

    def test_a_person_may_insist_down_to_the_floor(self) -> None:
        bounded = [one for one in BOUNDED if one.floor is not None]
        assert [one.key for one in bounded] == ["guardian.interval_max_seconds", "guardian.interval_min_seconds"]
        for one in bounded:
            assert (one.insisted("1"), one.insisted("29")) == (1, 29)
            assert {one.insisted(text) for text in ("0", "-1", "30", "3601", "ten", "")} == {None}

    def test_nobody_may_on_any_other(self) -> None:
        assert LOW_STOCK_THRESHOLD.insisted("-1") is None


class TestFormfield:
    @pytest.mark.parametrize("setting", runtime.declared().values(), ids=lambda one: one.key)
    def test_the_default_is_read_back_as_itself(self, setting: runtime.RuntimeSetting[Any]) -> None:
        found = clean(setting, runtime.written(setting.default))
        assert (found, type(found)) == (setting.default, type(setting.default))

    @pytest.mark.parametrize(
        ("setting", "text", "words"),
        [
            (webhook.ALLOW_PRIVATE, "maybe", "Write on or off, not 'maybe'."),
            (webhook.ALLOW_PRIVATE, "", "Write on or off, not ''."),
            (email.PORT, "many", "Write a whole number."),
            (email.PORT, "1.5", "Write a whole number."),
            (email.PORT, "", "Write a whole number."),
            (runtime.find("guardian.pause_min_seconds"), "nan", "Write a number."),
            (runtime.find("guardian.pause_min_seconds"), "inf", "Write a number."),
            (bark.LEVEL, "", "One of active, timeSensitive, passive, critical."),
            (bark.LEVEL, "loud", "One of active, timeSensitive, passive, critical."),
        ],
    )
    def test_no_value_of_another_type_passes_forced_or_not(self, setting: Any, text: str, words: str) -> None:
        for force in (False, True):
            with pytest.raises(ValidationError) as refused:
                clean(setting, text, force=force)
            assert refused.value.messages == [words]

    @pytest.mark.parametrize(
        ("text", "value"), [("on", True), ("Yes", True), ("1", True), ("off", False), ("NO", False)]
    )
    def test_a_switch_is_a_word(self, text: str, value: bool) -> None:
        assert clean(webhook.ALLOW_PRIVATE, text) is value

    @pytest.mark.parametrize("text", ["9" * 400, "-" + "9" * 400])
    def test_a_whole_number_beyond_any_float_is_out_of_bounds(self, text: str) -> None:
        with pytest.raises(runtime.BadSetting, match="100,000"):
            LOW_STOCK_THRESHOLD.parse(text)

    def test_a_secret_may_hold_blanks_but_not_around_it(self) -> None:
        assert clean(email.PASSWORD, " abcd efgh \n") == "abcd efgh"


class TestChange:
    def test_all_or_none(self) -> None:
        values = {LOW_STOCK_THRESHOLD.key: "100000", email.PORT.key: "0"}
        with pytest.raises(runtime.BadSetting) as refused:
            runtime.change(values, actor=ACTOR)
        assert refused.value.key == email.PORT.key
        assert not AuditEvent.objects.exists()
        runtime.change(values, actor=ACTOR, force=True)
        assert (LOW_STOCK_THRESHOLD.get(), email.PORT.get()) == (100_000, 0)

    def test_what_was_read_is_stored_as_it_is(self) -> None:
        runtime.store({LOW_STOCK_THRESHOLD.key: 7, email.PASSWORD.key: "x"}, actor=ACTOR)
        assert (LOW_STOCK_THRESHOLD.get(), email.PASSWORD.get()) == (7, "x")

    def test_nothing_that_contradicts_itself(self) -> None:
        with pytest.raises(runtime.BadSetting) as refused:
            runtime.store({"guardian.pause_min_seconds": 1.0}, actor=ACTOR)
        assert refused.value.key == "guardian.pause_min_seconds"


class TestWritten:
    def test_it_is_what_a_person_types(self) -> None:
        for setting, text in ((webhook.ALLOW_PRIVATE, "on"), (email.PORT, "587")):
            assert runtime.written(setting.parse(text)) == text
