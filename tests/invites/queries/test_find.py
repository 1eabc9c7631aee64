"""Who is meant by what an operator types, and the page that tells the whole story."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from base.actors import Actor
from invites.actions import seat
from invites.models import Departure
from invites.queries import find
from invites.states import GrantState, RedemptionState
from notifications.audit import events
from notifications.models import AuditEvent, Message
from teampool.models import AllowedMember, Member
from tests.cast import ANA, OMAR, SAM, a_code, a_team, an_owner
from tests.invites.admin.codes.test_codes import a_clerk
from tests.invites.rows import HOUR, MINUTE, a_grant, a_member, a_redemption, a_seated, an_ended

CODE = "7K2M9QXDVH4TB8NC"
REFERENCE = "Q4RT6HZN"
JOB = Actor("job", "deliver")
OLGA = Actor("operator", "olga", "192.0.2.1")


def text_of(answer):
    return answer.content.decode()


def asked(client, query):
    return text_of(client.get(reverse("admin:find"), {"q": query}))


@pytest.fixture
def ana():
    """Ana waits in a Team of Omar's, Sam in another one."""
    team = a_team(name="Shanghai", held=1, account_id="a1b2c3d4-0000-4000-8000-000000000001")
    redemption = a_redemption(ANA, code=a_code(CODE, uses_held=1), public_id=REFERENCE + "A" * 12)
    at = timezone.now() - HOUR
    a_grant(redemption, GrantState.VERIFIED, team=team, at=at, upstream_user_id="user-ana")
    other = a_team(name="Berlin", held=1, owner=an_owner("other@example.net"))
    a_grant(a_redemption(SAM), GrantState.JOINED, team=other)
    return redemption


@pytest.fixture(autouse=True)
def english(olga_client):
    olga_client.cookies["django_language"] = "en"


@pytest.mark.django_db
class TestSearch:
    @pytest.mark.parametrize(
        "typed",
        [
            ANA,
            "  ANA@EXAMPLE.com\u200b",
            "ａｎａ@",
            "7k2m 9qxd vh4t b8nc",
            "7K2M-9QXD-VH4T-B8NC",
            "7k2m9qxd",
            "Q4RT-6HZN",
            "q4rt6hzn",
            "Q4RT6HZNAAAAAAAAAAAA",
            "a1b2c3d4-0000-4000-8000-000000000001",
            "A1B2C3D4",
            "shangh",
            OMAR,
            "user-ana",
        ],
    )
    def test_it_leads_to_the_one_person(self, ana, typed):
        assert find.search(typed).emails == [ANA]

    @pytest.mark.parametrize("typed", ["", "an", "%%%", "___", "nobody", "\0\0\0", "🪑🪑🪑", "ZZZZ-ZZZZ-ZZZZ-ZZZZ"])
    def test_it_leads_nobody_else(self, ana, typed):
        assert find.search(typed).is_empty

    def test_people_only_upstream_knows_are_found(self):
        team = a_team(name="Berlin")
        a_member(team, "stranger@corp.example")
        AllowedMember.objects.create(email="guest@corp.example", origin="operator")
        assert find.search("corp.ex").emails == ["stranger@corp.example", "guest@corp.example"]

    def test_hidden_people_of_a_team_are_found_by_their_id(self):
        team = a_team(name="Berlin")
        hidden = a_member(team, "")
        assert find.search("berlin").hidden == [hidden.upstream_id]
        assert find.search(hidden.upstream_id).hidden == [hidden.upstream_id]

    def test_the_whole_e_mail_comes_before_those_that_contain_it(self, ana):
        a_redemption(f"x{ANA}")
        assert find.search(ANA).emails[:2] == [ANA, f"x{ANA}"]

    def test_it_says_when_there_are_more_than_twenty(self):
        for n in range(21):
            a_redemption(f"p{n}@example.com")
        hits = find.search("@example.com")
        assert (len(hits.emails), hits.has_more) == (20, True)
        assert not find.search("p1@").has_more

    def test_a_code_nobody_used_is_told_apart_from_no_code(self):
        code = a_code(CODE)
        assert find.search("7k2m-9qxd-vh4t-b8nc").unused == [code]

    def test_it_asks_a_fixed_number_of_times(self, ana, django_assert_max_num_queries):
        for n in range(30):
            a_seated(GrantState.JOINED, email=f"many{n}@example.com")
        for typed in (ANA, "@example.com", CODE, "Shanghai", "user-ana"):
            with django_assert_max_num_queries(12):
                find.search(typed)


