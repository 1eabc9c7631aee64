"""An order for new codes, from the page or the command: read, checked, put into a sentence, made."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from base.actors import Actor
from base.times import full
from invites import words
from invites.codes import batches
from invites.models import CodeBatch
from teampool.models import Team

# Arguments of `make_batch` whose field has another name.
_FIELD_OF = {"seat_time": "hours", "redeem_until": "valid_days"}


def _bounded(name: str) -> dict[str, Any]:
    said = batches.BOUNDS[name]
    return {"min_value": said, "max_value": said, "max_length": said}


class TeamField(forms.CharField):
    """A Team by its name as shown (`Team 03 a1b2c3d4`), or by its account id or the beginning of it."""

    default_error_messages = {
        "unknown": gettext_lazy("There is no such Team."),
        "several": gettext_lazy("Several Teams begin like that. Write more of the account id."),
    }

    def clean(self, value: Any) -> Team | None:
        text = super().clean(value)
        if not text:
            return None
        found = list(Team.objects.filter(account_id=text)[:1])
        found = found or list(Team.objects.filter(account_id__startswith=text.rsplit(maxsplit=1)[-1])[:2])
        if len(found) != 1:
            code = "several" if found else "unknown"
            raise forms.ValidationError(self.error_messages[code], code=code)
        if found[0].archived_at is not None:
            raise forms.ValidationError(batches.BOUNDS["team"], code="archived")
        return found[0]


def teams_on_offer() -> list[str]:
    """The names of all Teams that codes can be bound to, as TeamField reads them."""
    teams = Team.objects.filter(archived_at=None).order_by("name", "id")
    return [str(team) for team in teams.only("name", "account_id")]


class NewCodes(forms.Form):
    """An order for codes. Empty hours or days mean without limit."""

    count = forms.IntegerField(
        label=gettext_lazy("How many"),
        min_value=1,
        max_value=batches.MOST_CODES,
        initial=100,
        error_messages=_bounded("count"),
    )
    label = forms.CharField(
        label=gettext_lazy("Label"),
        required=False,
        max_length=batches.LONGEST_LABEL,
        error_messages=_bounded("label"),
        help_text=gettext_lazy("Only you see it. At most 60 characters."),
    )
    team = TeamField(
        label=gettext_lazy("Team"),
        required=False,
        help_text=gettext_lazy("Name or account id. Empty: any Team."),
    )
    hours = forms.DecimalField(
        label=gettext_lazy("Temporary, hours"),
        required=False,
        min_value=batches.LEAST_HOURS,
        max_value=batches.MOST_HOURS,
        error_messages=_bounded("seat_time"),
        help_text=gettext_lazy("0.1–8,760, counted from the confirmation. Empty: for good."),
    )
    valid_days = forms.IntegerField(
        label=gettext_lazy("To be redeemed within, days"),
        required=False,
        min_value=batches.LEAST_DAYS,
        max_value=batches.MOST_DAYS,
        error_messages=_bounded("redeem_until"),
        help_text=gettext_lazy("1–3,650. Empty: no limit."),
    )
    max_uses = forms.IntegerField(
        label=gettext_lazy("Uses per code"),
        required=False,
        min_value=1,
        max_value=batches.MOST_USES,
        error_messages=_bounded("max_uses"),
        help_text=gettext_lazy("Empty: 1."),
    )

    def make(self, *, actor: Actor) -> CodeBatch | None:
        """Make the codes of a valid order; None, with an error at the field, when they cannot be made."""
        try:
            return batches.make_batch(**self._terms(timezone.now()), actor=actor)
        except batches.BadBatch as bad:
            for name, text in bad.errors.items():
                self.add_error(_FIELD_OF.get(name, name), text)
            return None

    def sentence(self) -> str:
        terms = self._terms(timezone.now())
        count, team = terms["count"], terms["team"]
        if team is None:
            first = ngettext("%(count)s generic code", "%(count)s generic codes", count)
        else:
            first = ngettext("%(count)s code bound to %(team)s", "%(count)s codes bound to %(team)s", count)
        parts = [first % {"count": words.number(count), "team": team}]
        if terms["seat_time"] is not None:
            time = words.duration(terms["seat_time"])
            parts.append(_("good for %(time)s after the invitation is confirmed") % {"time": time})
        if terms["redeem_until"] is not None:
            until = full(terms["redeem_until"])
            parts.append(_("to be redeemed before %(until)s") % {"until": until})
        if terms["max_uses"] > 1:
            parts.append(_("%(uses)s uses each") % {"uses": words.number(terms["max_uses"])})
        return words.joined(parts)

    def _terms(self, now: datetime) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            "count": data["count"],
            "label": data["label"],
            "team": data["team"],
            "seat_time": None if data["hours"] is None else timedelta(hours=float(data["hours"])),
            "redeem_until": None if data["valid_days"] is None else now + timedelta(days=data["valid_days"]),
            "max_uses": data["max_uses"] or 1,
        }
