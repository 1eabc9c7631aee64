"""Read settings from the environment. What cannot be right is refused in one sentence that names the setting."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

_YES = {"1", "y", "yes", "t", "true", "on", "ok"}
_NO = {"", "0", "n", "no", "f", "false", "off"}


class Environment:
    """The settings of the process environment. Every reader raises ImproperlyConfigured for a value it cannot take."""

    def __init__(self, env: environ.Env) -> None:
        self._env = env

    def text(self, name: str, default: str = "") -> str:
        return str(self._env.str(name, default=default)).strip()

    def words(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """A comma-separated list."""
        return [word.strip() for word in self._env.list(name, default=list(default)) if word.strip()]

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, "on" if default else "off").lower()
        if value not in _YES | _NO:
            raise ImproperlyConfigured(f"{name}: write on or off, not {value!r}.")
        return value in _YES

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        return int(self._number(name, default, low, high, int, "a whole number"))

    def number(self, name: str, default: float, low: float, high: float) -> float:
        return float(self._number(name, default, low, high, float, "a number"))

    def _number(self, name: str, default: Any, low: float, high: float, kind: Callable[[str], Any], what: str) -> Any:
        value = self.text(name, str(default))
        try:
            number = kind(value)
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise ImproperlyConfigured(f"{name}: write {what} from {low:g} to {high:g}, not {value!r}.")
        return number

    def zone(self, name: str, default: str) -> str:
        value = self.text(name, default)
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):  # not there; not a name; a folder
            raise ImproperlyConfigured(
                f"{name}: there is no time zone {value!r}; write one like Asia/Shanghai, Asia/Hong_Kong or UTC."
            ) from None
        return value

    def level(self, name: str, default: str) -> str:
        value = self.text(name, default).upper()
        if value not in logging.getLevelNamesMapping():
            raise ImproperlyConfigured(f"{name}: write DEBUG, INFO, WARNING or ERROR, not {value!r}.")
        return value

    def address(self, name: str, default: str) -> str:
        """A URL of a server, without the / at its end."""
        value = self.text(name, default).rstrip("/")
        if not is_origin(value):
            raise ImproperlyConfigured(f"{name}: write an address like https://example.com.")
        return value

    def database(self, name: str, default: str) -> dict[str, Any]:
        """A database URL. The refusal never quotes it: it may hold a password."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a warning would quote it
            try:
                read = dict(self._env.db_url(name, default=default))
            except (ValueError, KeyError, environ.ImproperlyConfigured):
                read = {}
        if "." not in str(read.get("ENGINE")):  # of an unknown scheme the engine is the scheme, or nothing
            raise ImproperlyConfigured(
                f"{name}: write sqlite:////path/to/file or postgres://user:password@host:5432/name; special characters "
                "of the password are percent-encoded."
            )
        return read


def is_origin(value: str) -> bool:
    """True for http or https with a host: what CSRF_TRUSTED_ORIGINS and the address of a server need."""
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
