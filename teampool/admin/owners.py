"""Owners: which log-ins work, and until when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import BooleanField, Case, Count, F, Min, Prefetch, Q, QuerySet, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from base.list_filters import ChoiceFilter
from base.operator_pages import ReadOnlyPages, badge, row_button
from base.times import full
from teampool.login import words
from teampool.models import Owner, Team, TeamLogin, lacking_client, proven, renewing
from teampool.teams.words import client_problem

OPEN_TEAMS = Q(teams__archived_at=None)
_TONES = {Owner.Login.OK: ("success", "check_circle"), Owner.Login.DISABLED: ("danger", "cancel")}
SOON = timedelta(days=7)
MOST_NAMES = 4


# `expired_teams` and `lacks_client` as `get_queryset` adds them.
BROKEN = ~Q(login=Owner.Login.OK) | Q(expired_teams__gt=0) | Q(lacks_client=True)


class HealthFilter(ChoiceFilter):
    title = gettext_lazy("Login")
    parameter_name = "login"
    offers = {
        "broken": (gettext_lazy("Needs a person"), Q(is_broken=True)),
        "soon": (
            gettext_lazy("Ends within 7 days"),
            lambda now: Q(first_end__gt=now, first_end__lte=now + SOON, renews_itself=False),
        ),
        "fixed": (gettext_lazy("Cannot renew itself"), Q(renews_itself=False)),
    }


@admin.register(Owner)
class OwnerPages(ReadOnlyPages):
    list_display = ("email", "health", "credential", "its_teams", "renew")
    list_filter = (HealthFilter,)
    list_display_links = None
    has_row_pages = False
    list_before_template = "admin/parts/row_actions.html"
    search_fields = ("email",)
    search_help_text = gettext_lazy("E-mail")
    empty_text = gettext_lazy("They appear by themselves when Teams are imported.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Owner]:
        return (
            Owner.objects.annotate(
                expired_teams=Count("teams", filter=OPEN_TEAMS & ~Q(teams__token_state=Team.Token.HEALTHY)),
                # Of working tokens only: a refused token has ended already.
                first_end=Min("teams__access_expires_at", filter=OPEN_TEAMS & Q(teams__token_state=Team.Token.HEALTHY)),
                renews_itself=proven(),
                will_try=renewing(),
                lacks_client=lacking_client(),
            )
            .annotate(is_broken=Case(When(BROKEN, then=True), default=False, output_field=BooleanField()))
            .prefetch_related(Prefetch("team_logins", _of_open_teams()))
        )

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """Broken first, then the soonest end of those that do not renew themselves."""
        return ("-is_broken", "renews_itself", F("first_end").asc(nulls_last=True), "email")

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
        shown = badge(_word(state), tone, icon)
        ended = words.what_ended(owner)
        if not ended:
            if state == Owner.Login.OK and owner.lacks_client:
                return badge(_("Cannot renew itself"), "warning", "key_off")
            if state == Owner.Login.OK and owner.doubted_at:
                doubt = _("Its session gave no token at {time}; it is asked again.").format(time=full(owner.doubted_at))
                return format_html('<div>{}<br><span class="sk-hint">{}</span></div>', shown, doubt)
            return shown
        now = timezone.now()
        if owner.login_ended_at is not None:
            ended = _("{time}: {what}").format(time=full(owner.login_ended_at), what=ended)
        left = words.what_is_left(owner, token_until=owner.first_end, now=now)
        return format_html('<div>{}<br><span class="sk-hint">{}<br>{}</span></div>', shown, ended, left)

    @admin.display(description=gettext_lazy("Teams"))
    def its_teams(self, owner: Owner) -> str:
        """By name, those it leads first; each says where it is a spare, or why it may not lead."""
        now = timezone.now()
        logins = sorted(owner.team_logins.all(), key=lambda one: one.team.owner_id != owner.pk)
        if not logins:
            return "–"
        rows = []
        for login in logins[:MOST_NAMES]:
            is_used = login.team.owner_id == owner.pk
            text, tone = words.standing(login, is_used=is_used, now=now)
            rows.append((reverse("admin:teampool_team_change", args=[login.team_id]), login.team, tone, text))
        names = format_html_join(
            mark_safe("<br>"),
            '<a class="text-link" href="{}">{}</a> <span class="sk-{}">{}</span>',
            rows,
        )
        if len(logins) <= MOST_NAMES:
            return format_html("<div>{}</div>", names)
        all_of_them = f"{reverse('admin:teampool_team_changelist')}?{urlencode({'q': owner.email})}"
        more = _("{n} more").format(n=len(logins) - MOST_NAMES)
        return format_html('<div>{}<br><a class="text-link" href="{}">{}</a></div>', names, all_of_them, more)

    @admin.display(description=gettext_lazy("Actions"))
    def renew(self, owner: Any) -> str:
        """Only where it helps: the log-in has ended, or does not renew itself. A disabled one needs another admin's."""
        if owner.renews_itself and not owner.is_broken:
            return ""
        page = reverse("admin:import_teams")
        if owner.login == Owner.Login.DISABLED:
            return format_html('<a class="row-button" href="{}">{}</a>', page, _("Import Teams"))
        paste = format_html('<a class="row-button" href="{}?owner={}">{}</a>', page, owner.pk, _("Paste new session"))
        sign_in = row_button(reverse("admin:begin_sign_in_of", args=[owner.pk]), pgettext("OpenAI", "Sign in"))
        return format_html('<div class="sk-row-buttons">{} {}</div>', paste, sign_in)


def _of_open_teams() -> QuerySet[TeamLogin]:
    logins = TeamLogin.objects.filter(team__archived_at=None).select_related("team").order_by("pk")
    return logins.defer("access_token", "team__access_token")


def _word(state: Owner.Login) -> str:
    match state:
        case Owner.Login.OK:
            return _("Working")
        case Owner.Login.DISABLED:
            return _("Disabled")
        case Owner.Login.MISMATCH:
            return _("Belongs to someone else")
    return _("Needs a new session")
