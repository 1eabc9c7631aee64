"""The buttons beside the fields, answered in place: make or clear a secret, send a test, preview a mail, make a key."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from base.actors import Actor, operator
from base.operator_pages import only_if
from config.backoffice.settings_page import mail
from config.backoffice.settings_page.forms import SectionForm
from config.backoffice.settings_page.pages import address, answer, find, may_change, stored
from config.backoffice.settings_page.sections import API, PUBLIC, Section
from notifications.channels.registry import CHANNELS
from notifications.channels.result import Result
from notifications.channels.webhook import SECRET_PREFIX
from notifications.settings import runtime
from teampool import api_keys

Action = Callable[[HttpRequest, Section], HttpResponse]
_KEY_NAME = "import"


def _action(act: Action) -> Callable[..., HttpResponse]:
    """The view of one button: POST acts, GET leads back to the section's page."""

    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    def view(request: HttpRequest, section_id: str) -> HttpResponse:
        may_change(request)
        section = find(section_id)
        return act(request, section) if request.method == "POST" else redirect(address(section))

    return view


def _as_typed(section: Section, posted: Mapping[str, Any]) -> SectionForm:
    """The form with what was typed, without errors: the person did not ask to save it."""
    return SectionForm(section, stored(section), posted, judged=())


@_action
def send_test(request: HttpRequest, section: Section) -> HttpResponse:
    """Send a test with the values typed for this channel, saved or not; store nothing."""
    channel = request.POST.get("channel", "")
    group = next((one for one in section.groups if one.channel and one.channel == channel), None)
    if group is None:
        raise Http404
    form = SectionForm(section, stored(section), request.POST, judged={one.key for one in group.fields})
    if form.is_valid():
        everything = runtime.read(*runtime.declared().values())
        result = CHANNELS[channel](everything | form.changes).test()
    else:
        key, reasons = next(iter(form.errors.items()))
        result = Result(False, _("{field}: {reason}").format(field=form.control(key).label, reason=reasons[0]))
    more = {"channel": channel, "of": channel, "result": result, "is_unsaved": bool(form.changed_data)}
    return answer(request, form, template="answer", status=200 if form.is_valid() else 400, **more)


@_action
def change_secret(request: HttpRequest, section: Section) -> HttpResponse:
    """Clear the secret, or make one and show it in this answer only."""
    verb = "clear" if "clear" in request.POST else "make"
    field = section.fields.get(request.POST.get(verb, ""))
    if field is None or not field.setting.is_secret or (verb == "make" and not field.can_make):
        raise Http404
    made = new_secret() if verb == "make" else ""
    runtime.change({field.key: made}, actor=operator(request))
    posted = request.POST.copy()
    posted.pop(field.key, None)
    form = _as_typed(section, posted)
    row, controls = next(line for _group, lines in form.groups for line in lines if field in line[0].fields)
    return answer(request, form, template="row", row=row, controls=controls, made={"key": field.key, "text": made})


def new_secret() -> str:
    """A secret for signatures as Standard Webhooks writes it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


@_action
def change_key(request: HttpRequest, section: Section) -> HttpResponse:
    """The key for the import: the first one, or a new text for the one that was shown."""
    if section is not API:
        raise Http404
    only_if(request.user.has_perm("teampool.add_apikey"))
    plain = _new_key(request.POST.get("key", ""), actor=operator(request))
    problem = "" if plain else _("The key was changed meanwhile; this is how it stands now.")
    return answer(request, _as_typed(section, request.POST), template="key", plain=plain, key_problem=problem)


def _new_key(shown: str, *, actor: Actor) -> str | None:
    """None when the key has changed since the page was shown."""
    key_id, _colon, prefix = shown.partition(":")
    if key_id.isdecimal():
        return api_keys.replace(key_id=int(key_id), prefix=prefix, actor=actor)
    if api_keys.valid(api_keys.IMPORT).exists():
        return None
    try:
        return api_keys.create(name=api_keys.free_name(_KEY_NAME), scope=api_keys.IMPORT, actor=actor)[1]
    except api_keys.NameTaken:
        return None


@_action
def preview(request: HttpRequest, section: Section) -> HttpResponse:
    """The success mail as it is typed, filled in with an example."""
    if section is not PUBLIC:
        raise Http404
    form = _as_typed(section, request.POST)
    return answer(request, form, template="preview", preview=mail.preview(form))
