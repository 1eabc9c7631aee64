from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone, translation

from invites import times
from invites.models import Redemption
from invites.public.status import PublicState, public_status
from invites.public.status_words import headline
from invites.states import GrantState, RedemptionState, Refusal
from teampool.models import Member, Team
from tests.cast import ANA, SAM, a_team
from tests.invites.rows import (
    HOUR,
    MINUTE,
    SECOND,
    a_grant,
    a_member,
    a_redemption,
    a_refused,
    a_seated,
    an_already,
    an_ended,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shanghai")]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # 20:00 in the operator's zone
ANNA = "anna@example.com"


class TestPublicStatus:
    @pytest.mark.parametrize(
        ("grant", "shown"),
        [
            (GrantState.RESERVED, "pending"),
            (GrantState.INVITING, "pending"),
            (GrantState.INVITED, "invited"),
            (GrantState.VERIFIED, "verified"),
            (GrantState.JOINED, "joined"),
            (GrantState.CANCELLED, "pending"),
            (GrantState.ENDED, "pending"),
        ],
    )
    def test_an_open_one_stands_where_its_seat_does(self, grant, shown):
        assert public_status(a_seated(grant)).state == shown

    def test_an_open_one_without_a_seat_is_pending(self):
        assert public_status(a_redemption()).state is PublicState.PENDING

    def test_only_the_newest_seat_counts(self):
        redemption = a_redemption()
        a_grant(redemption, GrantState.CANCELLED)
        a_grant(redemption, GrantState.VERIFIED)
        assert public_status(redemption).state is PublicState.VERIFIED

    @pytest.mark.parametrize("refusal", Refusal.values)
    def test_a_refused_one_says_why(self, refusal):
        status = public_status(a_refused(refusal))
        assert (status.state, status.error_code) == (PublicState.REFUSED, refusal)

    def test_an_ended_one_knows_whether_its_time_was_over(self):
        assert public_status(an_ended(at=NOON, ends_at=NOON - MINUTE)).is_time_over
        assert not public_status(an_ended(at=NOON, ends_at=NOON + HOUR)).is_time_over
        assert not public_status(an_ended(at=NOON)).is_time_over

    def test_a_failover_goes_on_with_the_clock(self):
        redemption = a_redemption(created_at=NOON)
        a_grant(redemption, GrantState.CANCELLED, at=NOON)
        a_grant(redemption, GrantState.RESERVED, created_at=NOON + 5 * MINUTE)
        assert public_status(redemption).since == NOON

    def test_a_reseat_starts_a_new_clock(self):
        redemption = a_redemption(created_at=NOON, try_number=2)
        a_grant(redemption, GrantState.ENDED, at=NOON, try_number=1)
        a_grant(redemption, GrantState.RESERVED, created_at=NOON + HOUR)
        status = public_status(redemption)
        assert (status.since, status.started_at, status.is_reseated) == (NOON + HOUR, NOON + HOUR, True)

    def test_a_reseat_without_a_new_seat_yet_counts_from_the_end_of_the_old(self):
        redemption = a_redemption(created_at=NOON, try_number=2)
        a_grant(redemption, GrantState.ENDED, at=NOON, try_number=1, ended_at=NOON + HOUR)
        assert public_status(redemption).since == NOON + HOUR

    def test_a_new_try_of_someone_never_invited_is_no_move(self):
        redemption = a_redemption(try_number=2)
        a_grant(redemption, GrantState.CANCELLED, try_number=1)
        assert not public_status(redemption).is_reseated

    @pytest.mark.parametrize(
        ("age", "seconds"),
        [
            (0 * SECOND, 2),
            (59 * SECOND, 2),
            (60 * SECOND, 5),
            (599 * SECOND, 5),
            (600 * SECOND, 30),
            (3599 * SECOND, 30),
            (3600 * SECOND, 300),
            (timedelta(days=3), 300),
        ],
    )
    def test_the_older_the_less_often_it_is_asked(self, age, seconds):
        assert public_status(a_redemption(created_at=NOON)).poll_seconds(NOON + age) == seconds

    @pytest.mark.parametrize("grants", [0, 1, 3])
    def test_it_asks_the_database_once(self, django_assert_num_queries, grants):
        redemption = a_redemption()
        for _ in range(grants):
            a_grant(redemption, GrantState.CANCELLED)
        with django_assert_num_queries(1):
            public_status(redemption)


class TestAlready:
    def test_it_stands_where_the_seat_does(self):
        seat = a_seated(GrantState.VERIFIED)
        status = public_status(an_already(seat))
        assert (status.state, status.is_already) == (PublicState.VERIFIED, True)

    def test_it_keeps_its_own_reference_and_email(self):
        seat = a_seated(GrantState.VERIFIED, email=SAM)
        already = an_already(seat, ANA)
        status = public_status(already)
        assert (status.public_id, status.reference, status.email) == (already.public_id, already.reference, ANA)

    def test_it_tells_no_times_of_the_other_one(self):
        status = public_status(an_already(a_seated(GrantState.JOINED)))
        assert (status.invited_at, status.verified_at, status.joined_at) == (None, None, None)

    @pytest.mark.parametrize(
        ("kind", "state"), [(Member.Kind.MEMBER, PublicState.JOINED), (Member.Kind.INVITE, PublicState.VERIFIED)]
    )
    def test_without_a_redemption_behind_it_the_last_lists_say(self, kind, state):
        a_member(a_team(), ANA, kind)
        status = public_status(an_already(None))
        assert (status.state, status.is_already) == (state, True)

    def test_a_member_somewhere_is_in_even_with_an_invite_elsewhere(self):
        a_member(a_team(), ANA, Member.Kind.INVITE)
        a_member(a_team(), ANA, Member.Kind.MEMBER)
        assert public_status(an_already(None)).state is PublicState.JOINED

    @pytest.mark.parametrize(
        "gone",
        [
            {"archived_at": NOON},
            {"workspace_state": Team.Workspace.SUSPENDED},
            {"workspace_state": Team.Workspace.ACCESS_LOST},
        ],
    )
    def test_lists_of_lost_teams_do_not_count(self, gone):
        a_member(a_team(**gone), ANA)
        assert public_status(an_already(None)).state is PublicState.ENDED

    def test_a_deactivated_member_does_not_count(self):
        a_member(a_team(), ANA, deactivated_at=NOON)
        assert public_status(an_already(None)).state is PublicState.ENDED

    def test_one_pointing_at_another_such_is_no_endless_chain(self):
        first = an_already(None)
        assert public_status(an_already(first)).state is PublicState.ENDED


COPY = [
    # state, age, language, h1, text
    ("pending", 60 * SECOND, "zh-hans", "正在为你安排席位", "通常几秒钟。可以关掉本页，用同一个链接回来看。"),
    (
        "pending",
        60 * SECOND,
        "en",
        "Arranging your seat",
        "This usually takes seconds. You may close this page and come back with the same link.",
    ),
    ("pending", 61 * SECOND, "zh-hans", "还在处理", "比平时慢。席位和邀请码都为你留着，不用再提交。"),
    (
        "pending",
        10 * MINUTE,
        "en",
        "Still working",
        "Slower than usual. Your seat and code are kept for you; no need to submit again.",
    ),
    ("pending", 601 * SECOND, "zh-hans", "还在等 ChatGPT 答复", "管理员已收到提醒。有结果后本页会更新。"),
    (
        "pending",
        601 * SECOND,
        "en",
        "Waiting for ChatGPT to answer",
        "The operator has been alerted. This page will change when there is an answer.",
    ),
    (
        "invited",
        10 * MINUTE,
        "zh-hans",
        "邀请已发出",
        "已发到 an•••@example.com，正在等 ChatGPT 登记。可以先去查收邮件。",
    ),
    (
        "invited",
        10 * MINUTE,
        "en",
        "Invitation sent",
        "Sent to an•••@example.com; waiting for ChatGPT to list it. You can look for the mail already.",
    ),
    ("invited", 601 * SECOND, "zh-hans", "邀请已发出，尚未登记", "邮件可能已经到了，请查收。管理员已收到提醒。"),
    (
        "invited",
        601 * SECOND,
        "en",
        "Invitation sent, not listed yet",
        "The mail may have arrived; please look. The operator has been alerted.",
    ),
    (
        "verified",
        0 * SECOND,
        "zh-hans",
        "邀请已确认，请去邮箱接受",
        "打开发到 an•••@example.com 的邮件并点接受，登录时用同一个邮箱。也看看垃圾邮件。",
    ),
    (
        "verified",
        0 * SECOND,
        "en",
        "Invitation confirmed: accept it in your mail",
        "Open the mail sent to an•••@example.com and accept; sign in with the same address. Check spam too.",
    ),
    (
        "joined",
        0 * SECOND,
        "zh-hans",
        "你已加入 Team",
        "打开 chatgpt.com，用 an•••@example.com 登录并切换到 Team 工作空间。",
    ),
    (
        "joined",
        0 * SECOND,
        "en",
        "You are in",
        "Open chatgpt.com, sign in as an•••@example.com and switch to the Team workspace.",
    ),
]
REFUSED = [
    ("no_seat", "zh-hans", "暂时没有空席位", "你的邀请码没有被使用，稍后可以再提交。", "重新提交"),
    ("no_seat", "en", "No seat is free", "Your code has not been used; submit it again later.", "Submit again"),
    (
        "other_seat",
        "zh-hans",
        "这个邮箱已在 Team 里",
        "用的是另一种席位。你的邀请码没有被使用，请联系给你邀请码的人。",
        "换一个邮箱",
    ),
    (
        "other_seat",
        "en",
        "This e-mail is in a Team already",
        "It has a seat of another kind. Your code has not been used; contact the person who gave it to you.",
        "Use another e-mail",
    ),
    ("email_refused", "zh-hans", "ChatGPT 不接受这个邮箱", "你的邀请码没有被使用，请换一个邮箱。", "换一个邮箱"),
    (
        "email_refused",
        "en",
        "ChatGPT does not accept this e-mail",
        "Your code has not been used; use another address.",
        "Use another e-mail",
    ),
    (
        "team_unavailable",
        "zh-hans",
        "这次没有成功",
        "Team 暂时不可用。你的邀请码没有被使用，请稍后再提交。",
        "重新提交",
    ),
    (
        "team_unavailable",
        "en",
        "It did not work this time",
        "The Team is unavailable for now. Your code has not been used; submit it again later.",
        "Submit again",
    ),
]


@pytest.fixture
def look(client):
    """The status page as a stranger with the link sees it at `now`."""

    def look(redemption: Redemption, language: str = "zh-hans", now: datetime = NOON, live: str = "") -> str:
        client.cookies["django_language"] = language
        with time_machine.travel(now, tick=False):
            answer = client.get(f"/r/{redemption.public_id}/{live}")
        return answer.content.decode()

    return look


class TestCopy:
    @pytest.mark.parametrize(("state", "age", "language", "heading", "text"), COPY)
    def test_each_state_says_its_sentence(self, look, state, age, language, heading, text):
        grant = "reserved" if state == "pending" else state
        page = look(a_seated(GrantState(grant), at=NOON, email=ANNA), language, NOON + age)
        assert said(page) == (heading, text)

    @pytest.mark.parametrize("language", ["zh-hans", "en"])
    def test_once_in_it_leads_there(self, look, language):
        page = look(a_seated(GrantState.JOINED, at=NOON, email="a&chatgpt.com@example.com"), language)
        assert page.count('<a href="https://chatgpt.com/" rel="noopener noreferrer">chatgpt.com</a>') == 1
        assert "<a&" not in page

    @pytest.mark.parametrize(("refusal", "language", "heading", "text", "link"), REFUSED)
    def test_each_refusal_says_its_sentence_and_the_way_back(self, look, refusal, language, heading, text, link):
        page = look(a_refused(refusal), language)
        assert said(page) == (heading, text)
        assert f'<a class="button" href="/">{link}</a>' in page

    @pytest.mark.parametrize(
        ("language", "heading", "text"),
        [
            ("zh-hans", "使用期已结束", "席位已于 2026年3月2日 14:30（UTC+8） 收回。"),
            ("en", "Your time is over", "The seat was taken back on 2 Mar 2026, 14:30 (UTC+8)."),
        ],
    )
    def test_time_over(self, look, language, heading, text):
        at = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
        page = look(an_ended(at=at, ends_at=at - MINUTE), language)
        assert said(page) == (heading, text)

    @pytest.mark.parametrize(
        ("language", "heading", "text"),
        [
            ("zh-hans", "席位已结束", "如有疑问，请联系给你邀请码的人，并报编号。"),
            (
                "en",
                "Your seat has ended",
                "Questions? Contact the person who gave you the code and quote the reference.",
            ),
        ],
    )
    def test_ended_otherwise(self, look, language, heading, text):
        redemption = an_ended(at=NOON)
        page = look(redemption, language)
        assert said(page) == (heading, text)
        assert redemption.reference in page

    @pytest.mark.parametrize(
        ("language", "note"),
        [
            ("zh-hans", "这个邮箱已经有席位。这次提交的邀请码没有被使用，可以留着。"),
            ("en", "This e-mail already has a seat. The code you just entered was not used; keep it."),
        ],
    )
    def test_already_seated(self, look, language, note):
        seat = a_seated(GrantState.JOINED)
        assert f'<p class="note">{note}</p>' in look(an_already(seat), language)
        assert note not in look(seat, language)

    @pytest.mark.parametrize(
        ("language", "note", "unused"),
        [
            ("zh-hans", "这个邮箱已经有席位", "你的邀请码没有被使用，稍后可以再提交。"),
            ("en", "already has a seat", "Your code has not been used; submit it again later."),
        ],
    )
    def test_already_seated_but_over_by_now(self, look, language, note, unused):
        page = look(an_already(an_ended(at=NOON)), language)
        assert note not in page
        assert unused in page
        assert 'class="button" href="/"' in page

    @pytest.mark.parametrize(
        ("language", "note"),
        [
            ("zh-hans", "你的席位换到了新的 Team，请接受新的邀请邮件。"),
            ("en", "Your seat moved to another Team. Please accept the new invitation mail."),
        ],
    )
    def test_reseated(self, look, language, note):
        redemption = a_redemption(created_at=NOON, try_number=2)
        a_grant(redemption, GrantState.ENDED, at=NOON, try_number=1)
        a_grant(redemption, GrantState.VERIFIED, at=NOON)
        assert note in look(redemption, language)

    @pytest.mark.parametrize(
        ("language", "moving", "moved"),
        [
            ("zh-hans", "你的席位正在换到新的 Team，之后会有新的邀请邮件。", "你的席位换到了新的 Team"),
            ("en", "Your seat is moving to another Team. A new invitation mail will follow.", "Your seat moved"),
        ],
    )
    def test_on_the_way_to_another_team_without_a_seat_yet(self, look, language, moving, moved):
        redemption = a_redemption(created_at=NOON - HOUR, try_number=2)
        a_grant(redemption, GrantState.ENDED, at=NOON - HOUR, try_number=1, ended_at=NOON - HOUR)
        page = look(redemption, language)
        assert moving in page
        assert moved not in page
        assert "ChatGPT 答复" not in page, "nobody was asked"
        assert "Waiting for ChatGPT" not in page

    @pytest.mark.parametrize(
        ("language", "heading", "text", "again"),
        [
            ("zh-hans", "邀请已撤回", "你的邀请码可以再次使用，请换一个邮箱或重新提交。", "重新提交"),
            (
                "en",
                "Invitation withdrawn",
                "Your code can be used again: submit it with another e-mail, or once more.",
                "Submit again",
            ),
        ],
    )
    def test_withdrawn(self, look, language, heading, text, again):
        page = look(a_refused(Refusal.WITHDRAWN), language)
        assert said(page) == (heading, text)
        assert f'class="button" href="/">{again}</a>' in page

    @pytest.mark.parametrize(
        ("span", "language", "note"),
        [
            (72 * HOUR, "zh-hans", "可用 72 小时，从邀请确认时起算"),
            (72 * HOUR, "en", "72 hours, counted from the confirmation"),
            (HOUR, "en", ">1 hour, counted from the confirmation"),
            (HOUR / 2, "zh-hans", "可用 0.5 小时，从邀请确认时起算"),
            (90 * MINUTE, "en", "1.5 hours, counted from the confirmation"),
            (8760 * HOUR, "zh-hans", "可用 8760 小时，从邀请确认时起算"),
            (100 * HOUR, "en", ">100 hours, counted from the confirmation"),
        ],
    )
    def test_temporary_before_the_confirmation(self, look, span, language, note):
        page = look(a_seated(GrantState.RESERVED, at=NOON, seat_time=span), language)
        assert note in page
        assert "使用至" not in page

    @pytest.mark.parametrize(
        ("language", "label", "time"),
        [("zh-hans", "使用至", "2026年3月5日 20:00（UTC+8）"), ("en", "Until", "5 Mar 2026, 20:00 (UTC+8)")],
    )
    def test_temporary_after_the_confirmation(self, look, language, label, time):
        redemption = a_seated(GrantState.VERIFIED, at=NOON, seat_time=72 * HOUR, ends_at=NOON + 72 * HOUR)
        page = look(redemption, language)
        assert f'<dt>{label}</dt><dd><time datetime="2026-03-05T20:00:00+08:00">{time}</time></dd>' in page
        assert "72 小时" not in page
        assert "72 hours" not in page

    def test_a_lasting_seat_says_nothing_of_an_end(self, look):
        page = look(a_seated(GrantState.VERIFIED, at=NOON))
        assert "使用至" not in page
        assert "小时" not in page

    @pytest.mark.parametrize(("language", "foot"), [("zh-hans", "时间按 UTC+8"), ("en", "Times are UTC+8")])
    def test_the_foot_names_the_zone(self, look, language, foot):
        assert foot in look(a_redemption(), language)

    @pytest.mark.parametrize(
        ("language", "title"),
        [("zh-hans", "邀请已确认 · 席位管家"), ("en", "Invitation confirmed · Seatkeeper")],
    )
    def test_the_title_starts_with_the_outcome(self, look, language, title):
        redemption = a_seated(GrantState.VERIFIED, at=NOON)
        assert f"<title>{title}</title>" in look(redemption, language)
        assert f"<title>{title}</title>" in look(redemption, language, live="live")


class TestSteps:
    @pytest.mark.parametrize(
        ("language", "done", "not_done", "labels"),
        [
            ("zh-hans", "已完成", "未完成", ["已受理", "邀请已发出", "ChatGPT 已登记", "等你接受"]),
            ("en", "done", "not done yet", ["Received", "Invitation sent", "Listed by ChatGPT", "Waiting for you"]),
        ],
    )
    @pytest.mark.parametrize(("state", "reached"), [("reserved", 1), ("invited", 2), ("verified", 3)])
    def test_what_is_done_and_what_is_not(self, look, language, done, not_done, labels, state, reached):
        page = look(a_seated(GrantState(state), at=NOON), language)
        for number, label in enumerate(labels, 1):
            hidden = done if number <= reached else not_done
            assert f'{label}<span class="visually-hidden"> {hidden}</span>' in page
        assert page.count("✓") == reached
        current = page[page.index('aria-current="step"') :]
        assert labels[reached] in current.split("</li>")[0]
        assert page.count('aria-current="step"') == 1

    @pytest.mark.parametrize(("language", "last"), [("zh-hans", "已加入"), ("en", "Joined")])
    def test_once_in_all_are_done_and_none_is_current(self, look, language, last):
        page = look(a_seated(GrantState.JOINED, at=NOON), language)
        assert last in page
        assert page.count("✓") == 4
        assert 'aria-current="step"' not in page

    def test_times_of_today_are_short(self, look):
        page = look(a_seated(GrantState.VERIFIED, at=NOON), now=NOON + HOUR)
        assert page.count('<time datetime="2026-03-02T20:00:00+08:00">20:00</time>') == 3

    def test_older_times_have_their_date(self, look):
        redemption = a_seated(GrantState.VERIFIED, at=NOON)
        assert page_times(look(redemption, now=NOON + 24 * HOUR)) == ["3月2日 20:00"] * 3
        assert page_times(look(redemption, "en", now=NOON + 24 * HOUR)) == ["2 Mar, 20:00"] * 3
        next_year = NOON + timedelta(days=365)
        assert page_times(look(redemption, now=next_year)) == ["2026年3月2日 20:00"] * 3
        assert page_times(look(redemption, "en", now=next_year)) == ["2 Mar 2026, 20:00"] * 3

    def test_a_step_that_was_jumped_has_no_time(self, look):
        redemption = a_redemption(created_at=NOON)
        a_grant(redemption, GrantState.JOINED, at=NOON, invited_at=None, verified_at=None)
        page = look(redemption)
        assert page.count("✓") == 4
        assert len(page_times(page)) == 2

    @pytest.mark.parametrize("make", [lambda: a_refused("no_seat"), lambda: an_ended(at=NOON)])
    def test_once_over_there_are_none(self, look, make):
        assert "<ol" not in look(make())


def said(page: str) -> tuple[str, str]:
    """The h1 and the text right below it, without its links."""
    heading, rest = page.split("<h1>")[1].split("</h1>\n<p", 1)
    return heading, re.sub("<[^>]*>", "", rest.split(">", 1)[1].split("</p")[0])


def page_times(page: str) -> list[str]:
    return [part.split("</time>")[0].split(">")[1] for part in page.split("<time ")[1:]]


class TestTimes:
    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("Asia/Shanghai", "UTC+8"),
            ("UTC", "UTC"),
            ("Asia/Kolkata", "UTC+5:30"),
            ("America/Caracas", "UTC-4"),
            ("Pacific/Marquesas", "UTC-9:30"),
        ],
    )
    def test_the_zone_is_named_by_its_distance(self, name, shown):
        with timezone.override(name):
            assert times.zone(NOON) == shown

    @pytest.mark.parametrize(("day", "shown"), [(1, "UTC-4"), (3, "UTC-5")])
    def test_it_is_the_zone_of_that_day_where_clocks_change(self, day, shown):
        with timezone.override("America/New_York"), translation.override("en"):
            assert times.public_time(datetime(2026, 11, day, 5, tzinfo=UTC)).endswith(f"({shown})")

    def test_months_are_the_languages_own(self):
        with translation.override("en"):
            assert times.public_time(NOON) == "2 Mar 2026, 20:00 (UTC+8)"
        with translation.override("zh-hans"):
            assert times.public_time(NOON) == "2026年3月2日 20:00（UTC+8）"

    def test_a_day_ends_at_the_operators_midnight(self):
        before, after = datetime(2026, 3, 2, 15, 59, tzinfo=UTC), datetime(2026, 3, 2, 16, 1, tzinfo=UTC)
        assert times.short(before, now=before) == "23:59"
        assert times.short(before, now=after) != "23:59"


