from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from base.actors import Actor
from invites.models import Redemption
from invites.seats import moves
from invites.states import GrantState, RedemptionState, Refusal
from notifications.audit import events
from notifications.models import AuditEvent
from teampool.upstream.types import Failure
from tests.cast import ANA, OLGA, SAM, a_code, a_team
from tests.invites.admin.codes.test_codes import a_clerk
from tests.invites.rows import HOUR, MINUTE, a_grant, a_redemption, a_refused, a_seated, an_already, an_ended

LIST = "admin:invites_redemption_changelist"
PAGE = "admin:invites_redemption_change"
RESEND = "admin:redemption_resend"
JOB = Actor("job", "deliver")


def text_of(answer):
    return answer.content.decode()


def found(client, **query):
    return {row.email for row in client.get(reverse(LIST), query).context["cl"].result_list}


def shown(redemption, client, name=PAGE):
    return text_of(client.get(reverse(name, args=[redemption.pk])))


@pytest.fixture(autouse=True)
def english(olga_client):
    olga_client.cookies["django_language"] = "en"


@pytest.mark.django_db
class TestList:
    def test_a_row_says_who_used_what_and_how_it_went(self, olga_client):
        team = a_team(name="上海 03", held=1)
        code = a_code(uses_held=1)
        redemption = a_redemption(code=code, ends_at=timezone.now() + HOUR)
        a_grant(redemption, GrantState.JOINED, team=team)
        answer = text_of(olga_client.get(reverse(LIST)))
        for said in (ANA, code.dashed, "Joined", str(team), redemption.reference):
            assert said in answer, said

    def test_it_shows_the_team_of_the_newest_try(self, olga_client):
        redemption = a_redemption()
        old, new = a_team(name="Old"), a_team(name="New", held=1)
        a_grant(redemption, GrantState.CANCELLED, team=old)
        a_grant(redemption, GrantState.INVITED, team=new)
        answer = text_of(olga_client.get(reverse(LIST)))
        assert str(new) in answer
        assert str(old) not in answer

    def test_an_answer_already_seated_shows_the_team_of_that_seat(self, olga_client):
        seat = a_redemption()
        team = a_team(held=1)
        a_grant(seat, GrantState.JOINED, team=team)
        an_already(seat)
        assert text_of(olga_client.get(reverse(LIST))).count(str(team)) == 2

    def test_a_refusal_says_why(self, olga_client):
        a_refused(Refusal.NO_SEAT)
        assert "Refused · no seat free" in text_of(olga_client.get(reverse(LIST)))

    def test_an_operators_own_revocation_is_nothing_bad(self, olga_client):
        a_refused(Refusal.WITHDRAWN)
        answer = text_of(olga_client.get(reverse(LIST)))
        assert "invitation withdrawn" not in answer
        assert re.search(r"undo\s*</span>\s*Revoked\s*</span>", answer)

    def test_an_empty_list_says_what_to_send_to_people(self, olga_client):
        assert "Send people this address: http://testserver/" in text_of(olga_client.get(reverse(LIST)))
        assert "Send people" not in text_of(olga_client.get(reverse(LIST), {"q": "nobody"}))

    def test_it_asks_as_often_for_50_as_for_one(self, olga_client, django_assert_max_num_queries):
        for n in range(25):
            seat = a_seated(GrantState.VERIFIED, email=f"ana{n}@example.com")
            an_already(seat, email=f"ana{n}@example.com")
        with django_assert_max_num_queries(15):
            olga_client.get(reverse(LIST))

    def test_nothing_is_added_changed_or_deleted_here(self, olga_client):
        redemption = a_redemption()
        page = reverse(PAGE, args=[redemption.pk])
        assert olga_client.get(reverse("admin:invites_redemption_add")).status_code == 403
        olga_client.post(page, {"email": SAM})
        assert olga_client.post(reverse("admin:invites_redemption_delete", args=[redemption.pk])).status_code == 404
        assert Redemption.objects.get().email == ANA

    def test_a_visitor_is_sent_to_the_log_in(self):
        assert Client().get(reverse(LIST)).url.startswith(reverse("admin:login"))


