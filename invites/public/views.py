"""The public pages: parse, call one function, answer."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from base.actors import Actor, client_ip
from invites.models import Redemption
from invites.public import visitors
from invites.public.forms import RedeemForm
from invites.public.page import StatusPage, status_page
from invites.redeeming.errors import Paused, RedeemError
from invites.redeeming.redeem import redeem
from invites.seats.resend import want_resend
from invites.settings import IS_OPEN
from notifications import announcement

STOP_POLLING = 286  # htmx swaps the answer in and stops polling


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def form(request: HttpRequest) -> HttpResponse:
    """The form. A good POST leads to the status page; a bad one back here, with both fields kept."""
    if request.method != "POST":
        return _form_page(request, RedeemForm())
    filled = RedeemForm(request.POST)
    if not filled.is_valid():
        return _form_page(request, filled, status=422)
    try:
        redemption = redeem(
            email=filled.cleaned_data["email"],
            code=filled.cleaned_data["code"],
            ip=client_ip(request),
            language=get_language() or settings.LANGUAGE_CODE,
        )
    except RedeemError as error:
        filled.refuse(error)
        response = _form_page(request, filled, status=error.http_status)
        if error.retry_after:
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    answer = redirect("status", redemption.public_id)
    visitors.remember(answer, redemption)
    return answer


def _form_page(request: HttpRequest, filled: RedeemForm, *, status: int = 200) -> HttpResponse:
    # A refused form says it in its own box.
    notice = "" if filled.non_field_errors() or IS_OPEN.get() else Paused.text
    announced = announcement.current(get_language() or settings.LANGUAGE_CODE)
    context: dict[str, object] = {"form": filled, "notice": notice, "announced": announced}
    if announced is not None and not filled.is_bound:  # with a refused form, the reader needs the field
        is_wanted = "notice" in request.GET
        context["is_opened"] = is_wanted or not visitors.has_read(request, announced.version)
    return render(request, "public/form.html", context, status=status)


@require_POST
def notice_read(request: HttpRequest) -> HttpResponse:
    """Remember that this version of the announcement was read; it may have changed since."""
    answer = redirect("form")
    version = request.POST.get("version", "")
    if announcement.is_version(version):
        visitors.note_read(answer, version)
    return answer


@never_cache
@require_safe
def status(request: HttpRequest, public_id: str) -> HttpResponse:
    """The status page. Anyone with the link may open it, so it shows nothing secret."""
    return render(request, "public/status.html", {"page": _page(request, _find(public_id))})


@never_cache
@require_safe
def live(request: HttpRequest, public_id: str) -> HttpResponse:
    """The page's moving part: 204 when the visitor has this version (`v`), 286 when nothing more will change."""
    page = _page(request, _find(public_id))
    if page.poll_seconds is None:
        return render(request, "public/_live.html", {"page": page}, status=STOP_POLLING)
    if request.GET.get("v") == page.mark:
        return HttpResponse(status=204)
    return render(request, "public/_live.html", {"page": page})


@require_POST
def resend(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask for another invitation mail; the status page then says whether it is sent."""
    redemption = _find(public_id)
    page = _page(request, redemption)
    if page.status.redemption is not None:
        actor = Actor("user", redemption.email, client_ip(request))
        want_resend(redemption_id=page.status.redemption.pk, actor=actor, now=timezone.now())
    return redirect("status", redemption.public_id)


def _find(public_id: str) -> Redemption:
    return get_object_or_404(Redemption.objects.select_related("seated_by"), public_id=public_id)


def _page(request: HttpRequest, redemption: Redemption) -> StatusPage:
    return status_page(redemption, is_submitter=visitors.is_submitter(request, redemption), now=timezone.now())


def form_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A POST with a missing or old CSRF token: say that nothing was done."""
    if request.path.startswith("/admin/"):
        context = {"title": _("Nothing was saved"), "site_title": _("Seatkeeper")}
        return render(request, "admin/form_too_old.html", context, status=403)
    return render(request, "public/form_too_old.html", status=403)
