"""The import pages: paste accounts, follow an import, past imports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db.models import Case, Count, Q, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from base.actors import operator
from base.csv_files import download
from teampool.imports import jobs, words
from teampool.imports.bring_in import login_email
from teampool.imports.jobs import BAD, GOOD
from teampool.imports.reading.files import MOST_UNPACKED, TooMuch
from teampool.imports.reading.record import Record
from teampool.imports.worker import OPEN
from teampool.models import ImportJob, ImportLine, Owner

PAGE = 50
PAST_IMPORTS = 50
State = ImportLine.State


@require_http_methods(["GET", "HEAD", "POST"])
def import_teams(request: HttpRequest) -> HttpResponse:
    """The form. POST accepts the import and redirects to its page."""
    may_import(request)
    owner = _owner(request)
    text, errors = "", list[str]()
    if request.method == "POST":
        text = request.POST.get("text", "")
        try:
            return redirect("admin:import_job", _accept(request, text, owner).pk)
        except Unacceptable as problem:
            errors = problem.errors
    past = ImportJob.objects.annotate(
        good=Count("lines", filter=Q(lines__state__in=(State.CREATED, State.UPDATED))),
        bad=Count("lines", filter=Q(lines__state__in=BAD)),
    ).order_by("-pk")[:PAST_IMPORTS]
    context = {"title": _("Import"), "owner": owner, "text": text, "errors": errors, "rows": 10, "jobs": past}
    return show(request, "admin/import/new.html", context, status=400 if errors else 200)


class Unacceptable(ValueError):
    """Nothing was accepted; `errors` say why."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__()
        self.errors = errors


def _accept(request: HttpRequest, text: str, owner: Owner | None) -> ImportJob:
    records = _read(text, request.FILES.getlist("file"))
    if owner is not None:
        _must_belong_to(owner, records)
        records = [_for(owner, record) for record in records]
    if not records:
        raise Unacceptable([_("Paste what chatgpt.com/api/auth/session shows, or one account a line.")])
    if all(record.problem for record in records):
        raise Unacceptable(words.problems(records))
    return jobs.accept_records(records, actor=operator(request))


def _read(text: str, uploads: list[UploadedFile[Any]]) -> list[Record]:
    """The records of the text and of the files."""
    if len(text.encode("utf-8", errors="replace")) > jobs.MOST_BYTES:
        raise Unacceptable([_("The text is larger than 5 MB. Import it in parts.")])
    try:
        if sum(upload.size or 0 for upload in uploads) > MOST_UNPACKED:
            raise TooMuch
        files = jobs.read_files((upload.name or "?", upload.read(jobs.MOST_BYTES + 1)) for upload in uploads)
        return jobs.bounded([*jobs.read(text), *files])
    except jobs.TOO_LARGE_IN_ALL as error:
        raise Unacceptable([jobs.bound_text(error)]) from None


def _must_belong_to(owner: Owner, records: list[Record]) -> None:
    """Refuse another person's session on the page that renews one owner's log-in; store nothing."""
    for email in map(login_email, records):
        if email and email.lower() != owner.email:
            message = _("This session belongs to {email}, not to {owner}. Nothing was saved.")
            raise Unacceptable([message.format(email=email, owner=owner.email)])


def _for(owner: Owner, record: Record) -> Record:
    """Add the owner's e-mail to a bare token: the import then refuses it if ChatGPT names another person."""
    return record if login_email(record) or record.problem else replace(record, email=owner.email)


@require_safe
def import_job(request: HttpRequest, job_id: int) -> HttpResponseBase:
    """One import; the page polls until it is finished. The import does not depend on the page."""
    may_import(request)
    job = get_object_or_404(ImportJob, pk=job_id)
    counts = {row["state"]: row["n"] for row in job.lines.values("state").order_by().annotate(n=Count("pk"))}
    if request.GET.get("export") == "failed":
        return _failed_lines(job)
    good = sum(counts.get(state, 0) for state in GOOD)
    failed = sum(counts.get(state, 0) for state in BAD)
    only_failed = request.GET.get("only") == "failed"
    lines = job.lines.defer("payload", "duplicate_of__payload").select_related("duplicate_of")
    lines = lines.order_by(Case(When(state__in=BAD, then=0), default=1), "file", "number", "part")  # failures first
    page = Paginator(lines.filter(state__in=BAD) if only_failed else lines, PAGE).get_page(request.GET.get("page"))
    context = {
        "title": _("Import {n}").format(n=job.pk),
        "job": job,
        "done": job.total - sum(counts.get(state, 0) for state in OPEN),
        "failed": failed,
        "tone": "joined" if not failed else "partly" if good or not job.finished_at else "fault",
        "next": "codes" if counts.get(State.CREATED) else "overview" if good else "again",
        "retriable": jobs.retriable(job.pk).count() if job.finished_at else 0,
        "only_failed": only_failed,
        "page": page,
        "rows": [_row(line) for line in page],
        "finish": words.finish(counts, free=job.free_seats or 0) if job.finished_at else "",
    }
    if getattr(request, "htmx", False):
        return TemplateResponse(request, "admin/import/live.html", context)
    return show(request, "admin/import/job.html", context)


@require_POST
def retry_failed(request: HttpRequest, job_id: int) -> HttpResponse:
    """Import the failed lines again, without pasting: their secrets are kept for 24 hours."""
    may_import(request)
    job = get_object_or_404(ImportJob, pk=job_id)
    try:
        again = jobs.retry_failed(job_id=job.pk, actor=operator(request))
    except jobs.NothingToImport:
        messages.warning(request, _("Nothing to retry: lines that may succeed later are kept for 24 hours."))
        return redirect("admin:import_job", job.pk)
    return redirect("admin:import_job", again.pk)


def _failed_lines(job: ImportJob) -> StreamingHttpResponse:
    """What failed and why, as CSV; never a token."""
    header = [_("Line"), _("Owner"), _("Tokens found"), _("Result"), _("Explanation")]
    lines = job.lines.filter(state__in=BAD).defer("payload").order_by("file", "number", "part")
    rows = [
        [line.where, line.email, words.holds(line), words.badge(line.state)["text"], words.explanation(line)]
        for line in lines
    ]
    return download(f"import-{job.pk}-failed.csv", header, rows)


def _row(line: ImportLine) -> dict[str, Any]:
    teams = [
        {"url": reverse("admin:teampool_team_change", args=[team["id"]]), "name": _team_name(team)}
        for team in line.teams
        if team.get("id")
    ]
    return {
        "where": line.where,
        "email": line.email,
        "holds": words.holds(line),
        "badge": words.badge(line.state),
        "teams": teams,
        "explanation": words.explanation(line),
    }


def _team_name(team: dict[str, Any]) -> str:
    return f"{team.get('name') or _('Team')} {str(team.get('account_id', ''))[:8]}"


def _owner(request: HttpRequest) -> Owner | None:
    """The Owner whose log-in is renewed, when the page was opened for an owner."""
    asked = request.POST.get("owner") or request.GET.get("owner")
    if not asked:
        return None
    if not asked.isdecimal():
        raise Http404
    return get_object_or_404(Owner.objects.defer("session_token", "refresh_token"), pk=asked)


def may_import(request: HttpRequest) -> None:
    if not request.user.has_perm("teampool.add_importjob"):
        raise PermissionDenied


def show(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return TemplateResponse(request, template, admin.site.each_context(request) | context, status=status)
