"""Refuses weak secrets when settings are loaded."""

from __future__ import annotations

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

SHORTEST = 40
DIFFERENT = 10


def check_secrets(*, secret_key: str, encryption_keys: list[str], debug: bool) -> None:
    """Raise ImproperlyConfigured on a missing, weak or malformed secret.

    DEBUG allows a weak SECRET_KEY, but never a malformed encryption key: nothing could be encrypted with it.
    """
    if not secret_key:
        raise ImproperlyConfigured("SECRET_KEY is not set. `make run` writes one into .env on its first start.")
    if not debug and (
        len(secret_key) < SHORTEST or len(set(secret_key)) < DIFFERENT or secret_key.startswith("django-insecure")
    ):
        raise ImproperlyConfigured(f"SECRET_KEY is too weak: use at least {SHORTEST} random characters.")
    if not encryption_keys:
        raise ImproperlyConfigured("ENCRYPTION_KEYS is not set: a comma-separated list of Fernet keys, newest first.")
    for number, key in enumerate(encryption_keys, 1):
        try:
            Fernet(key)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"ENCRYPTION_KEYS: key {number} is not a Fernet key (32 random bytes, URL-safe base64)."
            ) from error
