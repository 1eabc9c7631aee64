"""Mail through the operator's own server: notices to operators, and what redeemers are written."""

from __future__ import annotations

import base64
import smtplib
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import BadHeaderError
from django.core.validators import validate_email
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from notifications.channels.channel import Channel
from notifications.channels.result import NotDelivered, Unreachable
from notifications.channels.transport.connecting import Deadline, words_for
from notifications.channels.transport.smtp import MailServer
from notifications.models import Message
from notifications.settings import checks
from notifications.settings.declared import OPERATOR_LANGUAGE
from notifications.settings.fields import Field, Group
from notifications.settings.runtime import RuntimeSetting, declare
from notifications.texts import mails
from notifications.ways import Stored

HOST = declare(RuntimeSetting("notifications.smtp_host", "", check=checks.host_name))
PORT = declare(RuntimeSetting("notifications.smtp_port", 465, low=1, high=65_535))
SECURITY = declare(RuntimeSetting("notifications.smtp_security", "ssl", choices=("ssl", "starttls")))
USER = declare(RuntimeSetting("notifications.smtp_user", "", check=checks.one_line))
PASSWORD = declare(RuntimeSetting("notifications.smtp_password", "", is_secret=True))
# Empty: the user name.
SENDER = declare(RuntimeSetting("notifications.smtp_sender", "", check=checks.sender))
# Operators get their notices by e-mail too when this is set.
OPERATOR = declare(RuntimeSetting("notifications.operator_email", "", check=checks.email_address))


def _password_for_another(changes: Mapping[str, Any], stored: Mapping[str, Any]) -> tuple[str, str] | None:
    """Ask for the password again with a new server or user name: nobody can send the stored one to their own server.

    `config set` is trusted.
    """
    is_moved = changes.get(HOST.key) or changes.get(USER.key)
    if not is_moved or PASSWORD.key in changes or not stored[PASSWORD.key]:
        return None
    return PASSWORD.key, _("Type the password again: the stored one was meant for another server or user name.")


