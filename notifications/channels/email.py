"""Mail through the operator's own server: notices to operators, and what redeemers are written."""

from __future__ import annotations

import base64
import smtplib
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import BadHeaderError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from notifications.channels import trying
from notifications.channels.result import NotDelivered, Result
from notifications.channels.transport.connecting import Deadline, words_for
from notifications.channels.transport.smtp import MailServer
from notifications.models import Message
from notifications.settings import declared
from notifications.settings.runtime import read
from notifications.texts import mails


class Email:
    """One account at one mail server; it keeps its connection until closed."""

    name = "email"

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.host: str = values[declared.SMTP_HOST.key]
        self.port: int = values[declared.SMTP_PORT.key]
        self.is_secure: bool = values[declared.SMTP_SECURITY.key] == "ssl"
        self.user: str = values[declared.SMTP_USER.key]
        self.password: str = values[declared.SMTP_PASSWORD.key]
        self.sender: str = values[declared.SMTP_SENDER.key] or self.user
        self.operator: str = values[declared.OPERATOR_EMAIL.key]
        self.language: str = values[declared.OPERATOR_LANGUAGE.key]
        self.texts = mails.Texts.of(values)
        self._server: MailServer | None = None

    @classmethod
    def stored(cls) -> Self:
        """With the settings as they are now; one query."""
        wanted = (
            declared.SMTP_HOST,
            declared.SMTP_PORT,
            declared.SMTP_SECURITY,
            declared.SMTP_USER,
            declared.SMTP_PASSWORD,
            declared.SMTP_SENDER,
            declared.OPERATOR_EMAIL,
            declared.OPERATOR_LANGUAGE,
        )
        return cls(read(*wanted, *mails.WANTED))

    def is_on(self) -> bool:
        return bool(self.host)

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
                host=self.host,
                port=self.port,
                user=self.user,
                password=self.password,
                is_secure=self.is_secure,
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
        """The reason in words, with the server's own; whether it is this address, or the way as a whole."""
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
        plain = f"\0{self.user}\0{self.password}"
        for secret in (self.password, *(_base64(one) for one in (self.password, self.user, plain))):
            if secret:
                text = text.replace(secret, "…")
        return f"{code} {text}"

    def test(self) -> Result:
        """Send a sample to the operator, or to the sender itself, now; the answer in words within ten seconds."""
        to = self.operator or parseaddr(self.sender)[1]
        return trying.result_of(self, Message(event="test", channel=self.name, recipient=to, language=self.language))

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
