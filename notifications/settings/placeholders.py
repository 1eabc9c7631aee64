"""`{email}`, `{status_url}` and `{ends_at}` in an operator's text.

Not str.format: it would read attributes (`{email.__class__}`) and fail on any other brace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.utils.translation import gettext as _

KNOWN = ("email", "status_url", "ends_at")
_ANY = re.compile(r"\{([^{}]*)\}")


def refuse_unknown(text: str) -> None:
    """Raise ValueError on an unknown placeholder or a single brace."""
    for name in _ANY.findall(text):
        if name not in KNOWN:
            known = ", ".join(f"{{{one}}}" for one in KNOWN)
            raise ValueError(
                _("Unknown placeholder {text}. There are: {known}").format(text=f"{{{name}}}", known=known)
            )
    if re.search(r"[{}]", _ANY.sub("", text)):
        raise ValueError(_("There is a brace without its other half."))


def used(text: str) -> set[str]:
    return set(_ANY.findall(text)) & set(KNOWN)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace in one pass: a value that contains a placeholder is not filled in again."""
    return _ANY.sub(lambda found: values.get(found[1], found[0]), text)
