"""What all tables of the operator's site share. The theme is imported only here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from base.encryption import EncryptedTextField

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    ThemedAdmin = ModelAdmin[Any]
else:
    from unfold.admin import ModelAdmin as ThemedAdmin


class OperatorPages(ThemedAdmin):
    """Pages of 50 rows. No delete page: the product has its own actions. No history page: the audit is the history."""

    list_per_page = 50
    list_max_show_all = 0
    list_fullwidth = True
    list_filter_submit = False
    list_disable_select_all = False
    compressed_fields = True
    # False: rows have no page of their own, so no address shows a row's columns, which may hold secrets.
    has_row_pages = True
    # Shown instead of "nothing found" while the table is empty, with a button to the view of `empty_link`.
    empty_text: Any = ""
    empty_link: tuple[Any, Any] | None = None
    add_text: Any = ""

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Exclude encrypted fields, also from read-only pages, which show every field by default."""
        secrets = [field.name for field in self.model._meta.fields if isinstance(field, EncryptedTextField)]
        return [*(super().get_exclude(request, obj) or ()), *secrets]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def frame(self, request: HttpRequest, row: Any = None) -> dict[str, Any]:
        """The context of a page that a template of ours draws; with a row, the breadcrumbs end in it."""
        return {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media, "original": row}

    def find(self, request: HttpRequest, object_id: int | str) -> Any:
        """The row of a page. Answers 403 who may not see it, 404 where there is none."""
        only_if(self.has_view_permission(request))
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        return row

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_row_pages:
            raise Http404
        return super().change_view(request, object_id, form_url, extra_context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404


class ReadOnlyPages(OperatorPages):
    """Rows to look at: nothing is added or changed here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OwnRowPages(ReadOnlyPages):
    """A table whose rows have a page of ours each: `show`."""

    def show(self, request: HttpRequest, row: Any, /) -> HttpResponse:
        raise NotImplementedError

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return self.show(request, self.find(request, object_id))


def column(name: str, title: Any, show: Callable[[Any], object], *, ordering: str | None = None) -> Any:
    """A column for `list_display`: `show` makes the cell of a row. Style sheets know it as `field-<name>`."""

    @display(description=title, ordering=ordering)
    def cell(row: Any) -> object:
        return show(row)

    cell.__name__ = name
    return cell


def capital(text: object) -> str:
    """An English word with a capital; Chinese as it is, also where it begins with a Latin word ("token 过期")."""
    return str(text) if re.search("[\u4e00-\u9fff]", str(text)) else capfirst(str(text))


def badge(text: object, tone: str, icon: str) -> SafeString:
    """A state as a word with an icon: colour alone would not do."""
    return render_to_string("admin/parts/badge.html", {"text": capital(text), "tone": tone, "icon": icon})


def row_link(table: str, pk: object, text: object) -> SafeString:
    """A link to the page of a row; `table` as in "invites_redemption"."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{table}_change", args=[pk]), text)


def row_button(action: str, name: object) -> SafeString:
    """A button of one row. It posts the page's only form (`admin/parts/row_actions.html`) to `action`."""
    return format_html(
        '<button type="submit" form="row-actions" formaction="{}" class="row-button">{}</button>', action, name
    )


def where_from(request: HttpRequest, *, otherwise: str) -> str:
    """The page to return to: the form's `next` if it is on this site, else `otherwise`."""
    back = request.POST.get("next", "")
    return back if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}) else otherwise


def only_if(is_allowed: bool) -> None:
    """Answer 403 unless this is so."""
    if not is_allowed:
        raise PermissionDenied


def read_id(text: str) -> int | None:
    """The id that an address or a form names; None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None
