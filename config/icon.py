"""`/favicon.ico`, which browsers ask for by themselves beside what is no page of ours."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe


@require_safe
def favicon(request: HttpRequest) -> HttpResponseRedirect:
    """The mark; no cookie comes with it, which would outdate the form of a page that is open."""
    return HttpResponseRedirect(static("mark.svg"))