@pytest.mark.django_db
class TestSearch:
    @pytest.mark.parametrize(
        "typed",
        [
            "ana@example.com",
            "ANA@exam",
            "7k2m 9qxd vh4t b8nc",
            "7K2M-9QXD",
            "Q4RT-6HZN",
            "q4rt6hzn",
            "Q4RT6HZNAAAAAAAAAAAA",
        ],
    )
    def test_it_finds_by_e_mail_code_and_reference(self, olga_client, typed):
        a_redemption(ANA, code=a_code("7K2M9QXDVH4TB8NC"), public_id="Q4RT6HZN" + "A" * 12)
        a_redemption(SAM, code=a_code("ZZZZ9QXDVH4TB8NC"), public_id="ZZZZ6HZN" + "A" * 12)
        assert found(olga_client, q=typed) == {ANA}

    @pytest.mark.parametrize("typed", ["%", "nobody", "7K2"])
    def test_it_finds_nothing_by_anything_else(self, olga_client, typed):
        a_redemption(ANA, code=a_code("7K2M9QXDVH4TB8NC"))
        assert found(olga_client, q=typed) == set()


@pytest.mark.django_db
class TestFilters:
    def one_of_each(self):
        a_redemption("waiting@example.com")
        for state in (GrantState.RESERVED, GrantState.INVITING, GrantState.INVITED, GrantState.VERIFIED):
            a_seated(state, email=f"{state}@example.com")
        a_seated(GrantState.JOINED, email="joined@example.com")
        a_refused(Refusal.NO_SEAT, email="refused@example.com")
        a_refused(Refusal.WITHDRAWN, email="revoked@example.com")
        an_ended(at=timezone.now(), email="ended@example.com")
        an_already(None, email="already@example.com")

    @pytest.mark.parametrize(
        ("state", "who"),
        [
            ("pending", {"waiting", "reserved", "inviting"}),
            ("invited", {"invited"}),
            ("verified", {"verified"}),
            ("joined", {"joined"}),
            ("refused", {"refused"}),
            ("revoked", {"revoked"}),
            ("ended", {"ended"}),
            ("already", {"already"}),
        ],
    )
    def test_by_state(self, olga_client, state, who):
        self.one_of_each()
        assert found(olga_client, state=state) == {f"{name}@example.com" for name in who}

    def test_the_badges_agree_with_the_filter(self, olga_client):
        self.one_of_each()
        for state, word in (("pending", "In progress"), ("invited", "Sent, not listed yet"), ("joined", "Joined")):
            rows = found(olga_client, state=state)
            badges = re.findall(
                r"</span>\s*([A-Za-z, ]+?)\s*</span>", text_of(olga_client.get(reverse(LIST), {"state": state}))
            )
            assert badges.count(word) == len(rows), state

    def test_unconfirmed_for_ten_minutes(self, olga_client):
        now = timezone.now()
        early, late = now - 11 * MINUTE, now - 9 * MINUTE
        for name, state, at in (
            ("early", GrantState.INVITED, early),
            ("stuck", GrantState.RESERVED, early),
            ("late", GrantState.INVITED, late),
            ("listed", GrantState.VERIFIED, early),
        ):
            a_seated(state, at=at, email=f"{name}@example.com")
        a_redemption("seatless@example.com", created_at=early)
        a_redemption("seatless-late@example.com", created_at=late)
        a_refused(Refusal.NO_SEAT, email="refused@example.com", created_at=early)
        assert found(olga_client, unconfirmed="yes") == {"early@example.com", "stuck@example.com"}
        assert found(olga_client, seat="none") == {"seatless@example.com"}

    def test_what_it_can_be_narrowed_to_is_written_as_sentences_are(self, olga_client):
        answer = text_of(olga_client.get(reverse(LIST)))
        for word in ("In progress", "Waiting to be accepted", "Joined", "Generic", "Held, not joined yet"):
            assert f'title="{word}"' in answer or f">{word}" in re.sub(r">\s+", ">", answer), word

    def test_by_kind(self, olga_client):
        day, team = timedelta(days=1), a_team()
        a_redemption("generic@example.com")
        a_redemption("bound@example.com", bound_team=team)
        a_redemption("temporary@example.com", seat_time=day)
        a_redemption("both@example.com", bound_team=team, seat_time=day)
        Redemption.objects.create(public_id="A" * 20, email="added@example.com", bound_team=team)
        answers = {kind: found(olga_client, kind=kind) for kind in ("generic", "bound", "temporary", "operator")}
        assert answers == {
            "generic": {"generic@example.com"},
            "bound": {"bound@example.com", "both@example.com"},
            "temporary": {"temporary@example.com", "both@example.com"},
            "operator": {"added@example.com"},
        }

    def test_by_date(self, olga_client):
        now = timezone.now()
        a_redemption("today@example.com", created_at=now)
        a_redemption("before@example.com", created_at=now - timedelta(days=40))
        start = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        assert found(olga_client, created_at__gte=str(start)) == {"today@example.com"}


