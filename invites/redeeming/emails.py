"""Read an e-mail address that a person typed, and mask it for strangers."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from invites.redeeming.errors import EmailInvalid

LONGEST = 254
# Invisible characters that are copied along from a chat.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
# Characters of addresses that a standard allows and nobody has, as quoted names.
_NOT_ORDINARY = frozenset('"\\[]() ,;:<>')
_is_address = EmailValidator(allowlist=[])
HIDDEN = "•••"


def read_email(text: str) -> str:
    """The stored form: trimmed, lower-case. Raises EmailInvalid for an address ChatGPT could not mail to."""
    email = text.strip().strip(_INVISIBLE).strip().lower()
    if not email.isascii() or len(email) > LONGEST or not _NOT_ORDINARY.isdisjoint(email):
        raise EmailInvalid
    try:
        _is_address(email)
    except ValidationError as error:
        raise EmailInvalid from error
    return email


def masked(email: str) -> str:
    """`an•••@example.com`: two characters of the name, none if it has less than four."""
    name, _, host = email.rpartition("@")
    return f"{name[:2] if len(name) >= 4 else ''}{HIDDEN}@{host}"
