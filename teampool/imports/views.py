"""`/admin/teams/import`: the door for programs, and for browsers that post to it (docs/en/integration.md)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from base.actors import Actor
from teampool.imports import answers, door, jobs
from teampool.imports.door import NotTaken
from teampool.imports.follow import follow

# A `single` is answered with its result, 200 or 400, however long its calls take: no other answer is promised.
# This much only with a database or worker in trouble; the import goes on all the same, and 400 says so.
LONGEST_WAIT = 600.0


@csrf_exempt  # `import_door.let_in` checks it, unless a key is shown: no foreign page can send that header
@never_cache
def import_endpoint(request: HttpRequest) -> HttpResponseBase:
    """Take on one account or a batch and tell how it went. Everything it says to a program is JSON."""
    try:
        if request.method in ("GET", "HEAD") and not door.has_key(request) and door.is_operator(request):
            return redirect("admin:import_teams")
        actor = door.let_in(request)
        if door.is_too_large(request):
            raise door.too_large()
        if request.method != "POST":
            raise NotTaken(405, "method_not_allowed", _("Use POST."))
        return _take(request, actor)
    except NotTaken as refused:
        door.drop_body(request)
        headers = {"Allow": "POST"} if refused.status == 405 else None
        return _json(answers.refusal(refused.error_code, refused.error), refused.status, headers)


def _take(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    payload = door.read_payload(request)
    if door.read_kind(payload) == door.SINGLE:
        return _single(payload, actor)
    return _batch(request, payload, actor)


def _single(payload: dict[str, Any], actor: Actor) -> HttpResponse:
    record = door.read_single(payload)
    job = jobs.accept_records([record], actor=actor, is_rung=False)
    lines = list(follow(job.pk, patience=0, needs_place=False, gives_up_after=LONGEST_WAIT))
    answer = answers.single(lines[0] if lines else None)
    return _json(answer, 200 if answer["success"] else 400)


def _batch(request: HttpRequest, payload: dict[str, Any], actor: Actor) -> HttpResponseBase:
    try:
        job = jobs.accept(text=door.read_content(payload), actor=actor)
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
