"""`/admin/teams/import`: the door for programs, and for browsers that post to it (docs/en/integration.md)."""

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
# A `single` is answered with its result, 200 or 400, however long its calls take: no other answer is promised.
# This much only with a database or worker in trouble; the import goes on all the same, and 400 says so.
LONGEST_WAIT = 600.0


@csrf_exempt  # `let_in` checks it, unless a key is shown: no foreign page can send that header
@never_cache
def import_endpoint(request: HttpRequest) -> HttpResponseBase:
    """Take on one account or a batch and tell how it went. Everything it says to a program is JSON."""
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
    except jobs.TooManyLines:
        text = _("More than {n} lines. Import them in parts.").format(n=f"{jobs.MOST_LINES:,}")
        raise NotTaken(413, "too_many_lines", text) from None
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
    """Says why a request is refused instead of answering it."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return HttpResponse(reason, status=403)


def has_key(request: HttpRequest) -> bool:
    return "X-API-Key" in request.headers


def is_operator(request: HttpRequest) -> bool:
    """True for the session of somebody who may enter the back office."""
    user = request.user
    return not isinstance(user, AnonymousUser) and user.is_active and user.is_staff


def let_in(request: HttpRequest) -> Actor:
    """Whoever this is, if they may import; raises NotTaken. A key opens this door and no other."""
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
    """Django's own check, which the exemption for keys has put off until here."""
    check = _CsrfCheck(lambda _request: HttpResponse())
    check.process_request(request)
    try:
        return check.process_view(request, lambda _request: HttpResponse(), (), {}) is None
    except SuspiciousOperation:
        return False