@pytest.mark.django_db
class TestPage:
    def test_it_tells_the_story_in_order(self, olga_client):
        team = a_team(name="上海 03", held=1)
        redemption = a_redemption()
        about = redemption.subject
        events.redemption_moved(subject=about, state="opened", actor=Actor("user", ANA, "192.0.2.7"))
        for before, after in (("", "reserved"), ("reserved", "inviting"), ("inviting", "invited")):
            events.seat_moved(subject=about, before=before, after=after, actor=JOB, details={"team": team.pk})
        answer = shown(redemption, olga_client)
        story = ["Redemption accepted", f"Seat reserved in {team}", f"Invitation to {team} on its way"]
        places = [answer.index(said) for said in [*story, f"Invitation to {team} sent"]]
        assert places == sorted(places)
        assert "192.0.2.7" in answer
        assert len(re.findall(r"<li>\s*<time datetime", answer)) == 4

    def test_the_story_of_another_one_stays_out(self, olga_client):
        redemption, other = a_redemption(), a_redemption(SAM)
        events.resend_wanted(subject=other.subject, actor=JOB)
        assert "asked for again" not in shown(redemption, olga_client)

    def test_the_leaving_of_its_seat_is_part_of_it(self, olga_client):
        redemption = a_seated(GrantState.JOINED)
        grant = redemption.grants.get()
        departure = grant.departures.create(team=grant.team, email=ANA, reason="taken_back")
        about = events.Subject("departure", str(departure.pk), ANA)
        events.departure_moved(subject=about, state="opened", reason="taken_back", actor=JOB)
        assert "To leave the Team: seat taken back" in shown(redemption, olga_client)

    @pytest.mark.parametrize(
        ("reason", "words"),
        [
            (Failure.SEATS_FULL.value, "ChatGPT says the Team is full"),
            (Failure.TOKEN_REJECTED.value, "the login expired"),
            ("team_gone", "the Team was lost"),
            ("overdue", "time over"),
            ("something new", "ChatGPT could not be asked"),
        ],
    )
    def test_reasons_are_words(self, olga_client, reason, words):
        redemption = a_redemption()
        a_grant(redemption, GrantState.CANCELLED, reason=reason)
        answer = shown(redemption, olga_client)
        assert words in answer
        assert f">{reason}<" not in answer

    def test_a_failed_resend_is_told_apart_from_a_sent_one(self, olga_client):
        redemption = a_redemption()
        about = redemption.subject
        events.resend_done(subject=about, sent=True, actor=JOB)
        events.resend_done(subject=about, sent=False, actor=JOB)
        answer = shown(redemption, olga_client)
        assert answer.count("Invitation mail sent again") == 1
        assert answer.count("The mail was not sent again") == 1

    def test_it_links_its_status_page_and_its_batch(self, olga_client):
        redemption = a_redemption()
        answer = shown(redemption, olga_client)
        assert reverse("status", args=[redemption.public_id]) in answer
        assert reverse("admin:invites_codebatch_change", args=[redemption.code.batch_id]) in answer

    def test_it_names_the_person_and_links_the_team(self, olga_client):
        redemption = a_seated(GrantState.JOINED, email="ana@example.com")
        team = redemption.grants.get().team
        page = olga_client.get(reverse("admin:invites_redemption_change", args=[redemption.pk])).content.decode()
        assert "<dd>ana@example.com</dd>" in page
        assert f'<a href="{reverse("admin:teampool_team_change", args=[team.pk])}">{team}</a>' in page

    def test_it_asks_as_often_for_many_tries_as_for_one(self, olga_client, django_assert_max_num_queries):
        redemption = a_redemption()
        for _ in range(12):
            grant = a_grant(redemption, GrantState.CANCELLED)
            moves.events.seat_moved(
                subject=grant.subject, before="", after="reserved", actor=JOB, details={"team": grant.team_id}
            )
        with django_assert_max_num_queries(14):
            shown(redemption, olga_client)

    @pytest.mark.parametrize("key", ["999999", "x", "9" * 40])
    def test_an_unknown_one_is_not_found(self, olga_client, key):
        assert olga_client.get(reverse(PAGE, args=[key])).status_code == 404


