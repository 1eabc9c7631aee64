"""Checks of typed notice settings: each returns the text to store, or raises ValueError.

The error's text is for the person who typed. No check resolves a name or opens a connection.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import formataddr, parseaddr
from urllib.parse import SplitResult, urlsplit, urlunsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from notifications.settings import placeholders

MOST_SUBJECT, MOST_BODY = 200, 4000
_HOST = re.compile(r"[A-Za-z0-9.:\-\[\]]{1,253}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def one_line(text: str) -> str:
    if _CONTROL.search(text.strip()):
        raise ValueError(_("Write it on one line."))
    return text.strip()


def web_address(text: str) -> str:
    return urlunsplit(split_url(text))


def split_url(text: str) -> SplitResult:
    text = one_line(text)
    try:
        url = urlsplit(text)
        host, _port = url.hostname, url.port
    except ValueError:
        host = None
    if not host or url.scheme not in ("http", "https") or re.search(r"\s", text):
        raise ValueError(_("Write a whole address. Example: https://example.com/path"))
    if url.username is not None or url.password is not None:
        raise ValueError(_("The address must not hold a user name or a password."))
    return url._replace(fragment="")


def public_url(text: str) -> str:
    """The site's address for redeemers, without a path: the paths are ours."""
    url = split_url(text)
    if url.path.strip("/") or url.query:
        raise ValueError(_("Write it without a path. Example: https://seats.example.com"))
    return f"{url.scheme}://{url.netloc}"


def host_name(text: str) -> str:
    text = one_line(text)
    if text and not _HOST.fullmatch(text):
        raise ValueError(_("Write the name of the server alone. Example: smtp.example.com"))
    return text


def email_address(text: str) -> str:
    text = one_line(text)
    try:
        validate_email(text)
    except ValidationError:
        raise ValueError(_("This e-mail address is not complete. Example: name@example.com")) from None
    return text


def sender(text: str) -> str:
    text = one_line(text)
    name, address = parseaddr(text)
    email_address(address or text)
    try:
        Address(addr_spec=address)
    except (HeaderParseError, ValueError):
        raise ValueError(_("This e-mail address is not complete. Example: name@example.com")) from None
    return formataddr((name, address), "utf-8") if name.isascii() else f"{name} <{address}>"


def subject(text: str) -> str:
    text = one_line(text)
    if len(text) > MOST_SUBJECT:
        raise ValueError(_("At most {n} characters.").format(n=MOST_SUBJECT))
    placeholders.refuse_unknown(text)
    return text


def body(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > MOST_BODY:
        raise ValueError(_("At most {n} characters.").format(n=MOST_BODY))
    placeholders.refuse_unknown(text)
    return text
