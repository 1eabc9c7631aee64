"""Mail services whose server, port and encryption are known; nothing is saved by choosing one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from config.backoffice.settings_page.fields import Words
from config.backoffice.settings_page.showing import Shown
from notifications.settings.declared import SMTP_HOST, SMTP_PORT, SMTP_SECURITY


@dataclass(frozen=True, slots=True)
class Preset:
    name: Words
    values: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> str:
        """By the id of the field, for the script of the page."""
        return json.dumps({key.replace(".", "-"): value for key, value in self.values.items()})


def _preset(name: Words, host: str, port: int, security: str) -> Preset:
    return Preset(name, {SMTP_HOST.key: host, SMTP_PORT.key: str(port), SMTP_SECURITY.key: security})


PRESETS = {
    "qq": _preset(_("QQ Mail"), "smtp.qq.com", 465, "ssl"),
    "gmail": _preset("Gmail", "smtp.gmail.com", 587, "starttls"),
}


def fill(shown: Shown, preset: Preset) -> None:
    """Put its values into the fields; the person still saves them."""
    for line in shown.lines:
        for control in line.controls:
            control.text = preset.values.get(control.field.key, control.text)
