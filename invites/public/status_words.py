"""The sentences of the status page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from invites import times
from invites.public.status import PublicState, PublicStatus
from invites.seats.resend import MOST_RESENDS, Resend, ResendView
from invites.states import Refusal

CHATGPT = "chatgpt.com"
SLOW = timedelta(minutes=1)
STUCK = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Headline:
    """The h1, the text below it, the title's first words, and the words of the link back to the form.

    `tone`: ok when done, warn when slow or over, bad when the person must act.
    """

    heading: str
    text: str
    outcome: str = ""
    again: str = ""
    tone: str = ""

    @property
    def title(self) -> str:
        return self.outcome or self.heading


@dataclass(frozen=True, slots=True)
class Step:
    label: str
    is_done: bool
    is_current: bool
    at: datetime | None
    time: str


def headline(status: PublicStatus, *, email: str, now: datetime) -> Headline:
    """`email`: as this visitor may see it."""
    match status.state:
        case PublicState.PENDING:
            return _pending(now - status.since, is_asked=not _waits_for_a_seat(status))
        case PublicState.INVITED:
            return _invited(now - status.since, email)
        case PublicState.VERIFIED:
            return Headline(
                _("Invitation confirmed: accept it in your mail"),
                _("Open the mail sent to %(email)s and accept; sign in with the same address. Check spam too.")
                % {"email": email},
                outcome=_("Invitation confirmed"),
            )
        case PublicState.JOINED:
            return Headline(
                _("You are in"),
                _with_link(
                    _("Open chatgpt.com, sign in as %(email)s and switch to the Team workspace.") % {"email": email}
                ),
                tone="ok",
            )
        case PublicState.REFUSED:
            return _refused(status)
        case PublicState.ENDED:
            return _ended(status)


def _with_link(text: str) -> SafeString:
    """Make the first chatgpt.com in the text a link; it comes before anything a person typed."""
    link = format_html('<a href="https://{0}/" rel="noopener noreferrer">{0}</a>', CHATGPT)
    return mark_safe(escape(text).replace(CHATGPT, link, 1))  # noqa: S308 - escaped here


def _waits_for_a_seat(status: PublicStatus) -> bool:
    """True while the person moves to another Team and has no seat there: ChatGPT was not asked yet."""
    return status.is_reseated and status.grant is None


def _pending(age: timedelta, *, is_asked: bool) -> Headline:
    if age > STUCK and is_asked:
        return Headline(
            _("Waiting for ChatGPT to answer"),
            _("The operator has been alerted. This page will change when there is an answer."),
            tone="warn",
        )
    if age > SLOW:
        return Headline(
            _("Still working"),
            _("Slower than usual. Your seat and code are kept for you; no need to submit again."),
            tone="warn",
        )
    return Headline(
        _("Arranging your seat"),
        _("This usually takes seconds. You may close this page and come back with the same link."),
    )


def _invited(age: timedelta, email: str) -> Headline:
    if age > STUCK:
        return Headline(
            _("Invitation sent, not listed yet"),
            _("The mail may have arrived; please look. The operator has been alerted."),
            tone="warn",
        )
    return Headline(
        _("Invitation sent"),
        _("Sent to %(email)s; waiting for ChatGPT to list it. You can look for the mail already.") % {"email": email},
    )


def _refused(status: PublicStatus) -> Headline:
    if status.error_code == Refusal.EMAIL_REFUSED:
        return Headline(
            _("ChatGPT does not accept this e-mail"),
            _("Your code has not been used; use another address."),
            again=_("Use another e-mail"),
            tone="bad",
        )
    if status.error_code == Refusal.NO_SEAT:
        return Headline(_("No seat is free"), _code_unused(), again=_("Submit again"), tone="bad")
    if status.error_code == Refusal.OTHER_SEAT:
        return Headline(
            _("This e-mail is in a Team already"),
            _("It has a seat of another kind. Your code has not been used; contact the person who gave it to you."),
            again=_("Use another e-mail"),
            tone="bad",
        )
    if status.error_code == Refusal.WITHDRAWN:
        return Headline(
            _("Invitation withdrawn"),
            _("Your code can be used again: submit it with another e-mail, or once more."),
            again=_("Submit again"),
            tone="warn",
        )
    return Headline(
        _("It did not work this time"),
        _("The Team is unavailable for now. Your code has not been used; submit it again later."),
        again=_("Submit again"),
        tone="bad",
    )


def _ended(status: PublicStatus) -> Headline:
    if status.is_time_over and status.ended_at is not None:
        heading = _("Your time is over")
        text = _("The seat was taken back on %(time)s.") % {"time": times.public_time(status.ended_at)}
        if status.stays:
            text = _("Your seat ended on %(time)s. You are still in the Team, in a seat of another kind.") % {
                "time": times.public_time(status.ended_at)
            }
    else:
        heading = _("Your seat has ended")
        text = _("Questions? Contact the person who gave you the code and quote the reference.")
    if status.is_already:  # the seat ended; the code entered here is unused
        return Headline(heading, f"{text} {_code_unused()}", again=_("Submit again"), tone="warn")
    return Headline(heading, text, tone="warn")


def _code_unused() -> str:
    return _("Your code has not been used; submit it again later.")


def notes(status: PublicStatus) -> list[str]:
    """What else to know: already seated, moved to another Team, for how long."""
    said: list[str] = []
    if status.state in (PublicState.REFUSED, PublicState.ENDED):
        return said
    if status.is_already:
        said.append(_("This e-mail already has a seat. The code you just entered was not used; keep it."))
    if _waits_for_a_seat(status):
        said.append(_("Your seat is moving to another Team. A new invitation mail will follow."))
    elif status.is_reseated and status.state is not PublicState.JOINED:
        said.append(_("Your seat moved to another Team. Please accept the new invitation mail."))
    if status.seat_time is not None and status.ends_at is None:
        said.append(times.hours(status.seat_time))
    return said


def steps(status: PublicStatus, *, now: datetime) -> list[Step]:
    """The four steps; none for a refused or ended redemption."""
    order = [PublicState.PENDING, PublicState.INVITED, PublicState.VERIFIED, PublicState.JOINED]
    if status.state not in order:
        return []
    reached = order.index(status.state)
    last = pgettext("step", "Joined") if status.state is PublicState.JOINED else _("Waiting for you")
    labels = [pgettext("step", "Received"), _("Invitation sent"), _("Listed by ChatGPT"), last]
    when = [status.received_at, status.invited_at, status.verified_at, status.joined_at]
    return [
        Step(
            label=label,
            is_done=number <= reached,
            is_current=number == reached + 1,
            at=at if number <= reached else None,
            time=times.short(at, now=now) if at is not None and number <= reached else "",
        )
        for number, (label, at) in enumerate(zip(labels, when, strict=True))
    ]


def resend_lines(view: ResendView, *, now: datetime) -> list[str]:
    """How the last "send again" went, and when the next is possible."""
    said: list[str] = []
    match view.state:
        case Resend.NOT_OFFERED:
            return said
        case Resend.QUEUED:
            return [_("Sending again…")]
        case Resend.NONE_LEFT:
            text = _("Sent {n} times. Still nothing? Contact the person who gave you the code and quote the reference.")
            return [text.format(n=MOST_RESENDS)]
    if view.has_failed:
        said.append(_("Not sent this time; please try later."))
    elif view.sent_at is not None:
        said.append(_("Sent again at %(time)s.") % {"time": times.short(view.sent_at, now=now)})
    if view.wait_until is not None:
        said.append(_("You can send again after %(time)s.") % {"time": times.short(view.wait_until, now=now)})
    return said
