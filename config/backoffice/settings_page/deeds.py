"""The buttons beside the fields, answered in place: make or clear a secret, send a test, preview a mail, make a key."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from base.actors import Actor, operator
from config.backoffice.settings_page import saving
from config.backoffice.settings_page.fields import Section
from config.backoffice.settings_page.mail_preview import mails
from config.backoffice.settings_page.pages import address, answer, find, may_change
from config.backoffice.settings_page.sections import TUNABLES
from notifications.channels.bark import Bark
from notifications.channels.email import Email
from notifications.channels.result import Result
from notifications.channels.webhook import Webhook
from notifications.settings import runtime
from notifications.settings.checks import SECRET_PREFIX
from teampool import api_keys

Deed = Callable[[HttpRequest, Section], HttpResponse]
_KEY_NAME = "import"


class _Channel(Protocol):
    def test(self) -> Result: ...


_CHANNELS: dict[str, Callable[[Mapping[str, Any]], _Channel]] = {
    Webhook.name: Webhook,
    Bark.name: Bark,
    Email.name: Email,
}


def _deed(act: Deed) -> Callable[..., HttpResponse]:
    """A door for one button: POST does it; a look at its address leads back to the page."""

    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    def view(request: HttpRequest, section_id: str) -> HttpResponse:
        may_change(request)
        section = find(section_id)
        return act(request, section) if request.method == "POST" else redirect(address(section))

    return view


@_deed
def send_test(request: HttpRequest, section: Section) -> HttpResponse:
    """With what is typed, saved or not; nothing is stored."""
    if not section.channel:
        raise Http404
    stored, refused = runtime.read(*TUNABLES), None
    news = saving.changed(section, request.POST, stored)
    try:
        values = stored | {field.key: field.tunable.parse(text) for field, text in news}
    except runtime.BadSetting as error:
        refused = saving.Refused({error.key: saving.sentence(error.reason)})
        field = section.field(error.key)
        words = _("{field}: {reason}").format(field=field.label if field else error.key, reason=error.reason)
        result = Result(False, words)
    else:
        refused = saving.meant_for_another(news, stored)
        if refused is not None:
            result = Result(False, next(iter(refused.errors.values())))
        else:
            result = _CHANNELS[section.channel](values).test()
    more = {"result": result, "is_unsaved": bool(news)}
    return answer(request, section, template="answer", posted=request.POST, refused=refused, more=more)


@_deed
def change_secret(request: HttpRequest, section: Section) -> HttpResponse:
    """`clear` it, or `make` one and show it in this answer only."""
    verb = "clear" if "clear" in request.POST else "make"
    field = section.field(request.POST.get(verb, ""))
    if field is None or not field.tunable.is_secret or (verb == "make" and not field.can_make):
        raise Http404
    made = new_secret() if verb == "make" else ""
    runtime.change({field.key: made}, actor=operator(request))
    posted = request.POST.copy()
    posted.pop(field.key, None)
    return answer(request, section, template="row", posted=posted, once={field.key: made}, key=field.key)


def new_secret() -> str:
    """A secret for signatures as Standard Webhooks writes it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


@_deed
def change_key(request: HttpRequest, section: Section) -> HttpResponse:
    """The key for the import: the first one, or a new text for the one that was shown."""
    if not request.user.has_perm("teampool.add_apikey"):
        raise PermissionDenied
    plain = _new_key(request.POST.get("key", ""), actor=operator(request))
    problem = "" if plain else _("The key was changed meanwhile; this is how it stands now.")
    more = {"plain": plain, "key_problem": problem}
    return answer(request, section, template="key", posted=request.POST, more=more)


def _new_key(shown: str, *, actor: Actor) -> str | None:
    """None when the page the button was on is no longer true."""
    key_id, _colon, prefix = shown.partition(":")
    if key_id.isdecimal():
        return api_keys.replace(key_id=int(key_id), prefix=prefix, actor=actor)
    if api_keys.valid(api_keys.IMPORT).exists():
        return None
    try:
        return api_keys.create(name=api_keys.free_name(_KEY_NAME), scope=api_keys.IMPORT, actor=actor)[1]
    except api_keys.NameTaken:
        return None


@_deed
def preview(request: HttpRequest, section: Section) -> HttpResponse:
    """The success mail as it is typed, filled in with an example."""
    if section.id != "mail":
        raise Http404
    return answer(request, section, template="preview", posted=request.POST, more={"preview": mails(request.POST)})