class TestLive:
    @pytest.fixture
    def poll(self, client):
        """Ask as htmx does, with the mark of what the page shows."""

        def poll(redemption: Redemption, mark: str, now: datetime = NOON):
            with time_machine.travel(now, tick=False):
                return client.get(f"/r/{redemption.public_id}/live", {"v": mark})

        return poll

    def test_nothing_new_is_204(self, poll, look):
        redemption = a_seated(GrantState.INVITED, at=NOON)
        answer = poll(redemption, mark_in(look(redemption)))
        assert (answer.status_code, answer.content) == (204, b"")

    def test_a_new_state_comes_as_a_fragment(self, poll, look):
        redemption = a_seated(GrantState.INVITED, at=NOON)
        mark = mark_in(look(redemption))
        redemption.grants.update(state=GrantState.VERIFIED, verified_at=NOON)
        answer = poll(redemption, mark)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "<h1>邀请已确认，请去邮箱接受</h1>" in page
        assert "<html" not in page
        assert mark_in(page) != mark
        assert poll(redemption, mark_in(page)).status_code == 204

    def test_a_new_interval_is_new(self, poll, look):
        redemption = a_seated(GrantState.VERIFIED, at=NOON)
        page = look(redemption)
        assert 'hx-trigger="every 2s"' in page
        answer = poll(redemption, mark_in(page), NOON + 61 * SECOND)
        assert 'hx-trigger="every 5s"' in answer.content.decode()

    def test_the_resend_button_is_new(self, poll, look):
        redemption = a_seated(GrantState.VERIFIED, at=NOON)
        page = look(redemption, now=NOON + 119 * SECOND)
        answer = poll(redemption, mark_in(page), NOON + 120 * SECOND)
        assert 'id="resend"' in answer.content.decode()

    def test_while_a_mail_is_being_sent_it_asks_every_two_seconds(self, look):
        redemption = a_seated(GrantState.VERIFIED, at=NOON)
        assert 'hx-trigger="every 300s"' in look(redemption, now=NOON + 3 * HOUR)
        Redemption.objects.filter(pk=redemption.pk).update(resend_wanted_at=NOON + 3 * HOUR)
        redemption.refresh_from_db()
        assert 'hx-trigger="every 2s"' in look(redemption, now=NOON + 3 * HOUR)

    def test_another_language_is_new(self, poll, look, client):
        redemption = a_seated(GrantState.INVITED, at=NOON)
        mark = mark_in(look(redemption))
        client.cookies["django_language"] = "en"
        assert poll(redemption, mark).status_code == 200

    def test_without_a_mark_it_answers_in_full(self, poll):
        assert poll(a_seated(GrantState.INVITED, at=NOON), "").status_code == 200

    @pytest.mark.parametrize(
        "make",
        [lambda: a_seated(GrantState.JOINED, at=NOON), lambda: a_refused("no_seat"), lambda: an_ended(at=NOON)],
        ids=["joined", "refused", "ended"],
    )
    def test_at_the_end_286_stops_the_asking(self, poll, make):
        answer = poll(make(), "whatever")
        assert answer.status_code == 286
        assert b"<h1>" in answer.content
        assert b"hx-get" not in answer.content

    def test_a_page_at_its_end_never_asks(self, look):
        page = look(a_seated(GrantState.JOINED, at=NOON))
        assert "hx-get" not in page
        assert "htmx" not in page

    def test_it_is_small(self, poll):
        redemption = a_seated(GrantState.VERIFIED, at=NOON, ends_at=NOON + HOUR)
        assert len(poll(redemption, "", NOON + HOUR / 2).content) < 2600

    def test_an_unknown_one_is_not_found(self, client):
        assert client.get("/r/NOBODY/live").status_code == 404

    def test_it_asks_the_database_twice(self, poll, django_assert_num_queries):
        redemption = a_seated(GrantState.INVITED, at=NOON)
        with django_assert_num_queries(2):
            poll(redemption, "")