@pytest.mark.django_db
class TestResend:
    def press(self, client, redemption, **data):
        return client.post(reverse(RESEND, args=[redemption.pk]), data)

    def test_one_press_in_the_row_asks_for_the_mail(self, olga_client):
        redemption = a_seated(GrantState.VERIFIED, at=timezone.now() - 5 * MINUTE)
        row = text_of(olga_client.get(reverse(LIST)))
        assert f'form="row-actions" formaction="{reverse(RESEND, args=[redemption.pk])}"' in row
        assert '<form id="row-actions" method="post"' in row
        back = reverse(LIST, query={"state": "verified"})
        answer = self.press(olga_client, redemption, next=back)
        assert answer.url == back
        redemption.refresh_from_db()
        assert redemption.resend_wanted_at is not None
        assert (AuditEvent.objects.get().action, AuditEvent.objects.get().actor) == ("resend_wanted", OLGA)
        after = text_of(olga_client.get(back))
        assert f"Started: the mail to {ANA} is sent again." in after
        assert "Sending again…" in after

    def test_a_second_press_is_told_why_not(self, olga_client):
        redemption = a_seated(GrantState.VERIFIED, at=timezone.now() - 5 * MINUTE)
        self.press(olga_client, redemption)
        answer = text_of(self.press(olga_client, redemption, next=reverse(LIST)))
        assert answer == ""
        assert "Not sent again now: Sending again…" in text_of(olga_client.get(reverse(LIST)))
        assert AuditEvent.objects.count() == 1

    def test_too_early_says_from_when(self, olga_client):
        now = timezone.now()
        a_seated(GrantState.VERIFIED, at=now)
        until = timezone.localtime(now + 2 * MINUTE)
        answer = text_of(olga_client.get(reverse(LIST)))
        assert f"Send again from {until:%H:%M}" in answer
        assert "/resend/" not in answer

    @pytest.mark.parametrize("state", [GrantState.RESERVED, GrantState.JOINED])
    def test_there_is_no_button_where_no_mail_waits(self, olga_client, state):
        a_seated(state, at=timezone.now() - HOUR)
        assert "/resend/" not in text_of(olga_client.get(reverse(LIST)))

    def test_used_up_says_so(self, olga_client):
        a_seated(GrantState.INVITED, at=timezone.now() - HOUR, resends=3, resent_at=timezone.now() - HOUR)
        assert "Sent again 3 times" in text_of(olga_client.get(reverse(LIST)))

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
    def test_it_leads_back_to_this_site_only(self, olga_client, elsewhere):
        redemption = a_redemption()
        assert self.press(olga_client, redemption, next=elsewhere).url == reverse(PAGE, args=[redemption.pk])

    def test_a_link_alone_sends_nothing(self, olga_client):
        redemption = a_seated(GrantState.VERIFIED, at=timezone.now() - HOUR)
        olga_client.get(reverse(RESEND, args=[redemption.pk]))
        redemption.refresh_from_db()
        assert redemption.resend_wanted_at is None

    def test_it_is_for_those_who_may_change_redemptions(self):
        redemption = a_seated(GrantState.VERIFIED, at=timezone.now() - HOUR)
        clerk = a_clerk("view_redemption")
        assert "formaction" not in text_of(clerk.get(reverse(LIST)))
        assert "formaction" not in shown(redemption, clerk)
        assert self.press(clerk, redemption).status_code == 403
        redemption.refresh_from_db()
        assert redemption.resend_wanted_at is None

    def test_a_page_from_elsewhere_cannot_press_it(self, olga):
        redemption = a_seated(GrantState.VERIFIED, at=timezone.now() - HOUR)
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(olga)
        assert self.press(strict, redemption).status_code == 403
        redemption.refresh_from_db()
        assert redemption.resend_wanted_at is None


@pytest.mark.django_db
def test_an_ended_one_shows_no_time_to_come(olga_client):
    a_redemption(state=RedemptionState.ENDED, seat_time=timedelta(hours=24))
    assert "24 hours" not in text_of(olga_client.get(reverse(LIST)))
