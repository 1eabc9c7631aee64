from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from base.actors import command
from notifications.models import Setting
from notifications.settings.runtime import change
from tests.notifications.receivers import PASSWORD, USER, Certificates, Mailbox, Receiver, http_receiver, mail_server


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the tests' authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.file))


@pytest.fixture
def webhook(db: None) -> Iterator[Receiver]:
    """The operator's program; the product posts to it."""
    with http_receiver() as receiver:
        settle(webhook_url=f"{receiver.url}/low", webhook_allow_private="on")
        yield receiver


@pytest.fixture
def phone(db: None) -> Iterator[Receiver]:
    """A Bark server; the product pushes by it."""
    with http_receiver() as receiver:
        receiver.answers = [(200, b'{"code":200,"message":"success","timestamp":1}')]
        settle(bark_url=f"{receiver.url}/DeviceKey123")
        yield receiver


@pytest.fixture
def mailbox(db: None, certificates: Certificates, trusted: None) -> Iterator[Mailbox]:
    """The operator's mail server, with SSL; the product sends by it."""
    with mail_server(certificates.for_server()) as mailbox:
        use_mail(mailbox)
        yield mailbox


def use_mail(mailbox: Mailbox, **others: str) -> None:
    settle(
        smtp_host="localhost",
        smtp_port=str(mailbox.port),
        smtp_user=USER,
        smtp_password=PASSWORD,
        **{"smtp_sender": "席位 <desk@seats.example>"} | others,
    )


def settle(**values: str) -> None:
    """Set run-time settings of this room by name, as they stand since an hour."""
    change({f"notifications.{name}": value for name, value in values.items()}, actor=command("test"))
    Setting.objects.update(updated_at=timezone.now() - timedelta(hours=1))
