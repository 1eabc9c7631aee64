"""The list of people who may be in a Team without a seat: the baseline, and people an operator allowed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse_lazy
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from base.actors import operator
from base.list_filters import ChoiceFilter
from base.operator_pages import OperatorPages, badge, column, only_if
from base.times import tag
from invites import words
from invites.actions import outsiders
from invites.admin.parts import table
from invites.codes.order import TeamField, teams_on_offer
from invites.redeeming.emails import read_email
from invites.redeeming.errors import EmailInvalid
from teampool.models import AllowedMember, Team

_LOOKS = {
    AllowedMember.Origin.BASELINE: ("default", "how_to_reg"),
    AllowedMember.Origin.OPERATOR: ("success", "verified_user"),
}
_COLUMNS = (gettext_lazy("E-mail"), gettext_lazy("Team"), gettext_lazy("Standing"), gettext_lazy("Note"))


class AllowForm(forms.Form):
    email = forms.CharField(label=gettext_lazy("E-mail"), max_length=254)
    team = TeamField(
        label=gettext_lazy("Team"),
        required=False,
        help_text=gettext_lazy("Name or account id. Empty: in all Teams."),
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs |= {"class": "sk-input", "autocomplete": "off"}
        self.fields["team"].widget.attrs["list"] = "teams"

    def clean_email(self) -> str:
        try:
            return read_email(self.cleaned_data["email"])
        except EmailInvalid as error:
            raise forms.ValidationError(_("The e-mail is not valid.")) from error


class OriginFilter(ChoiceFilter):
    title = gettext_lazy("Standing")
    parameter_name = "origin"
    offers = {origin.value: (origin.label, Q(origin=origin)) for origin in AllowedMember.Origin}


def _team(person: AllowedMember) -> str:
    return str(person.team) if person.team is not None else _("All")


def _standing(person: AllowedMember) -> SafeString:
    origin = AllowedMember.Origin(person.origin)
    return badge(origin.label, *_LOOKS[origin])


@admin.register(AllowedMember)
class AllowedPages(OperatorPages):
    list_display = (
        column("who", gettext_lazy("E-mail"), str),
        column("in_team", gettext_lazy("Team"), _team),
        column("standing", gettext_lazy("Standing"), _standing),
        column("by_whom", gettext_lazy("Who"), lambda person: person.added_by or "–"),
        column("at", pgettext_lazy("allowed person", "When"), lambda person: tag(person.created_at)),
        column("remark", gettext_lazy("Note"), lambda person: person.note or "–"),
    )
    list_display_links = None
    has_row_pages = False
    list_filter = (OriginFilter,)
    search_fields = ("email", "upstream_user_id", "note", "team__name")
    search_help_text = gettext_lazy("E-mail, Team or note")
    sortable_by = ()
    ordering = ("-id",)
    actions = ("end",)
    add_text = gettext_lazy("Add a person")
    empty_text = gettext_lazy("Nobody is allowed.")
    empty_link: Any = (reverse_lazy("admin:teampool_allowedmember_add"), gettext_lazy("Add a person"))

    class Media:
        css = {"all": ["invites/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[AllowedMember]:
        teams = Team.objects.only("name", "account_id")
        return AllowedMember.objects.order_by("-pk").prefetch_related(Prefetch("team", teams))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a permission is ended and given anew, never edited

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("teampool.delete_allowedmember")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        only_if(self.has_add_permission(request))
        form = AllowForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            person = outsiders.allow(**form.cleaned_data, actor=operator(request))
            messages.success(request, _("%(who)s may stay.") % {"who": person})
            return redirect("admin:teampool_allowedmember_changelist")
        context = {"title": _("Allow a person"), "opts": None, "form": form, "teams": teams_on_offer()}
        return TemplateResponse(request, "admin/invites/allowed/new.html", self.frame(request) | context)

    @admin.action(description=gettext_lazy("End the exception"), permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[AllowedMember]) -> HttpResponse | None:
        """First show whom it concerns, then end the permissions."""
        people = list(queryset)
        if "confirmed" in request.POST:
            actor = operator(request)
            for person in people:
                outsiders.disallow(allowed_id=person.pk, actor=actor)
            text = ngettext("%(n)s exception ended.", "%(n)s exceptions ended.", len(people))
            messages.success(request, text % {"n": words.number(len(people))})
            return None
        button = ngettext("End %(n)s exception", "End %(n)s exceptions", len(people))
        context = {
            "title": _("End exceptions"),
            "opts": None,
            "people": people,
            "button": button % {"n": words.number(len(people))},
            **table(_COLUMNS, [[str(one), _team(one), _standing(one), one.note or "–"] for one in people]),
        }
        return TemplateResponse(request, "admin/invites/allowed/end.html", self.frame(request) | context)
