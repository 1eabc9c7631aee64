"""`/openapi.json`: the API described as OpenAPI 3.1, served from the file of that name."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

_TEXT = (Path(__file__).parent / "openapi.json").read_bytes()
_TAG = f'"{sha256(_TEXT).hexdigest()[:16]}"'


@require_safe
@cache_control(public=True, max_age=3600)
@condition(etag_func=lambda _request: _TAG)
def openapi(request: HttpRequest) -> HttpResponse:
    """The same for everyone: it holds no secret, address or setting of this installation."""
    return HttpResponse(_TEXT, content_type="application/json")