@pytest.mark.django_db
class TestPage:
    def test_it_tells_the_seat_the_code_and_the_story(self, olga_client, ana):
        events.redemption_moved(subject=ana.subject, state="opened", actor=Actor("user", ANA, "192.0.2.7"))
        events.resend_done(subject=ana.subject, sent=True, actor=JOB)
        answer = asked(olga_client, "ana@")
        for said in ("Shanghai a1b2c3d4", "Waiting to be accepted", "7K2M-9QXD-VH4T-B8NC", "Q4RT-6HZN"):
            assert said in answer, said
        assert answer.index("Invitation mail sent again") < answer.index("Redemption accepted"), "newest first"
        assert "192.0.2.7" in answer
        assert SAM not in answer

    def test_it_tells_of_removals_and_messages(self, olga_client):
        redemption = an_ended(at=timezone.now())
        grant = redemption.grants.get()
        departure = grant.departures.create(team=grant.team, email=ANA, reason="taken_back", state="done")
        about = events.Subject("departure", str(departure.pk), ANA)
        events.departure_moved(subject=about, state="done", reason="taken_back", actor=JOB)
        now = timezone.now()
        Message.objects.create(
            recipient=ANA, event="mail_moved", channel="email", dedupe_key="x", state="sent", created_at=now, due_at=now
        )
        answer = asked(olga_client, ANA)
        mail = "Mail: moved to another Team"
        for said in ("seat taken back", "Left the Team", "Holds no seat of ours now.", mail, ">E-mail<", ">Sent<"):
            assert said in answer, said
        assert "mail_moved" not in answer

    def test_a_stranger_is_shown_with_the_team_and_allowed_in_one_click(self, olga_client):
        team = a_team(name="Berlin")
        row = a_member(team, SAM)
        answer = asked(olga_client, "sam@")
        allow = reverse("admin:find_allow", args=[row.pk])
        assert "Stranger" in answer
        assert f'form="row-actions" formaction="{allow}"' in answer
        back = reverse("admin:find", query={"q": SAM})
        assert olga_client.post(allow, {"next": back}).url == back
        person = AllowedMember.objects.get()
        assert (person.email, person.team, person.added_by) == (SAM, team, "olga")
        after = text_of(olga_client.get(back))
        assert f'formaction="{allow}' not in after
        assert "Allowed" in after
        assert "Person allowed" in after
        assert AuditEvent.objects.get().action == "person_allowed"

    def test_somebody_on_the_way_out_is_no_stranger_to_be_allowed(self, olga_client):
        old, other = a_team(name="Berlin"), a_team(name="Hamburg")
        a_member(old, SAM)
        stays = a_member(other, SAM)
        Departure.objects.create(team=old, email=SAM, reason="reseated")
        answer = asked(olga_client, "sam@")
        lists = answer[answer.index("In the last lists") : answer.index("Removals")]
        assert "Being moved" in lists
        assert lists.count("Stranger") == lists.count("formaction=") == 1
        assert reverse("admin:find_allow", args=[stays.pk]) in lists

    def test_owners_and_people_with_a_seat_are_no_strangers(self, olga_client, ana):
        a_member(ana.grants.get().team, ANA, Member.Kind.INVITE)
        a_member(ana.grants.get().team, OMAR)
        assert "Stranger" not in asked(olga_client, "Shanghai")

    def test_a_hidden_row_stands_with_the_person_whose_seat_it_is(self, olga_client, ana):
        team = ana.grants.get().team
        Member.objects.create(team=team, kind="member", email="", upstream_id="user-ana", name="Ana A.")
        answer = asked(olga_client, "Shanghai")
        assert "Ana A." in answer
        assert "Hidden" not in answer

    def test_the_buttons_lead_back_here(self, olga_client, ana):
        answer = asked(olga_client, ANA)
        for name in ("redemption_resend", "redemption_withdraw"):
            assert f'formaction="{reverse(f"admin:{name}", args=[ana.pk])}"' in answer
        assert '<input type="hidden" name="next" value="/admin/find/?q=ana%40example.com">' in answer
        sent = olga_client.post(reverse("admin:redemption_resend", args=[ana.pk]), {"next": "/admin/find/?q=ana%40"})
        assert sent.url == "/admin/find/?q=ana%40"
        assert "Sending again…" in asked(olga_client, ANA)

    def test_nobody_found_says_how_old_that_is(self, olga_client):
        a_team(snapshot_started_at=timezone.now() - 5 * MINUTE)
        answer = asked(olga_client, '"><b>x')
        assert "Nobody found for" in answer
        assert "5 min ago" in answer
        assert "<b>x" not in answer
        back = reverse("admin:find", query={"q": "x"})
        assert olga_client.post(reverse("admin:find_sync"), {"next": back}).url == back

    def test_a_short_query_asks_for_more(self, olga_client, ana):
        assert "Write at least 3 characters." in asked(olga_client, "an")

    def test_without_a_query_there_is_only_the_box(self, olga_client, django_assert_max_num_queries):
        with django_assert_max_num_queries(6):
            answer = text_of(olga_client.get(reverse("admin:find")))
        assert 'name="q"' in answer
        assert "Nobody found" not in answer

    def test_it_asks_as_often_for_twenty_people_as_for_one(self, olga_client, ana, django_assert_max_num_queries):
        with django_assert_max_num_queries(40) as one:
            asked(olga_client, ANA)
        for n in range(19):
            seated = a_seated(GrantState.VERIFIED, email=f"p{n}@example.com", at=timezone.now() - HOUR)
            grant = seated.grants.get()
            a_member(grant.team, seated.email, Member.Kind.INVITE)
            events.resend_done(subject=seated.subject, sent=True, actor=JOB)
            seat.withdraw(redemption_id=seated.pk, actor=OLGA) if n % 2 else None
        with django_assert_max_num_queries(len(one) + 6):
            assert "p18@example.com" in asked(olga_client, "@example.com")

    def test_no_secret_is_on_it(self, olga_client):
        owner = an_owner(session_token="canary-st", refresh_token="canary-rt")
        team = a_team(name="Berlin", owner=owner, access_token="canary-at")
        a_grant(a_redemption(), GrantState.JOINED, team=team)
        assert "canary" not in asked(olga_client, ANA)

    def test_it_is_linked_from_the_menu_and_the_first_screen(self, olga_client):
        a_team()
        answer = text_of(olga_client.get(reverse("admin:index")))
        assert answer.count(f'"{reverse("admin:find")}"') >= 2


