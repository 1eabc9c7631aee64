"""Check the background work: a heartbeat of each node, no job stuck in the queue, no failed job."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_q.models import Failure, OrmQ, Schedule

from base.times import ago
from config.backoffice.overview.worker import WORKER_SILENT
from config.service.doctor.answer import Answer, failed, ok, warning
from guardian.clockwork import timetable
from guardian.models import Heartbeat

LATE, STUCK = timedelta(minutes=2), timedelta(minutes=10)
NAMED = 3


def look(now: datetime) -> Iterator[Answer]:
    yield from _nodes(now)
    yield _waiting(now)
    yield from _schedules()
    yield _failures(now)


def _nodes(now: datetime) -> Iterator[Answer]:
    silent = timedelta(seconds=settings.HEARTBEAT_LIMIT)
    beats = list(Heartbeat.objects.order_by("-at"))
    how = _("Start `up` (systemctl restart seatkeeper, docker compose up -d, make run). If it runs, its log says why.")
    if not beats:
        yield failed("worker", _("The background work has never run; no invitation goes out."), how)
    hosts: set[str] = set()
    for beat in beats:
        host = beat.node.partition(":")[0]
        if host in hosts:  # an earlier process of the same host
            continue
        hosts.add(host)
        text = _("{node}: last sign of life {ago}").format(node=beat.node, ago=ago(beat.at, now))
        if now - beat.at <= (WORKER_SILENT if beat == beats[0] else silent):
            yield ok("worker", text)
        elif beat == beats[0]:
            yield failed("worker", _("{text}; no invitation goes out.").format(text=text), how)
        elif now - beats[0].at <= WORKER_SILENT:
            yield warning("worker", text, _("Other nodes do its work; taken down for good, it is forgotten in a day."))


def _waiting(now: datetime) -> Answer:
    due = OrmQ.objects.filter(lock__lte=now).aggregate(n=Count("pk"), oldest=Min("lock"))
    if due["oldest"] is None or now - due["oldest"] <= LATE:
        return ok("queue", _("Nothing waits too long in the queue."))
    text = ngettext("{n} job waits, the oldest: {ago}", "{n} jobs wait, the oldest: {ago}", due["n"])
    advice = _("If no node is alive, start one; if it stays so, raise WORKERS or add a node.")
    is_stuck = now - due["oldest"] > STUCK
    return (failed if is_stuck else warning)("queue", text.format(n=due["n"], ago=ago(due["oldest"], now)), advice)


def _schedules() -> Iterator[Answer]:
    names = {timetable.PREFIX + job.name for job in timetable.SCHEDULED}
    if missing := names - set(Schedule.objects.filter(name__in=names).values_list("name", flat=True)):
        text = _("The timetable lacks {names}.").format(
            names=", ".join(sorted(name.removeprefix(timetable.PREFIX) for name in missing))
        )
        yield failed("timetable", text, _("Start `up`: it puts the timetable in place."))


def _failures(now: datetime) -> Answer:
    recent = Failure.objects.filter(stopped__gt=now - timedelta(days=1))
    by_job = list(recent.values("func").annotate(n=Count("pk")).order_by("-n").values_list("func", "n"))
    if not by_job:
        return ok("failures", _("No job failed within a day."))
    total = sum(n for _func, n in by_job)
    names = ", ".join(func for func, _n in by_job[:NAMED])
    text = ngettext("{n} job failed within a day: {names}", "{n} jobs failed within a day: {names}", total)
    return warning("failures", text.format(n=total, names=names), _("See the failed jobs in the back office: Jobs."))
