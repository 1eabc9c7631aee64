"""Owners: which log-ins work, and until when."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from base.operator_pages import ReadOnlyPages, row_button
from base.times import full
from teampool.models import Owner, Team, lacking_client, proven, renewing
from teampool.teams.words import client_problem

OPEN_TEAMS = Q(teams__archived_at=None)
_TONES = {Owner.Login.OK: ("success", "check_circle"), Owner.Login.DISABLED: ("danger", "cancel")}


@admin.register(Owner)
class OwnerPages(ReadOnlyPages):
    list_display = ("email", "credential", "health", "team_count", "renew")
    list_display_links = None
    has_row_pages = False
    list_before_template = "admin/parts/row_actions.html"
    search_fields = ("email",)
    search_help_text = gettext_lazy("E-mail")
    empty_text = gettext_lazy("They appear by themselves when Teams are imported.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Owner]:
        return (
            Owner.objects.annotate(
                open_teams=Count("teams", filter=OPEN_TEAMS),
                expired_teams=Count("teams", filter=OPEN_TEAMS & ~Q(teams__token_state=Team.Token.HEALTHY)),
                # Of working tokens only: a refused token has ended already.
                first_end=Min("teams__access_expires_at", filter=OPEN_TEAMS & Q(teams__token_state=Team.Token.HEALTHY)),
                renews_itself=proven(),
                will_try=renewing(),
                lacks_client=lacking_client(),
            )
            .defer("session_token", "refresh_token")
            .order_by("-expired_teams", "email")
        )

    @admin.display(description=gettext_lazy("Login"))
    def credential(self, owner: Any) -> str:
        """How long the log-in lasts, and what its refresh token lacks."""
        lasts = self._lasts(owner)
        if not owner.lacks_client:
            return lasts
        return _("{lasts} · {problem}").format(lasts=lasts, problem=client_problem(owner))

    def _lasts(self, owner: Any) -> str:
        """When it has ended, its access token may still work until `first_end`."""
        runs_on = owner.login in (Owner.Login.EXPIRED, Owner.Login.MISMATCH)
        if runs_on and owner.first_end and owner.first_end > timezone.now():
            return _("Expired; access token until {time}").format(time=full(owner.first_end))
        if owner.expired_teams or owner.login != Owner.Login.OK:
            return pgettext("login", "Expired")
        if owner.renews_itself:
            return _("Renews itself")
        if owner.will_try and owner.first_end:
            text = _("Until {time}, then by its refresh token, which was not tried yet")
            return text.format(time=full(owner.first_end))
        return _("Until {time}").format(time=full(owner.first_end)) if owner.first_end else "–"

    @admin.display(description=gettext_lazy("Health"))
    def health(self, owner: Any) -> str:
        state = (
            Owner.Login.EXPIRED if owner.expired_teams and owner.login == Owner.Login.OK else Owner.Login(owner.login)
        )
        tone, icon = _TONES.get(state, ("danger", "key_off"))
        return render_to_string("admin/parts/badge.html", {"tone": tone, "icon": icon, "text": _word(state)})

    @admin.display(description=gettext_lazy("Teams"), ordering="open_teams")
    def team_count(self, owner: Any) -> str:
        teams = f"{reverse('admin:teampool_team_changelist')}?q={owner.email}"
        return format_html('<a class="text-link" href="{}">{}</a>', teams, owner.open_teams)

    @admin.display(description=gettext_lazy("New session"))
    def renew(self, owner: Owner) -> str:
        page = f"{reverse('admin:import_teams')}?owner={owner.pk}"
        paste = format_html('<a class="sk-button" href="{}">{}</a>', page, _("Paste new session"))
        sign_in = row_button(reverse("admin:begin_sign_in_of", args=[owner.pk]), pgettext("OpenAI", "Sign in"))
        return format_html("{} {}", sign_in, paste)


def _word(state: Owner.Login) -> str:
    match state:
        case Owner.Login.OK:
            return _("Working")
        case Owner.Login.DISABLED:
            return _("Disabled")
        case Owner.Login.MISMATCH:
            return _("Belongs to someone else")
    return _("Needs a new session")