@pytest.mark.django_db
class TestPermissions:
    def test_a_visitor_is_sent_to_the_log_in(self):
        assert Client().get(reverse("admin:find")).url.startswith(reverse("admin:login"))

    def test_it_is_for_those_who_may_see_redemptions(self):
        assert a_clerk("view_codebatch").get(reverse("admin:find")).status_code == 403

    def test_looking_alone_offers_no_button(self, ana):
        row = a_member(a_team(), "ana2@example.com")
        clerk = a_clerk("view_redemption")
        answer = asked(clerk, "ana")
        assert "ana2@example.com" in answer
        assert "formaction" not in answer
        assert clerk.post(reverse("admin:find_allow", args=[row.pk])).status_code == 403
        assert clerk.post(reverse("admin:find_sync")).status_code == 403
        assert not AllowedMember.objects.exists()

    def test_a_page_from_elsewhere_cannot_allow_anybody(self, olga):
        row = a_member(a_team(), SAM)
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(olga)
        assert strict.post(reverse("admin:find_allow", args=[row.pk])).status_code == 403
        assert strict.get(reverse("admin:find_allow", args=[row.pk])).status_code == 405
        assert not AllowedMember.objects.exists()

    def test_someone_gone_meanwhile_is_not_found(self, olga_client):
        assert olga_client.post(reverse("admin:find_allow", args=[999])).status_code == 404


def test_an_ended_redemption_is_part_of_the_story(db, olga_client):
    an_ended(at=timezone.now())
    a_redemption(ANA, state=RedemptionState.REFUSED, refusal="no_seat")
    answer = asked(olga_client, ANA)
    assert "Ended" in answer
    assert "Refused · no seat free" in answer
