"""What the notice settings refuse, with the reason a person reads."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from notifications.channels import webhook
from notifications.models import AuditEvent, Setting
from notifications.settings import runtime
from notifications.settings.runtime import BadSetting
from tests.notifications.conftest import settle

pytestmark = pytest.mark.django_db


def reason(name: str, text: str) -> str:
    with pytest.raises(BadSetting) as caught, override("en"):
        settle(**{name: text})
    assert caught.value.key == f"notifications.{name}"
    return caught.value.reason


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("webhook_url", "example.com/x"),
        ("webhook_url", "https://user:pass@example.com/x"),
        ("webhook_url", "https://exa mple.com/"),
        ("webhook_url", "https://example.com:99999/"),
        ("webhook_url", "https://example.com/\r\nX: y"),
        ("webhook_url", "file:///etc/passwd"),
        ("webhook_secret", "short"),
        ("webhook_secret", "whsec_!!!"),
        ("public_url", "https://seats.example.com/path"),
        ("public_url", "seats.example.com"),
        ("bark_sound", "a sound/../x"),
        ("bark_level", "loud"),
        ("smtp_host", "https://smtp.example.com"),
        ("smtp_host", "smtp.example.com\r\nx"),
        ("smtp_port", "0"),
        ("smtp_port", "65536"),
        ("smtp_security", "none"),
        ("smtp_sender", "not an address"),
        ("smtp_sender", "Olga <olga@example.com>\r\nBcc: sam@example.com"),
        ("operator_email", "olga@"),
        ("operator_email", "olga@example.com, sam@example.com"),
        ("operator_language", "fr"),
        ("low_stock_threshold", "100001"),
        ("mail_success_subject_zh", "x" * 201),
        ("mail_success_subject_en", "two\nlines"),
        ("mail_success_body_zh", "x" * 4001),
        ("mail_success_body_en", "Hello {email.__class__}"),
        ("mail_success_body_en", "Hello {code}"),
        ("mail_success_body_en", "Hello {0}"),
        ("mail_success_body_en", "Hello {}"),
        ("mail_success_body_en", "Hello {email"),
        ("mail_success_body_en", "Hello {{email}}"),
    ],
)
def test_it_is_refused_and_nothing_is_written(name, text):
    assert reason(name, text)
    assert not Setting.objects.exists()


@pytest.mark.parametrize(
    ("name", "text", "stored"),
    [
        ("webhook_url", " https://hooks.example.com/x?y=1#part ", "https://hooks.example.com/x?y=1"),
        ("public_url", "https://seats.example.com/", "https://seats.example.com"),
        ("smtp_sender", "desk@example.com", "desk@example.com"),
        ("smtp_sender", "席位 <desk@example.com>", "席位 <desk@example.com>"),
        ("mail_success_body_en", "Hi {email}\r\n{status_url} {ends_at}", "Hi {email}\n{status_url} {ends_at}"),
        ("operator_email", "", ""),
        ("webhook_url", "", ""),
    ],
)
def test_it_is_stored_as_it_is_used(name, text, stored):
    settle(**{name: text})
    assert runtime.find(f"notifications.{name}").get() == stored


def test_an_unknown_placeholder_is_named_with_those_there_are():
    text = "Unknown placeholder {code}. There are: {email}, {status_url}, {ends_at}"
    assert reason("mail_success_body_en", "Hello {code}") == text


@pytest.mark.parametrize("name", ["webhook_secret", "bark_url", "smtp_password"])
def test_secrets_are_in_no_audit_and_no_plain_column(name):
    secret = "https://api.day.app/verysecretkey"
    settle(**{name: secret})
    row = Setting.objects.get()
    assert (row.value, row.secret) == ("", secret)
    assert "verysecretkey" not in str(list(AuditEvent.objects.values()))


def test_every_default_passes_its_own_check():
    for setting in runtime.declared().values():
        if setting.check is not None and setting.default:
            assert setting.check(setting.default) == setting.default


def test_webhook_and_permission_may_be_set_together():
    settle(webhook_url="http://10.0.0.8:9000/x", webhook_allow_private="on")
    assert webhook.URL.get() == "http://10.0.0.8:9000/x"
