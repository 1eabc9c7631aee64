"""Every operator page in one language, reached by the links a person has; a silent console.

The browser of these tests complains by itself about errors in the console and requests to another host.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from guardian.clockwork import timetable
from guardian.models import Finding, Kind, Sweep
from invites.states import GrantState
from notifications.models import Message
from teampool.models import Team
from tests.browser.conftest import EACH_LANGUAGE, ZH
from tests.browser.test_acceptance_admin import (
    DESK,
    a_pool,
    every_page,
    texts,
)
from tests.browser.test_acceptance_admin import enter as enter
from tests.cast import OLGA
from tests.invites.rows import MINUTE, a_refused, a_seated, an_ended

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Page]
# Names stay as they are: people, Teams, addresses, products, words the trade uses in Latin letters.
NAMES = re.compile(
    r"Team [0-9a-f]{4}\b|\S+@\S+|https?://\S+|chatgpt\.com\S*|(?:smtp|api)\.\S+|\bsk_\S+|\b[\w.]+\.tasks\.\w+|\{\w+\}"
    r"|[A-Z0-9]{4}(?:-[A-Z0-9]{4})+|[0-9a-f]{8}\b|\.(?:json|csv|txt|zip)\b"
    r"|\b(?:olga|Olga|Shanghai|Suspended|Expired|Unpaid|Over|Paused|Cooling|Fresh|Free|Spring|stock|import_teams|REDEEM_THROTTLE)\b"
    r"|\b(?:Team|ChatGPT|API|Key|API-Key|X-API-Key|token|access|session|refresh|account|id|ID|IP|CSV|ZIP|JSON|AT|RT|ST|MB|UTC|Session)\b"
    r"|\b(?:Asia/Shanghai|English|make|demo|esc|UI|Ctrl|K|O|X|b)\b"
    r"|\b(?:Bark|Webhook|Webhooks|Standard|URL|SSL|STARTTLS|SMTP|HTTP|QQ|Gmail|Outlook|Markdown|https)\b"
    # What the system check names: this machine, its programs, the jobs of the timetable.
    rf"|\b(?:{re.escape(socket.gethostname())}|systemd|systemctl|restart|seatkeeper|docker|compose|up|run|tests)\b"
    rf"|\b(?:{'|'.join(one.name for one in timetable.SCHEDULED)})\b"
    r"|\b(?:App|Docker|Compose|SQLite|PostgreSQL|[A-Z]+_[A-Z_]+)\b|/[\w.-]+(?:/[\w.-]+)+"
)
ENGLISH, CHINESE = re.compile(r"[A-Za-z]{2,}"), re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
# What a link leads out of the pages to, or is a file.
ELSEWHERE = re.compile(r"/(?:logout|export|unused|jsi18n)/")


def more_rows(team: Team) -> None:
    """Beside the pool: people in every state, messages and what a sweep leaves behind."""
    now = timezone.now()
    a_refused("no_seat", email="refused@example.com")
    an_ended(at=now, ends_at=now - MINUTE, email="ended@example.com")
    a_seated(GrantState.RESERVED, email="pending@example.com")
    for n, state in enumerate(Message.State.values):
        Message.objects.create(
            channel=("email", "bark", "webhook")[n % 3],
            event="token_expired",
            dedupe_key=f"m{n}",
            state=state,
            attempts=n,
            created_at=now,
            due_at=now,
        )
    for event in ("mail_success", "mail_reminder", "mail_moved"):
        Message.objects.create(
            channel="email", event=event, recipient="ended@example.com", dedupe_key=event, created_at=now, due_at=now
        )
    sweep = Sweep.objects.create(started_at=now - MINUTE, finished_at=now, mode="report", teams=3, complete=2)
    for n, kind in enumerate(Kind.values):
        Finding.objects.create(
            team=team,
            kind=kind,
            email=f"found{n}@example.com",
            first_seen_at=now - timedelta(hours=1),
            last_seen_at=sweep.started_at,
        )


def links(page: Page) -> list[str]:
    """The operator pages this one leads to, without their questions."""
    hrefs: list[str] = page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.href)")
    host = urlsplit(page.url).netloc
    parts = [urlsplit(href) for href in hrefs]
    paths = [part.path for part in parts if part.netloc == host and part.path.startswith("/admin/")]
    return [path for path in paths if not ELSEWHERE.search(path)]


def kind_of(path: str) -> str:
    """The page behind an address, whatever row it shows."""
    return re.sub(r"\d+", "0", path)


def read_all(page: Page, start: list[str]) -> dict[str, list[str]]:
    """What is written on every kind of page that can be reached, one of each kind; none scrolls sideways on a phone."""
    seen: set[str] = set()
    found: dict[str, list[str]] = {}
    left, too_wide = list(start), []
    while left:
        path = left.pop(0)
        if kind_of(path) in seen and "?" not in path:
            continue
        seen.add(kind_of(path))
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        found[path] = texts(page)
        too_wide += [f"{path} at {width}" for width in (390, 320) if is_too_wide(page, width)]
        left += [link for link in links(page) if kind_of(link) not in seen]
    assert too_wide == []
    return found


def is_too_wide(page: Page, width: int) -> bool:
    """Whether it scrolls sideways on a phone of this width."""
    page.set_viewport_size({"width": width, "height": 844})
    is_wide: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    page.set_viewport_size(DESK)
    return is_wide


@EACH_LANGUAGE
def test_18_and_25_every_page_speaks_one_language_and_fits_a_phone(enter: Visit, language: str) -> None:
    team = a_pool()
    more_rows(team)
    page = enter(language=language)
    found = read_all(page, ["/admin/", *every_page(team), "/admin/find/?q=example"])
    wrong = {
        path: strange
        for path, said in found.items()
        if (strange := sorted({text for text in said if is_strange(text, language)}))
    }
    assert not wrong, "\n".join(f"{path} {strange}" for path, strange in wrong.items())
    assert len(found) > 30
    assert sum(map(len, found.values())) > 1000


def is_strange(text: str, language: str) -> bool:
    # A language is called by its own name.
    return bool(ENGLISH.search(NAMES.sub(" ", text)) if language == ZH else CHINESE.search(text.replace("中文", "")))


@EACH_LANGUAGE
def test_25_the_log_in_and_the_lockout(visit: Visit, language: str) -> None:
    page = visit("/admin/login/", **DESK, language=language)
    for _ in range(5):
        assert [text for text in texts(page) if is_strange(text, language)] == []
        page.fill("[name=username]", OLGA)
        page.fill("[name=password]", "wrong")
        with page.expect_navigation():
            page.press("[name=password]", "Enter")
    expect(page.locator("[role=alert]")).to_be_visible()
    assert [text for text in texts(page) if is_strange(text, language)] == []


def test_25_the_switch_at_the_log_in(visit: Visit) -> None:
    page = visit("/admin/login/", **DESK, language=ZH)
    page.click("button[lang=en]")
    expect(page.locator("html")).to_have_attribute("lang", "en")
