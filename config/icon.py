"""`/favicon.ico`: browsers ask for it beside our JSON and text answers, which name no icon."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe


@require_safe
def favicon(request: HttpRequest) -> HttpResponseRedirect:
    """The mark. It sets no cookie: a new CSRF cookie would break the form of an open page."""
    return HttpResponseRedirect(static("mark.svg"))
