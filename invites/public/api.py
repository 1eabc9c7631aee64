"""The redeem API: the form's function in JSON.

No CSRF token is needed: this API reads no cookie, and another site's page cannot send `application/json` without a
preflight, which is not answered.
"""

from __future__ import annotations

import json
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from base.actors import client_ip
from invites.models import Redemption
from invites.public.status import public_status
from invites.redeeming.errors import RedeemError
from invites.redeeming.redeem import redeem

LONGEST_BODY = 64 * 1024


class _BadRequest(Exception):
    def __init__(self, status: HTTPStatus, error_code: str, error: str) -> None:
        super().__init__(error)
        self.answer = JsonResponse({"error": error, "error_code": error_code}, status=status)


@csrf_exempt
@never_cache
def redemptions(request: HttpRequest) -> JsonResponse:
    """POST `{"email","code"}`: 202 with the status address, else a 4xx that says why; then no code was used."""
    if request.method != "POST":
        return _not_allowed("POST")
    try:
        email, code = _read(request)
    except _BadRequest as bad:
        return bad.answer
    try:
        made = redeem(email=email, code=code, ip=client_ip(request), language=get_language() or settings.LANGUAGE_CODE)
    except RedeemError as error:
        answer = JsonResponse({"error": str(error), "error_code": error.error_code}, status=error.http_status)
        if error.retry_after:
            answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    return JsonResponse(_described(request, made), status=HTTPStatus.ACCEPTED)


@csrf_exempt
@never_cache
def redemption(request: HttpRequest, public_id: str) -> JsonResponse:
    """The state of a redemption. Anyone with its id may ask, so the answer has no e-mail."""
    if request.method not in ("GET", "HEAD"):
        return _not_allowed("GET, HEAD")
    found = Redemption.objects.select_related("seated_by").filter(public_id=public_id).first()
    if found is None:
        return JsonResponse({"error": _("No such redemption."), "error_code": "not_found"}, status=404)
    return JsonResponse(_described(request, found))


def _described(request: HttpRequest, redemption: Redemption) -> dict[str, object]:
    status = public_status(redemption)
    described: dict[str, object] = {
        "id": status.public_id,
        "state": status.state.value,
        "status_url": request.build_absolute_uri(reverse("status", args=[status.public_id])),
    }
    if status.is_already:
        described["already"] = True
    if status.error_code:
        described["error_code"] = status.error_code
    return described


def _read(request: HttpRequest) -> tuple[str, str]:
    if request.content_type != "application/json":
        raise _BadRequest(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_json", _("Send JSON with Content-Type application/json.")
        )
    body = _body(request)
    try:
        sent = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise _BadRequest(HTTPStatus.BAD_REQUEST, "malformed", _("The body is not valid JSON.")) from error
    email, code = (sent.get("email"), sent.get("code")) if isinstance(sent, dict) else (None, None)
    if not isinstance(email, str) or not isinstance(code, str):
        raise _BadRequest(
            HTTPStatus.BAD_REQUEST, "malformed", _('Send an object with "email" and "code", both strings.')
        )
    return email, code


def _body(request: HttpRequest) -> bytes:
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length <= LONGEST_BODY:
        body = request.read(LONGEST_BODY + 1)
        if len(body) <= LONGEST_BODY:
            return body
    raise _BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", _("The body is larger than 64 kB."))


def _not_allowed(methods: str) -> JsonResponse:
    answer = JsonResponse({"error": _("Method not allowed."), "error_code": "method_not_allowed"}, status=405)
    answer.headers["Allow"] = methods
    return answer
