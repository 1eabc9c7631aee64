"""Check that each configured receiver of notices can be reached. Nothing is sent."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.service.doctor.answer import Answer, failed, ok, warning
from notifications.channels.bark import Bark
from notifications.channels.email import Email
from notifications.channels.result import NotDelivered
from notifications.channels.transport.connecting import Deadline, connect, secured, words_for
from notifications.channels.transport.smtp import MailServer
from notifications.channels.webhook import Webhook
from notifications.models import Message


def look(now: datetime) -> Iterator[Answer]:
    n = Message.objects.filter(state=Message.State.FAILED).count()
    if n:
        text = ngettext("{n} message was not sent.", "{n} messages were not sent.", n)
        yield warning("messages", text.format(n=n), _("See why, and send it again, in the back office: Messages."))
    else:
        yield ok("messages", _("No message was given up."))


def look_outside(now: datetime) -> Iterator[Answer]:
    mail, webhook, bark = Email.stored(), Webhook.stored(), Bark.stored()
    if mail.is_on():
        yield _mail(mail)
    if webhook.is_on():
        yield _web("webhook", webhook.url, may_be_private=webhook.may_be_private)
    if bark.is_on():
        yield _web("bark", bark.url, may_be_private=True)
    if not (mail.is_on() or webhook.is_on() or bark.is_on()):
        yield ok("notices", _("No mail, webhook or Bark is set."))


def _mail(mail: Email) -> Answer:
    """Connect, encrypt and log in as when sending, then hang up."""
    where = f"{mail.host}:{mail.port}"
    server = MailServer(
        host=mail.host,
        port=mail.port,
        user=mail.user,
        password=mail.password,
        is_secure=mail.is_secure,
        own_name=mail.sender.rpartition("@")[2].strip("> ") or "localhost",
    )
    server.deadline = deadline = Deadline()
    try:
        with deadline.cuts(lambda: server.line.sock if server.line is not None else None):
            server.open()
    except smtplib.SMTPAuthenticationError:
        return failed(
            "smtp",
            _("{where} does not accept the user name and password.").format(where=where),
            _("QQ Mail wants its authorisation code, Gmail an app password: Settings, E-mail."),
        )
    except (NotDelivered, OSError) as error:  # smtplib's errors are OSErrors
        advice = _("Check server, port and SSL or STARTTLS: Settings, E-mail.")
        return failed("smtp", f"{where}: {_reason(error, deadline)}", advice)
    finally:
        server.hang_up()
    return ok("smtp", _("{where} takes mail from here.").format(where=where))


def _web(check: str, url: str, *, may_be_private: bool) -> Answer:
    """Connect to the receiver's server without a request; the answer shows only its host."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    deadline = Deadline()
    try:
        with connect(host, port, deadline=deadline, may_be_private=may_be_private) as line:
            if parts.scheme == "https":
                with secured(line, host) as encrypted:
                    encrypted.do_handshake()
    except (NotDelivered, OSError) as error:
        advice = _("Check the address, then send a test: Settings.")
        return failed(check, f"{host}:{port}: {_reason(error, deadline)}", advice)
    return ok(check, _("{where} can be reached.").format(where=f"{host}:{port}"))


def _reason(error: NotDelivered | OSError, deadline: Deadline) -> str:
    return error.reason if isinstance(error, NotDelivered) else words_for(error, deadline)
