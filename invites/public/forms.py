"""The redeem form."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from invites.redeeming.errors import CodeUnknown, EmailInvalid, RedeemError


class RedeemForm(forms.Form):
    """Checks only that both fields are filled; `redeem` checks the rest, in its own order."""

    email = forms.CharField(
        error_messages={"required": _("Enter your e-mail."), "null_characters_not_allowed": EmailInvalid.text}
    )
    code = forms.CharField(
        error_messages={"required": _("Enter your code."), "null_characters_not_allowed": CodeUnknown.text}
    )

    def refuse(self, error: RedeemError) -> None:
        self.add_error(error.field, str(error))