def mark_in(page: str) -> str:
    return page.split("?v=")[1].split('"')[0]


class TestWithoutJavaScript:
    @pytest.mark.parametrize(("state", "seconds"), [("reserved", 5), ("invited", 30), ("verified", 30)])
    def test_the_page_loads_itself_again(self, look, state, seconds):
        page = look(a_seated(GrantState(state), at=NOON))
        assert f'<noscript><meta http-equiv="refresh" content="{seconds}"></noscript>' in page
        assert '<a href="">刷新</a>' in page

    @pytest.mark.parametrize("make", [lambda: a_seated(GrantState.JOINED), lambda: a_refused("no_seat")])
    def test_at_the_end_it_does_not(self, look, make):
        assert "http-equiv" not in look(make())


class TestWhoSeesTheEmail:
    def submit(self, client, redemption: Redemption) -> None:
        """Send the pair that made it: the same page, now as its submitter."""
        client.post("/", {"email": redemption.email, "code": redemption.code.code})

    @pytest.fixture
    def seated(self):
        return a_seated(GrantState.VERIFIED, email=ANNA)

    def test_the_browser_that_submitted_it(self, client, seated):
        self.submit(client, seated)
        page = client.get(f"/r/{seated.public_id}/").content.decode()
        assert f"<dd>{ANNA}</dd>" in page
        assert "an•••@example.com" not in page
        assert ANNA in client.get(f"/r/{seated.public_id}/live").content.decode()

    def test_another_browser_sees_it_masked(self, client, seated):
        page = client.get(f"/r/{seated.public_id}/").content.decode()
        assert "<dd>an•••@example.com</dd>" in page
        assert ANNA not in page
        assert "anna" not in page

    def test_the_cookie_of_one_page_opens_no_other(self, client, seated):
        self.submit(client, seated)
        cookie = client.cookies["submitted"].value
        other = a_seated(GrantState.VERIFIED, email="bella@example.com")
        client.cookies["submitted"] = cookie
        client.cookies["submitted"]["path"] = "/"
        assert "bella" not in client.get(f"/r/{other.public_id}/").content.decode()

    @pytest.mark.parametrize("forged", ["", "x", "{id}", "{id}:1:x", "\x7f" * 10])
    def test_a_forged_cookie_shows_nothing(self, client, seated, forged):
        client.cookies["submitted"] = forged.format(id=seated.public_id)
        assert ANNA not in client.get(f"/r/{seated.public_id}/").content.decode()

    def test_the_cookie_goes_to_its_page_only_and_to_no_script(self, client, seated):
        self.submit(client, seated)
        cookie = client.cookies["submitted"]
        assert cookie["path"] == f"/r/{seated.public_id}/"
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["max-age"] == 365 * 24 * 3600


