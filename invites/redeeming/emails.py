"""The one reading of an e-mail address somebody typed, and how it is shown to strangers."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from invites.redeeming.errors import EmailInvalid

LONGEST = 254
# Invisible marks that come along when an address is copied out of a chat.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
# Addresses a standard allows and nobody has: quoted names, literal hosts.
_NOT_ORDINARY = frozenset('"\\[]() ,;:<>')
_is_address = EmailValidator(allowlist=[])
HIDDEN = "•••"


def read_email(text: str) -> str:
    """The stored form, trimmed and in small letters. Raises EmailInvalid for everything ChatGPT could not mail to."""
    email = text.strip().strip(_INVISIBLE).strip().lower()
    if not email.isascii() or len(email) > LONGEST or not _NOT_ORDINARY.isdisjoint(email):
        raise EmailInvalid
    try:
        _is_address(email)
    except ValidationError as error:
        raise EmailInvalid from error
    return email


def masked(email: str) -> str:
    """`an•••@example.com`: two characters of the name, none of a name shorter than four."""
    name, _, host = email.rpartition("@")
    return f"{name[:2] if len(name) >= 4 else ''}{HIDDEN}@{host}"
