"""The announcement page: the text above the redeem form, in two languages, with a preview before saving."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from base.actors import operator
from base.operator_pages import ReadOnlyPages, only_if
from notifications import announcement
from notifications.markdown import as_html
from notifications.models import Announcement

_PAGE = "admin/notifications/announcement/page.html"
_PREVIEW = "admin/notifications/announcement/preview.html"
_LANGUAGES = (("中文", "zh"), ("English", "en"))


class MarkdownField(forms.CharField):
    """At most 4,000 characters. Browsers send a line break as two characters; it counts as one."""

    default_validators = [MaxLengthValidator(announcement.LONGEST, gettext_lazy("More than 4,000 characters."))]
    widget = forms.Textarea(attrs={"class": "sk-input", "rows": 8, "spellcheck": "false"})

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class AnnouncementForm(forms.Form):
    zh = MarkdownField(label="中文", required=False)
    en = MarkdownField(label="English", required=False, help_text=gettext_lazy("Empty: the Chinese text."))
    is_shown = forms.BooleanField(label=gettext_lazy("Show it on the redeem page"), required=False)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("is_shown") and not self.errors and not (said["zh"] or said["en"]):
            self.add_error("zh", _("Write a text first."))
        return said


@admin.register(Announcement)
class AnnouncementPages(ReadOnlyPages):
    """One page at the table's own address: there is at most one announcement."""

    has_row_pages = False

    def get_urls(self) -> list[URLPattern]:
        return [
            path("preview/", self.admin_site.admin_view(self.preview_view), name="announcement_preview"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The form. POST saves it; POST with `preview` shows the result and keeps the typed text."""
        only_if(request.user.has_perm("notifications.change_announcement"))
        row = announcement.stored()
        stored = {"zh": row.zh, "en": row.en, "is_shown": row.is_shown}
        form = AnnouncementForm(request.POST if request.method == "POST" else None, initial=stored)
        if form.is_valid() and "preview" not in request.POST:
            announcement.change(**form.cleaned_data, actor=operator(request))
            messages.success(request, _("Saved."))
            return redirect("admin:notifications_announcement_changelist")
        context = {**self.admin_site.each_context(request), "title": _("Announcement"), "form": form}
        context |= _looks(form if form.is_bound else None, stored) | {"is_empty": not (row.zh or row.en)}
        return render(request, _PAGE, context)

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """The preview alone; htmx swaps it in while the operator types."""
        only_if(request.user.has_perm("notifications.change_announcement"))
        return render(request, _PREVIEW, _looks(AnnouncementForm(request.POST), {}))


def _looks(form: AnnouncementForm | None, stored: dict[str, Any]) -> dict[str, Any]:
    """Both texts as HTML; leaves out a text that is empty or too long."""
    if form is not None:
        form.is_valid()
        stored = form.cleaned_data
    return {"looks": [(name, code, as_html(stored[code])) for name, code in _LANGUAGES if stored.get(code)]}