class TestNothingLeaks:
    @pytest.mark.parametrize("state", list(GrantState))
    @pytest.mark.parametrize("language", ["zh-hans", "en"])
    def test_no_owner_no_team_no_code_no_upstream_text(self, look, state, language):
        team = a_team(held=1, name="Shanghai 03", state_reason="upstream said so", sync_problem="sync text")
        redemption = a_redemption(email=ANNA, created_at=NOON)
        a_grant(redemption, state, at=NOON, team=team, reason="domain_restricted", upstream_user_id="user-abc")
        page = look(redemption, language) + look(redemption, language, live="live")
        for secret in (
            team.owner.email,
            team.name,
            team.account_id,
            team.account_id[:8],
            redemption.code.code,
            redemption.code.dashed,
            "upstream said so",
            "sync text",
            "domain_restricted",
            "user-abc",
            ANNA,
        ):
            assert secret not in page

    def test_an_already_page_shows_nothing_of_the_other_claim(self, look):
        seat = a_seated(GrantState.VERIFIED, email=SAM)
        page = look(an_already(seat, ANNA))
        for secret in (SAM, "•••@example.com、", seat.public_id, seat.reference, seat.code.code):
            assert secret not in page


class TestPage:
    def test_it_is_not_kept_and_not_indexed(self, client):
        answer = client.get(f"/r/{a_redemption().public_id}/")
        assert "no-store" in answer["Cache-Control"]
        assert 'name="robots" content="noindex"' in answer.content.decode()

    def test_no_session_is_made(self, client):
        client.get(f"/r/{a_redemption().public_id}/")
        assert "sessionid" not in client.cookies

    @pytest.mark.parametrize("grants", [1, 4])
    def test_it_asks_the_database_twice(self, client, django_assert_num_queries, grants):
        redemption = a_seated(GrantState.VERIFIED)
        for _ in range(grants - 1):
            redemption.grants.update(state=GrantState.CANCELLED)
            a_grant(redemption, GrantState.VERIFIED)
        with django_assert_num_queries(2):
            client.get(f"/r/{redemption.public_id}/")

    def test_an_already_page_asks_no_more(self, client, django_assert_num_queries):
        already = an_already(a_seated(GrantState.VERIFIED))
        with django_assert_num_queries(2):
            client.get(f"/r/{already.public_id}/")

    def test_without_its_slash_it_leads_there(self, client):
        redemption = a_redemption()
        answer = client.get(f"/r/{redemption.public_id}")
        assert answer["Location"] == f"/r/{redemption.public_id}/"

    @pytest.mark.parametrize("path", ["/r/NOBODY/", "/r/%00/", "/r/..%2f/", "/r/" + "A" * 5000 + "/", "/r/ü/"])
    @pytest.mark.parametrize(
        ("language", "sentence"),
        [
            ("zh-hans", "没有这个页面，请检查链接是否完整。"),
            ("en", "No such page. Check that the link is complete."),
        ],
    )
    def test_a_wrong_link_is_not_found(self, client, path, language, sentence):
        client.cookies["django_language"] = language
        answer = client.get(path)
        assert answer.status_code == 404
        assert sentence in answer.content.decode()

    def test_a_post_is_refused(self, client):
        assert client.post(f"/r/{a_redemption().public_id}/").status_code == 405


class TestStateEnums:
    def test_every_state_of_a_seat_and_of_a_redemption_is_shown(self):
        for grant in GrantState:
            for state in RedemptionState:
                redemption = a_redemption(f"{grant}.{state}@example.com", state=state)
                a_grant(redemption, grant)
                assert public_status(redemption).state in PublicState


class TestTakenBackByTheGuardian:
    def test_an_overdue_seat_says_that_its_time_was_over(self) -> None:
        ended_at = NOON + 3 * MINUTE
        redemption = an_ended(at=ended_at, ends_at=NOON)
        redemption.grants.update(reason="overdue")
        with translation.override("en"):
            said = headline(public_status(redemption), email=redemption.email, now=ended_at)
            taken_back_at = times.public_time(ended_at)
        assert said.heading == "Your time is over"
        assert said.text == f"The seat was taken back on {taken_back_at}."
