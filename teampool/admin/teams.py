"""The list of Teams and the page of a Team."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse, reverse_lazy
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from base.actors import operator
from base.operator_pages import OperatorPages, badge, column, only_if, read_id
from base.times import ago, tag
from notifications.models import AuditEvent
from teampool.admin.filters import FreeSeatsFilter, HeldFilter, RenewalFilter, StateFilter, order
from teampool.login import words as login_words
from teampool.models import SyncRun, Team, TeamLogin, proven
from teampool.pool import stored
from teampool.pool.capacity_words import explain
from teampool.teams import changes, entrance, sync_runs, words
from teampool.teams.badges import BY_KEY, badge_for, with_badge
from teampool.teams.unread_seats import places_nobody

HISTORY_LENGTH = 30
PROGRESS = "admin/teampool/team/progress.html"
_OUTSIDE = dict.fromkeys(("min_value", "max_value"), gettext_lazy("Between 1 and 1,000."))


class TeamForm(forms.ModelForm):  # type: ignore[type-arg]
    operator_cap = forms.IntegerField(
        label=gettext_lazy("Seat cap"),
        widget=forms.NumberInput(attrs={"class": "sk-input"}),
        min_value=1,
        max_value=changes.MOST_SEATS,
        error_messages=_OUTSIDE,
        required=False,
        help_text=gettext_lazy("The owner is not counted. Empty: what was bought, else the default."),
    )

    class Meta:
        model = Team
        fields = ("name", "is_enabled", "operator_cap")


class CapForm(forms.Form):
    seats = forms.IntegerField(
        label=gettext_lazy("Seat cap"),
        min_value=1,
        max_value=changes.MOST_SEATS,
        error_messages=_OUTSIDE,
        required=False,
    )


def _title(team: Team) -> SafeString:
    return format_html('{} <span class="sk-id">{}</span>', team.name or _("Team"), team.account_id[:8])


def _seats(team: Team) -> SafeString:
    return render_to_string("admin/parts/team_seats.html", {"team": team})


def _state(team: Any) -> SafeString:
    state = BY_KEY[team.badge_key]
    return badge(state.text(team, timezone.now()), state.tone, state.icon)


def _subscription(team: Team) -> SafeString | str:
    ends = words.subscription(team, timezone.now())
    return format_html('<span class="sk-{}">{}</span>', ends.tone, ends.text) if ends.tone else ends.text


def _login(team: Any) -> SafeString:
    credential = words.credential(team, renews_itself=team.renews_itself, now=timezone.now())
    return format_html('<span class="sk-{}">{}</span>', credential.tone, credential.text)


def _last_invite(team: Team) -> SafeString | str:
    return _ago(team.last_invite_at)


def _last_sync(team: Team) -> SafeString | str:
    at = _ago(team.snapshot_started_at)
    return format_html('{} <span class="sk-warning">{}</span>', at, _("Sync failed")) if team.sync_problem else at


def _ago(moment: datetime | None) -> SafeString | str:
    return tag(moment, ago(moment, timezone.now()) if moment is not None else "")


@admin.register(Team)
class TeamPages(OperatorPages):
    form = TeamForm
    fields = ("name", "is_enabled", "operator_cap")
    list_display = (
        column("title", gettext_lazy("Team"), _title, ordering="name"),
        column("seats", gettext_lazy("Seats"), _seats, ordering="seats_held"),
        column("state", gettext_lazy("State"), _state),
        column("subscription", gettext_lazy("Subscription"), _subscription, ordering="subscription_until"),
        column("owner_email", gettext_lazy("Owner"), lambda team: team.owner.email, ordering="owner__email"),
        column("login", gettext_lazy("Login"), _login, ordering="access_expires_at"),
        column("last_invite", gettext_lazy("Last invitation"), _last_invite, ordering="last_invite_at"),
        column("last_sync", gettext_lazy("Last sync"), _last_sync, ordering="snapshot_started_at"),
    )
    # Rooms above add their filters.
    list_filter: ClassVar[tuple[type[admin.SimpleListFilter], ...]] = (
        StateFilter,
        FreeSeatsFilter,
        HeldFilter,
        RenewalFilter,
    )
    list_before_template = "admin/teampool/team/above.html"
    search_fields = ("name", "account_id", "owner__email")
    search_help_text = gettext_lazy("Name, account id or owner")
    actions = ("sync", "pause", "resume", "cap", "archive")
    empty_text = gettext_lazy("There is no Team yet.")
    empty_link = (reverse_lazy("admin:import_teams"), gettext_lazy("Import your first Team"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # Teams come by import

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        teams = with_badge(Team.objects.select_related("owner"), timezone.now()).annotate(
            renews_itself=proven("owner__")
        )
        # The list shows no secret, and decrypting three per row takes time.
        without: QuerySet[Any] = teams.defer("access_token", "owner__session_token", "owner__refresh_token")
        return without

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        return order()

    # Actions for many

    @admin.action(description=gettext_lazy("Sync"), permissions=["change"])
    def sync(self, request: HttpRequest, queryset: QuerySet[Team]) -> None:
        run = changes.want_sync(team_ids=queryset.values_list("pk", flat=True))
        self.message_user(request, _sync_started(run), messages.SUCCESS)

    @admin.action(description=gettext_lazy("Pause"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Team]) -> None:
        self._change(request, queryset, {"is_enabled": False})

    @admin.action(description=pgettext_lazy("team", "Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Team]) -> None:
        self._change(request, queryset, {"is_enabled": True})

    @admin.action(description=gettext_lazy("Set the seat cap"), permissions=["change"])
    def cap(self, request: HttpRequest, queryset: QuerySet[Team]) -> HttpResponse | None:
        """First ask for the number, on a page that names the Teams."""
        form = CapForm(request.POST if "seats" in request.POST else None)
        if form.is_valid():
            self._change(request, queryset, {"operator_cap": form.cleaned_data["seats"]})
            return None
        context = self.frame(request) | {"title": _("Set the seat cap"), "teams": queryset, "form": form}
        return TemplateResponse(request, "admin/teampool/team/seat_cap.html", context)

    @admin.action(description=gettext_lazy("Archive"), permissions=["change"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Team]) -> HttpResponse:
        """Redirect to the page of `invites` that shows who is in these Teams."""
        chosen = queryset.filter(archived_at=None).order_by("pk").values_list("pk", flat=True)
        return redirect(f"{reverse('admin:team_archive')}?teams={','.join(map(str, chosen))}")

    def _change(self, request: HttpRequest, queryset: QuerySet[Team], fields: dict[str, Any]) -> None:
        ids = queryset.values_list("pk", flat=True)
        count = changes.change_teams(team_ids=ids, changes=fields, actor=operator(request))
        text = ngettext("%(count)s Team changed.", "%(count)s Teams changed.", count) % {"count": count}
        self.message_user(request, text, messages.SUCCESS)

    # Pages

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("sync/", view(require_POST(self.sync_all)), name="teampool_team_sync_all"),
            path("read-seats/", view(require_POST(self.read_seats)), name="teampool_team_read_seats"),
            path("sync/progress/", view(require_safe(self.sync_progress)), name="teampool_team_sync_progress"),
            path("<int:team_id>/sync/", view(require_POST(self.sync_one)), name="teampool_team_sync"),
            *super().get_urls(),
        ]

    def sync_all(self, request: HttpRequest) -> HttpResponse:
        only_if(self.has_change_permission(request))
        self.message_user(request, _sync_started(changes.want_sync_of_all()), messages.SUCCESS)
        return redirect("admin:teampool_team_changelist")

    def sync_one(self, request: HttpRequest, team_id: int) -> HttpResponse:
        only_if(self.has_change_permission(request))
        self.message_user(request, _sync_started(changes.want_sync(team_ids=[team_id])), messages.SUCCESS)
        return redirect(reverse("admin:teampool_team_change", args=[team_id]))

    def read_seats(self, request: HttpRequest) -> HttpResponse:
        """Sync the Teams that place nobody because their seats were not read: the first screen's button."""
        only_if(self.has_change_permission(request))
        unread = Team.objects.filter(places_nobody(timezone.now()))
        run = changes.want_sync(team_ids=unread.values_list("pk", flat=True))
        self.message_user(request, _sync_started(run), messages.SUCCESS)
        return redirect("admin:index")

    def sync_progress(self, request: HttpRequest) -> HttpResponse:
        """The line of a sync's progress, which the page polls."""
        only_if(self.has_view_permission(request))
        return TemplateResponse(request, PROGRESS, _progress(read_id(request.GET.get("team", ""))))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, _progress(None) | (extra_context or {}))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"show_save_and_continue": False} | self._facts(object_id) | (extra_context or {})
        return super().change_view(request, object_id, form_url, context)

    def _facts(self, object_id: str) -> dict[str, Any]:
        """What the page of a Team shows beside the form; {} for an unknown id."""
        teams = Team.objects.select_related("owner").annotate(renews_itself=proven("owner__"))
        team: Any = teams.filter(pk=read_id(object_id) or 0).first()
        if team is None:
            return {}
        now = timezone.now()
        return _progress(team.pk) | {
            "team": team,
            "now": now,
            "badge": badge_for(team, now),
            "badge_text": badge_for(team, now).text(team, now),
            "why": words.why(team, now),
            "cap_source": explain(stored.capacity(team, now)),
            "pools": words.pools(team),
            "subscription": words.subscription(team, now),
            "entrance": entrance.warnings(team),
            "list_problem": words.list_problem(team),
            "credential": words.credential(team, renews_itself=team.renews_itself, now=now),
            "logins": _logins(team, now),
            "has_access_token": bool(team.access_token),
            "has_session_token": bool(team.owner.session_token),
            "has_refresh_token": bool(team.owner.refresh_token),
            "events": AuditEvent.objects.filter(object_kind="team", object_id=str(team.pk))[:HISTORY_LENGTH],
        }

    def save_model(self, request: HttpRequest, obj: Team, form: forms.ModelForm[Team], change: bool) -> None:
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        changes.change_team(team_id=obj.pk, changes=changed, actor=operator(request))


def _logins(team: Team, now: datetime) -> list[tuple[str, str, str]]:
    """The Team's log-ins, the one in use first: e-mail, what it is to this Team, and its tone."""
    rows = TeamLogin.objects.filter(team=team).select_related("owner").defer("access_token").order_by("pk")
    found = [
        (one.owner.email, *login_words.standing(one, is_used=one.owner_id == team.owner_id, now=now)) for one in rows
    ]
    return sorted(found, key=lambda one: one[0] != team.owner.email)


def _progress(team_id: int | None) -> dict[str, Any]:
    return {"sync": sync_runs.newest(timezone.now(), team_id=team_id), "sync_of": team_id}


def _sync_started(run: SyncRun) -> str:
    count = len(run.team_ids)
    return ngettext("Started: the sync of %(count)s Team.", "Started: the sync of %(count)s Teams.", count) % {
        "count": count
    }
