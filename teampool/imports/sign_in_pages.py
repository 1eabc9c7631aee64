"""The page of a sign-in at OpenAI: an address to copy, and a box for the address it ends at."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from base.actors import operator
from teampool.imports import jobs
from teampool.imports.pages import may_import, show
from teampool.imports.reading.record import Record
from teampool.login.landing import NotSignedIn, Problem
from teampool.login.sign_in import GOOD_FOR, begin, begun_by, is_open, use
from teampool.models import ImportJob, Owner, SignIn
from teampool.upstream.authorisation import LANDS_AT, address_of


@require_http_methods(["GET", "HEAD", "POST"])
def begin_sign_in(request: HttpRequest, owner_id: int | None = None) -> HttpResponse:
    """POST begins a sign-in and shows its page; anything else leads to the import page."""
    may_import(request)
    if request.method != "POST":
        return redirect(reverse("admin:import_teams") + (f"?owner={owner_id}" if owner_id else ""))
    owner = get_object_or_404(Owner.objects.defer("session_token", "refresh_token"), pk=owner_id) if owner_id else None
    begun = begin(owner=owner, actor=operator(request), **_whose(request))
    return redirect("admin:sign_in", begun.pk)


@sensitive_post_parameters("landing")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest, pk: int) -> HttpResponse:
    """A sign-in of this operator in this browser. POST uses it and moves to the page of its import."""
    may_import(request)
    mine = begun_by(**_whose(request)).select_related("owner").defer("owner__session_token", "owner__refresh_token")
    found = mine.filter(pk=pk).first()
    if found is None:
        return _show(
            request,
            None,
            _("This sign-in is not here: it is too old, or was begun in another browser. Begin again."),
            404,
        )
    if request.method == "POST":
        try:
            return redirect("admin:import_job", _use(request, found).pk)
        except NotSignedIn as refused:
            found.refresh_from_db()
            return _show(request, found, _sentence(refused), 400)
    over = Problem.USED if found.used_at else Problem.EXPIRED
    return _show(request, found, "" if is_open(found, timezone.now()) else _sentence(NotSignedIn(over)))


def _whose(request: HttpRequest) -> dict[str, Any]:
    return {"operator_id": request.user.pk, "session_key": request.session.session_key or ""}


def _use(request: HttpRequest, found: SignIn) -> ImportJob:
    """Use it up and accept the import that exchanges its code, both or neither."""
    actor = operator(request)
    with transaction.atomic():
        granted = use(sign_in=found, pasted=request.POST.get("landing", ""), now=timezone.now(), actor=actor)
        meant_for = found.owner.email if found.owner else ""
        record = Record(1, code=granted.code, verifier=granted.verifier, meant_for=meant_for)
        job = jobs.accept_records([record], actor=actor)
        SignIn.objects.filter(pk=found.pk).update(job=job)
    return job


def _show(request: HttpRequest, found: SignIn | None, problem: str, status: int = 200) -> HttpResponse:
    now = timezone.now()
    is_good = found is not None and is_open(found, now)
    context = {
        "title": _("Sign in to ChatGPT"),
        "found": found,
        "owner": found.owner if found else None,
        "is_good": is_good,
        "address": address_of(found.verifier) if found and is_good else "",
        "good_until": found.created_at + GOOD_FOR if found else None,
        "problem": problem,
    }
    return show(request, "admin/import/sign_in.html", context, status=status)


def _sentence(refused: NotSignedIn) -> str:
    """What happened, and what to do."""
    match refused.problem:
        case Problem.EMPTY:
            return _("Paste the address of the last page.")
        case Problem.NOT_LANDED:
            return _("This is the address to open. Open it, sign in, and paste the address of the last page.")
        case Problem.INCOMPLETE:
            return _("The address is not complete. Copy all of it from the address bar of the last page.")
        case Problem.REFUSED:
            return _("OpenAI did not let you in: {said}. Open the address again to try once more.").format(
                said=refused.said
            )
        case Problem.OTHER_STATE:
            return _("This address belongs to another sign-in. Open the address above, and paste where it ends.")
        case Problem.USED:
            return _("This sign-in was used already. To sign in once more, begin again.")
        case Problem.EXPIRED:
            return _("Ten minutes are over. Begin again.")
    start = f"http://{''.join(LANDS_AT)}?code="
    return _("This is not the address of the last page: that begins with {start}.").format(start=start)
