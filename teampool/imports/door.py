"""`/admin/teams/import`: import over HTTP, by programs with a key and by browsers (docs/en/integration.md)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from base.actors import Actor, client_ip, operator
from teampool import api_keys
from teampool.imports import answers, jobs, payload
from teampool.imports.follow import follow
from teampool.imports.payload import NotTaken

PERMISSION = "teampool.add_importjob"
# A `single` waits for its result, however long it takes. It waits this long only when the database or the worker is
# in trouble; the answer is then 400, and the import goes on.
LONGEST_WAIT = 600.0


@csrf_exempt  # `let_in` checks CSRF when the request has no API key, which a foreign page cannot send
@never_cache
def import_endpoint(request: HttpRequest) -> HttpResponseBase:
    """Import one account or a batch and answer in JSON. An operator's browser is sent to the import page."""
    try:
        if request.method in ("GET", "HEAD") and not has_key(request) and is_operator(request):
            return redirect("admin:import_teams")
        actor = let_in(request)
        if payload.is_too_large(request):
            raise payload.too_large()
        if request.method != "POST":
            raise NotTaken(405, "method_not_allowed", _("Use POST."))
        return _take(request, actor)
    except NotTaken as refused:
        payload.drop_body(request)
        headers = {"Allow": "POST"} if refused.status == 405 else None
        return _json(answers.refusal(refused.error_code, refused.error), refused.status, headers)


def _take(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    sent = payload.read_payload(request)
    if payload.read_kind(sent) == payload.SINGLE:
        return _single(sent, actor)
    return _batch(request, sent, actor)


def _single(sent: dict[str, Any], actor: Actor) -> HttpResponse:
    record = payload.read_single(sent)
    job = jobs.accept_records([record], actor=actor, is_rung=False)
    lines = list(follow(job.pk, patience=0, needs_place=False, gives_up_after=LONGEST_WAIT))
    answer = answers.single(lines[0] if lines else None)
    return _json(answer, 200 if answer["success"] else 400)


def _batch(request: HttpRequest, sent: dict[str, Any], actor: Actor) -> HttpResponseBase:
    try:
        job = jobs.accept(text=payload.read_content(sent), actor=actor)
    except jobs.NothingToImport:
        raise NotTaken(400, "nothing_to_import", _("It holds no line that could be an account.")) from None
    except jobs.TooManyLines as error:
        raise NotTaken(413, "too_many_lines", jobs.bound_text(error)) from None
    accepts = request.headers.get("Accept", "").lower()
    is_document = "application/json" in accepts and "ndjson" not in accepts
    write = answers.document if is_document else answers.stream
    return StreamingHttpResponse(
        write(job, follow(job.pk), get_language() or "zh-hans"),
        content_type="application/json" if is_document else "application/x-ndjson",
        headers={"X-Accel-Buffering": "no"},
    )


def _json(value: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> JsonResponse:
    return JsonResponse(value, status=status, headers=headers, json_dumps_params={"ensure_ascii": False})


class _CsrfCheck(CsrfViewMiddleware):
    """Returns the reason of a refusal instead of an error page."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return HttpResponse(reason, status=403)


def has_key(request: HttpRequest) -> bool:
    return "X-API-Key" in request.headers


def is_operator(request: HttpRequest) -> bool:
    user = request.user
    return not isinstance(user, AnonymousUser) and user.is_active and user.is_staff


def let_in(request: HttpRequest) -> Actor:
    """The actor, if they may import; raises NotTaken. An API key works for this address only."""
    if has_key(request):
        key = api_keys.check(request.headers["X-API-Key"], api_keys.IMPORT)
        if key is None:
            raise NotTaken(401, "unauthorized", _("The API key is missing or wrong."))
        return Actor("key", key.name, client_ip(request))
    if not is_operator(request):
        raise NotTaken(401, "unauthorized", _("The API key is missing or wrong."))
    if not request.user.has_perm(PERMISSION):
        raise NotTaken(403, "forbidden", _("You may not import Teams."))
    if not _came_from_us(request):
        raise NotTaken(403, "csrf_failed", _("This page is too old. Load it again and repeat."))
    return operator(request)


def _came_from_us(request: HttpRequest) -> bool:
    """Django's CSRF check, which `csrf_exempt` skipped for the sake of requests with a key."""
    check = _CsrfCheck(lambda _request: HttpResponse())
    check.process_request(request)
    try:
        return check.process_view(request, lambda _request: HttpResponse(), (), {}) is None
    except SuspiciousOperation:
        return False
