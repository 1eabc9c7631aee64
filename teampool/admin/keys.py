"""API keys: made, shown once, revoked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse_lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache

from base.actors import operator
from base.operator_pages import OperatorPages, badge, column, only_if
from base.times import tag
from teampool import api_keys
from teampool.models import ApiKey


class KeyForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=60,
        help_text=gettext_lazy("For you: which program uses it."),
    )


def _state(key: ApiKey) -> SafeString:
    if key.revoked_at is None:
        return badge(_("Valid"), "success", "check_circle")
    return badge(_("Revoked"), "default", "block")


@admin.register(ApiKey)
class KeyPages(OperatorPages):
    list_display = (
        "name",
        column("begins_with", gettext_lazy("Begins with"), lambda key: format_html("<code>{}…</code>", key.prefix)),
        column("created", gettext_lazy("Made"), lambda key: tag(key.created_at), ordering="created_at"),
        column("last_use", gettext_lazy("Last used"), lambda key: tag(key.last_used_at), ordering="last_used_at"),
        column("state", gettext_lazy("State"), _state),
    )
    list_display_links = None
    has_row_pages = False
    actions = ("revoke",)
    ordering = ("-id",)
    add_text = gettext_lazy("Make a key")
    empty_text = gettext_lazy("There is no API key. A program needs one to import Teams.")
    empty_link = (reverse_lazy("admin:teampool_apikey_add"), gettext_lazy("Make a key"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A key is never edited; this permission decides who may revoke.
        return obj is None and super().has_change_permission(request)

    @admin.action(description=gettext_lazy("Revoke the key"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        actor = operator(request)
        count = sum(api_keys.revoke(key_id=key.pk, actor=actor) for key in queryset)
        text = ngettext("%(count)s key revoked; it opens nothing now.", "%(count)s keys revoked.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make a key. The answer to this POST is the only place that shows it."""
        return never_cache(self._make)(request)

    def _make(self, request: HttpRequest) -> HttpResponse:
        only_if(self.has_add_permission(request))
        form = KeyForm(request.POST or None)
        plain = ""
        if request.method == "POST" and form.is_valid():
            try:
                _key, plain = api_keys.create(
                    name=form.cleaned_data["name"], scope=api_keys.IMPORT, actor=operator(request)
                )
            except api_keys.NameTaken:
                form.add_error("name", _("There is a key of this name already."))
        context = self.frame(request) | {"title": _("New API key"), "form": form, "plain": plain}
        return TemplateResponse(request, "admin/teampool/apikey/new.html", context)