class Email(Channel):
    """One account at one mail server; it keeps its connection until closed."""

    name = "email"
    prefix = "smtp"
    title = pgettext_lazy("channel", "e-mail")
    needs = (HOST.key,)
    also = (OPERATOR.key,)
    reads = (OPERATOR_LANGUAGE, *mails.WANTED)
    group = Group(
        title=capfirst(title),
        help=(
            gettext_lazy("QQ Mail: smtp.qq.com, 465, SSL; the password is the authorisation code."),
            gettext_lazy("Gmail: smtp.gmail.com, 587, STARTTLS; an app password."),
        ),
        above="admin/settings/presets.html",
        rows=(
            Field(HOST, pgettext_lazy("e-mail", "Server")),
            Field(PORT, gettext_lazy("Port")),
            Field(SECURITY, gettext_lazy("Encryption"), words={"ssl": "SSL", "starttls": "STARTTLS"}),
            Field(USER, gettext_lazy("User name")),
            Field(PASSWORD, gettext_lazy("Password"), widget=forms.PasswordInput({"autocomplete": "new-password"})),
            Field(SENDER, gettext_lazy("Sender"), help=gettext_lazy("Empty: the user name.")),
            Field(
                OPERATOR,
                gettext_lazy("Notices to operators go to"),
                widget=forms.EmailInput(),
                help=gettext_lazy("Empty: no notices by e-mail. The test goes here, or else to the sender."),
            ),
        ),
        channel=name,
        rule=_password_for_another,
    )

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.sender = self[SENDER] or self[USER]
        self.texts = mails.Texts.of(values)
        self._server: MailServer | None = None

    @classmethod
    def receivers(cls, event: str, stored: Stored) -> dict[str, str]:
        return {key: stored[OPERATOR.key] for key in super().receivers(event, stored) if stored.get(OPERATOR.key)}

    def send(self, message: Message) -> None:
        """Send the message as a mail, text and HTML. Raises NotDelivered unless the server took it."""
        _refuse_bad_address(message.recipient, self.sender)
        deadline = Deadline()
        server = self._connection()
        server.deadline = deadline
        try:
            server.deliver(self._written(message))
        except BadHeaderError:
            raise NotDelivered(_("A line break in a header was refused."), is_final=True) from None
        except NotDelivered:
            server.hang_up()
            raise
        except OSError as error:  # smtplib's are of this kind
            server.hang_up()
            raise self._failure(error, deadline) from None

    def _connection(self) -> MailServer:
        if self._server is None:
            self._server = MailServer(
                host=self[HOST],
                port=self[PORT],
                user=self[USER],
                password=self[PASSWORD],
                is_secure=self[SECURITY] == "ssl",
                own_name=_domain(self.sender),
            )
        return self._server

    def _written(self, message: Message) -> EmailMultiAlternatives:
        letter = mails.letter(message, self.texts)
        mail = EmailMultiAlternatives(
            subject=letter.subject,
            body=letter.text,
            from_email=self.sender,
            to=[message.recipient],
            headers={
                # The same at every try: mail programs show a repetition once.
                "Message-ID": f"<{message.uid}@{_domain(self.sender)}>",
                "Auto-Submitted": "auto-generated",
            },
        )
        mail.attach_alternative(letter.html, "text/html")
        return mail

    def _failure(self, error: OSError, deadline: Deadline) -> NotDelivered:
        """The reason in words, with the server's answer, and whether it concerns this address or the whole channel."""
        if isinstance(error, smtplib.SMTPAuthenticationError):
            words = _("Wrong user name or password: {answer}").format(answer=self._said(error))
            return NotDelivered(words, channel_is_down=True)
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, answer = next(iter(error.recipients.values()))
            words = _("The server refuses this address: {answer}").format(answer=self._clean(code, answer))
            return NotDelivered(words, is_final=500 <= code < 600)
        if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPConnectError | smtplib.SMTPHeloError):
            return NotDelivered(self._said(error), channel_is_down=True)
        if isinstance(error, smtplib.SMTPResponseException):
            return NotDelivered(self._said(error))
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return NotDelivered(
                _("The server offers no encryption, or no log-in, on this port: 465 goes with SSL, 587 with STARTTLS"),
                channel_is_down=True,
            )
        if isinstance(error, smtplib.SMTPException):
            reason = TimeoutError() if deadline.is_over else ConnectionResetError()
            return NotDelivered(words_for(reason, deadline), channel_is_down=True)
        return NotDelivered(words_for(error, deadline), channel_is_down=True)

    def _said(self, error: smtplib.SMTPResponseException) -> str:
        return self._clean(error.smtp_code, error.smtp_error)

    def _clean(self, code: int, answer: bytes | str) -> str:
        """The server's own words, without what it may repeat of the log-in."""
        text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
        plain = f"\0{self[USER]}\0{self[PASSWORD]}"
        for secret in (self[PASSWORD], *(_base64(one) for one in (self[PASSWORD], self[USER], plain))):
            if secret:
                text = text.replace(secret, "…")
        return f"{code} {text}"

    def sample(self) -> Message:
        """A test mail to the operators' address, else to the sender."""
        message = super().sample()
        message.recipient = self[OPERATOR] or parseaddr(self.sender)[1]
        return message

    def reach(self) -> str:
        """Connect, encrypt and log in as when sending, then hang up."""
        where, server = f"{self[HOST]}:{self[PORT]}", self._connection()
        server.deadline = deadline = Deadline()
        try:
            with deadline.cuts(lambda: server.line.sock if server.line is not None else None):
                server.open()
        except smtplib.SMTPAuthenticationError:
            raise Unreachable(
                _("{where} does not accept the user name and password.").format(where=where),
                _("QQ Mail wants its authorisation code, Gmail an app password: Settings, E-mail."),
            ) from None
        except (NotDelivered, OSError) as error:  # smtplib's errors are OSErrors
            advice = _("Check server, port and SSL or STARTTLS: Settings, E-mail.")
            raise Unreachable(f"{where}: {words_for(error, deadline)}", advice) from None
        finally:
            server.hang_up()
        return _("{where} takes mail from here.").format(where=where)

    def close(self) -> None:
        if self._server is not None:
            self._server.hang_up()


def _refuse_bad_address(recipient: str, sender: str) -> None:
    if not sender:
        raise NotDelivered(_("There is no sender: write one, or a user name that is an address."), channel_is_down=True)
    for address, is_final, words in (
        (parseaddr(sender)[1], False, _("The sender is not an e-mail address.")),
        (recipient, True, _("The recipient is not an e-mail address.")),
    ):
        try:
            validate_email(address)
        except ValidationError:
            raise NotDelivered(words, is_final=is_final, channel_is_down=not is_final) from None


def _domain(sender: str) -> str:
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return domain.encode("idna").decode() if domain else "localhost"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode() if text else ""
