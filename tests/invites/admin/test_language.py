"""The operator's pages of this room: no English but names, or no Chinese but content."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.urls import reverse
from django.utils import timezone

from base.actors import Actor
from invites.states import GrantState, RedemptionState, Refusal
from notifications.audit import events
from teampool.models import AllowedMember, Team
from tests.cast import a_batch, a_code, a_team
from tests.invites.rows import HOUR, a_grant, a_member, a_redemption, a_refused, a_seated, an_already, an_ended

# These write wall-clock times as people read them.
pytestmark = pytest.mark.usefixtures("shanghai")

NAMES = {"Team", "Teams", "ChatGPT", "CSV", "ID", "IP", "API", "Key", "token", "Asia", "Shanghai"}
CONTENT = {"olga", "example", "com", "Spring", "Seatkeeper"}
VOID = {"area", "br", "hr", "img", "input", "link", "meta"}


class Words(HTMLParser):
    """What a person reads or hears of a page; names of icons and codes left out."""

    def __init__(self):
        super().__init__()
        self.heard, self.silent = [], 0

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.heard += [attrs[name] or "" for name in ("placeholder", "aria-label", "title", "alt") if name in attrs]
        is_icon = "material-symbols" in (attrs.get("class") or "")
        if tag not in VOID and (self.silent or is_icon or tag in ("script", "style", "template", "code", "datalist")):
            self.silent += 1

    def handle_endtag(self, tag):
        if self.silent and tag not in VOID:
            self.silent -= 1

    def handle_data(self, data):
        if not self.silent:
            self.heard.append(data)


def words_of(answer):
    parser = Words()
    parser.feed(answer.content.decode())
    # The switch names each language in itself.
    return re.sub(r"简体中文|中文|席位管家|English\s+en\b|English|\bzh-hans\b", "", "\n".join(parser.heard))


@pytest.fixture
def pages(olga):
    """Every page of this room, with one of each state on them."""
    now = timezone.now()
    batch = a_batch(
        label="Spring", team=a_team(name="Team"), seat_time=timedelta(hours=24), max_uses=2, redeem_until=now
    )
    for fields in ({}, {"uses_held": 1}, {"voided_at": now}, {"redeem_until": now}):
        a_code(batch=batch, **fields)
    for state in (GrantState.RESERVED, GrantState.INVITED, GrantState.VERIFIED, GrantState.JOINED):
        a_seated(state, at=now - HOUR, email=f"{state}@example.com")
    seated = a_seated(GrantState.VERIFIED, email="waits@example.com")
    a_seated(GrantState.VERIFIED, at=now - HOUR, email="queued@example.com", resend_wanted_at=now)
    a_seated(GrantState.VERIFIED, at=now - HOUR, email="none@example.com", resends=3, resent_at=now)
    for refusal in Refusal:
        a_refused(refusal)
    an_ended(at=now, email="ended@example.com")
    already = an_already(seated)
    told = a_redemption("told@example.com", bound_team=batch.team, seat_time=timedelta(days=3))
    for reason in ("seats_full", "token_rejected", "never_listed", "team_gone", "taken_back", "unheard of"):
        a_grant(told, GrantState.CANCELLED, reason=reason)
    about, job = told.subject, Actor("job", "deliver")
    for state in RedemptionState:
        events.redemption_moved(subject=about, state={"open": "opened"}.get(state, state), actor=job)
    for state in GrantState:
        events.seat_moved(subject=about, before="", after=state, actor=job, details={"team": batch.team_id})
    events.resend_wanted(subject=about, actor=job)
    for sent in (True, False):
        events.resend_done(subject=about, sent=sent, actor=job)
    events.invite_unresolved(subject=about, minutes=10, actor=job)
    change = "admin:invites_redemption_change"
    team = batch.team
    a_member(team, "sam@example.com")
    AllowedMember.objects.create(email="sam@example.com", origin="operator", team=a_team(name="Team"))
    left = told.grants.first()
    left.departures.create(team=left.team, email=told.email, reason="taken_back")
    for action in (events.person_allowed, events.person_disallowed):
        action(subject=events.Subject("person", "1", "sam@example.com"), team="", actor=job)
    events.seat_end_changed(subject=about, before=None, after=now.isoformat(), actor=job)
    find = reverse("admin:find")
    lost = a_team(name="Team", held=1, workspace_state=Team.Workspace.SUSPENDED)
    a_grant(a_redemption("lost@example.com"), GrantState.JOINED, team=lost)
    return [
        find,
        f"{find}?q=ab",
        f"{find}?q=anna@example.com",
        f"{find}?q=example.com",
        f"{find}?q=told",
        f"{find}?q=sam@",
        reverse("admin:redemption_take_back", args=[told.pk]),
        reverse("admin:redemption_withdraw", args=[seated.pk]),
        reverse("admin:redemptions_reseat") + f"?team={lost.pk}",
        reverse(change, args=[seated.pk]),
        reverse("admin:teampool_allowedmember_changelist"),
        reverse("admin:teampool_allowedmember_changelist") + "?q=nothing",
        reverse("admin:teampool_allowedmember_add"),
        reverse("admin:new_codes"),
        reverse("admin:invites_codebatch_changelist"),
        reverse("admin:invites_codebatch_change", args=[batch.pk]),
        reverse("admin:batch_void", args=[batch.pk]),
        reverse("admin:batch_unused", args=[batch.pk]),
        reverse("admin:invites_redeemcode_changelist"),
        reverse("admin:invites_redeemcode_changelist") + "?q=nothing",
        reverse("admin:invites_redemption_changelist"),
        reverse(change, args=[told.pk]),
        reverse(change, args=[already.pk]),
    ]


@pytest.mark.django_db
class TestLanguage:
    def test_chinese_has_no_english_but_names(self, olga_client, pages):
        olga_client.cookies["django_language"] = "zh-hans"
        for page in pages:
            text = re.sub(
                r"\S+@example\.com|/r/\w+/|[A-Z2-9]{4}-[A-Z2-9]{4}|\b[0-9a-f]{4,}\b",
                "",
                words_of(olga_client.get(page)),
            )
            english = set(re.findall(r"[A-Za-z]{2,}", text)) - NAMES - CONTENT
            assert english == set(), page

    def test_english_has_no_chinese(self, olga_client, pages):
        olga_client.cookies["django_language"] = "en"
        for page in pages:
            text = words_of(olga_client.get(page))
            assert re.findall(r"[\u3000-\u9fff\uff00-\uffef]+", text) == [], page

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"count": "100", "hours": "24"}, "100 个通用码，邀请确认后可用 24 小时"),
            ({"count": "50000", "max_uses": "2"}, "50,000 个通用码，每个可用 2 次"),
            ({"count": "3", "hours": "72"}, "3 个通用码，邀请确认后可用 3 天"),
        ],
    )
    def test_the_sentence_reads_as_written(self, olga_client, fields, sentence):
        olga_client.cookies["django_language"] = "zh-hans"
        answer = olga_client.post(reverse("admin:new_codes_summary"), fields).content.decode()
        assert sentence in answer
        assert f"生成 {int(fields['count']):,} 个" in answer

    def test_the_deed_reads_as_written(self, olga_client):
        olga_client.cookies["django_language"] = "zh-hans"
        batch = a_batch()
        for used in (0, 0, 0, 1, 1):
            a_code(batch=batch, uses_held=used)
        answer = olga_client.get(reverse("admin:batch_void", args=[batch.pk])).content.decode()
        assert "作废 3 个未用的码（已用的 2 个不受影响）" in answer

    def test_an_archived_team_is_refused_as_written(self, olga_client):
        olga_client.cookies["django_language"] = "zh-hans"
        team = a_team(archived_at=timezone.now())
        answer = olga_client.post(reverse("admin:new_codes"), {"count": "1", "team": team.account_id})
        assert "Team 已归档，不能绑定。" in answer.content.decode()
