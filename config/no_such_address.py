"""The answer to every unknown address below those for programs: JSON, whatever the method, for everybody."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from teampool.imports.answers import refusal
from teampool.imports.payload import drop_body


@csrf_exempt  # nothing is done here, and a program shall read "not found" rather than a page about cookies
@never_cache
def no_such_address(request: HttpRequest, *, is_import: bool) -> JsonResponse:
    """404 with `error` and `error_code`; below the import's address with `success` too, as all its refusals have."""
    drop_body(request)
    said = refusal("not_found", _("There is nothing at this address."))
    if not is_import:
        del said["success"]
    return JsonResponse(said, status=404, json_dumps_params={"ensure_ascii": False})
