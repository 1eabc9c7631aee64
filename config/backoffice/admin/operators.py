"""Operators: the people who may log in. Every operator may do everything."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import password_validation, update_session_auth_hash
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from base.actors import operator
from base.operator_pages import OperatorPages, badge, column
from base.times import tag
from config.backoffice import operators

# Imported first: Django's own tables must be registered before they can be unregistered.
assert auth_admin  # noqa: S101
admin.site.unregister([User, Group])
User._meta.verbose_name = gettext_lazy("operator")
User._meta.verbose_name_plural = gettext_lazy("operators")


class OperatorForm(forms.ModelForm):  # type: ignore[type-arg]
    """A password can be set, never read; an empty field keeps the old password."""

    new_password = forms.CharField(
        label=gettext_lazy("New password"),
        widget=forms.PasswordInput(attrs={"class": "sk-input", "autocomplete": "new-password"}),
        required=False,
        strip=False,
        help_text=gettext_lazy("At least 10 characters, not only figures. Empty: stays as it is."),
    )

    class Meta:
        model = User
        fields = ("username", "email", "is_active")
        labels = {"email": gettext_lazy("E-mail"), "is_active": gettext_lazy("May log in")}
        help_texts = {
            "username": gettext_lazy("Letters, figures and @ . + - _; it cannot be changed later."),
            "is_active": gettext_lazy("Off: this person cannot log in any more."),
        }

    # The logged-in operator's name; set by the page.
    actor_name = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password"].required = self.instance.pk is None
        if self.instance.pk is None:  # a new operator has no password to keep
            self.fields["new_password"].help_text = _("At least 10 characters, not only figures.")

    def clean_new_password(self) -> str:
        password: str = self.cleaned_data["new_password"]
        if password:
            password_validation.validate_password(password, self.instance)
        return password

    def clean_is_active(self) -> bool:
        is_active: bool = self.cleaned_data["is_active"]
        if not is_active and self.instance.username == self.actor_name:
            raise forms.ValidationError(_("You cannot lock yourself out."))
        return is_active


def _state(user: User) -> SafeString:
    if user.is_active and user.is_staff:
        return badge(_("May log in"), "success", "check_circle")
    return badge(_("May not log in"), "default", "block")


@admin.register(User)
class OperatorTable(OperatorPages):
    form = OperatorForm
    fields = ("username", "email", "new_password", "is_active")
    list_display = (
        "username",
        column("e_mail", gettext_lazy("E-mail"), lambda user: user.email or "–", ordering="email"),
        column("state", gettext_lazy("State"), _state),
        column("last_time", gettext_lazy("Last log-in"), lambda user: tag(user.last_login), ordering="last_login"),
    )
    search_fields = ("username", "email")
    search_help_text = gettext_lazy("User name or e-mail")
    ordering = ("username",)
    add_text = gettext_lazy("Add an operator")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    has_module_permission = has_add_permission = has_change_permission = has_view_permission

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if obj else ("username", "email", "new_password")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("username",) if obj else ()  # the audit names operators by it

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context |= {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.actor_name = request.user.get_username()
        return form

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        actor, password = operator(request), form.cleaned_data["new_password"]
        if password:
            obj.set_password(password)
        if not change:
            operators.add(user=obj, actor=actor)
            return
        fields = [field for field in ("email", "is_active") if field in form.changed_data]
        operators.change(user=obj, fields=fields, has_new_password=bool(password), actor=actor)
        if password and obj.pk == request.user.pk:
            update_session_auth_hash(request, obj)
