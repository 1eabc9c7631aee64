"""The one form a redeemer meets."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from invites.redeeming.errors import CodeUnknown, EmailInvalid, RedeemError


class RedeemForm(forms.Form):
    """Only whether both fields are filled; whether they are good is `redeem`'s to say, in its order."""

    email = forms.CharField(
        error_messages={"required": _("Enter your e-mail."), "null_characters_not_allowed": EmailInvalid.text}
    )
    code = forms.CharField(
        error_messages={"required": _("Enter your code."), "null_characters_not_allowed": CodeUnknown.text}
    )

    def refuse(self, error: RedeemError) -> None:
        """Put the sentence where the problem is."""
        self.add_error(error.field, str(error))
