"""What all tables of the operator's site share. The theme is imported only here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString

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


def row_button(action: str, name: object) -> SafeString:
    """A button of one row. It posts the page's only form (`admin/parts/row_actions.html`) to `action`."""
    return format_html(
        '<button type="submit" form="row-actions" formaction="{}" class="row-button">{}</button>', action, name
    )


def where_from(request: HttpRequest, *, otherwise: str) -> str:
    """The page to return to: the form's `next` if it is on this site, else `otherwise`."""
    back = request.POST.get("next", "")
    return back if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}) else otherwise
