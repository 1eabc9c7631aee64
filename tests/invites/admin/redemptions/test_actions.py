"""Revoke, take back, re-seat, extend, pause, allow: each lists exactly what it will do, and says what it did."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from invites.models import Departure, Redemption, SeatGrant
from invites.redeeming import redeem
from invites.settings import IS_OPEN, RECLAIM_AFTER_DAYS
from invites.states import GrantState
from notifications.models import AuditEvent, Setting
from teampool.models import AllowedMember, Team
from tests.cast import ANA, OLGA, SAM, a_code, a_team
from tests.invites.admin.codes.test_codes import a_clerk
from tests.invites.rows import HOUR, a_grant, a_redemption, a_seated, an_ended

LIST = "admin:invites_redemption_changelist"
PAGE = "admin:invites_redemption_change"
ALLOWED = "admin:teampool_allowedmember_changelist"
CODE = "7K2M9QXDVH4TB8NC"


def text_of(answer):
    return answer.content.decode()


def one(redemption, deed):
    return reverse(f"admin:redemption_{deed}", args=[redemption.pk])


def many(deed):
    return reverse(f"admin:redemptions_{deed}")


def rows_of(answer):
    """The cells of each row of the table."""
    strip = lambda cell: " ".join(re.sub(r"<[^>]*>", " ", cell).split())  # noqa: E731
    rows = re.findall(r"<tr>(<td.*?)</tr>", text_of(answer), re.DOTALL)
    return [[strip(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)] for row in rows]


def choose(client, deed, redemptions):
    ids = [redemption.pk for redemption in redemptions]
    return client.post(reverse(LIST), {"action": deed, "_selected_action": ids})


def confirm(client, deed, answer, **extra):
    """Press the button of a confirm page."""
    picked = re.findall(r'name="picked" value="([^"]+)"', text_of(answer))
    return client.post(many(deed), {"confirmed": "yes", "picked": picked} | extra)


def seated_in(team, email, state=GrantState.JOINED, **fields):
    redemption = a_redemption(email, **fields)
    a_grant(redemption, state, team=team, at=timezone.now() - HOUR)
    return redemption


@pytest.fixture(autouse=True)
def english(olga_client):
    olga_client.cookies["django_language"] = "en"


@pytest.mark.django_db(transaction=True)
class TestOne:
    @pytest.mark.parametrize(
        ("state", "offered", "not_offered"),
        [
            (GrantState.RESERVED, ["withdraw"], ["take_back", "reseat", "resend"]),
            (GrantState.VERIFIED, ["resend", "withdraw"], ["take_back", "reseat"]),
            (GrantState.JOINED, ["take_back", "reseat"], ["withdraw", "resend"]),
        ],
    )
    def test_its_page_offers_what_fits_its_state(self, olga_client, state, offered, not_offered):
        redemption = a_seated(state, at=timezone.now() - HOUR)
        answer = text_of(olga_client.get(reverse(PAGE, args=[redemption.pk])))
        assert [deed for deed in offered + not_offered if one(redemption, deed) in answer] == offered

    @pytest.mark.parametrize(
        ("state", "main"),
        [(GrantState.RESERVED, "withdraw"), (GrantState.VERIFIED, "resend"), (GrantState.JOINED, "take_back")],
    )
    def test_its_row_has_the_main_one(self, olga_client, state, main):
        redemption = a_seated(state, at=timezone.now() - HOUR)
        answer = text_of(olga_client.get(reverse(LIST)))
        assert re.findall(r'formaction="([^"]+)"', answer) == [one(redemption, main)]

    def test_someone_in_a_lost_team_is_to_be_moved(self, olga_client):
        lost = a_team(held=1, workspace_state=Team.Workspace.SUSPENDED)
        redemption = seated_in(lost, ANA, GrantState.VERIFIED)
        assert re.findall(r'formaction="([^"]+)"', text_of(olga_client.get(reverse(LIST)))) == [
            one(redemption, "reseat")
        ]

    def test_looking_at_the_list_changes_nothing(self, olga_client):
        redemption = a_seated(GrantState.JOINED)
        for answer in (olga_client.get(one(redemption, "take_back")), olga_client.post(one(redemption, "take_back"))):
            assert "Take back 1 seat" in text_of(answer)
            assert "<title>Take seats back" in " ".join(text_of(answer).split()).replace("<title> ", "<title>")
        assert not Departure.objects.exists()
        assert not AuditEvent.objects.exists()

    def test_confirming_takes_the_seat_back_and_returns(self, olga_client):
        redemption = a_seated(GrantState.JOINED)
        back = reverse("admin:find", query={"q": ANA})
        answer = olga_client.post(one(redemption, "take_back"), {"next": back})
        assert "Is removed from the Team; the code stays used." in text_of(answer)
        done = confirm(olga_client, "take_back", answer, next=back)
        assert done.url == back
        departure = Departure.objects.get()
        assert (departure.reason, departure.email) == ("taken_back", ANA)
        assert AuditEvent.objects.get(action="departure_opened").actor == OLGA
        after = text_of(olga_client.get(back))
        assert f"{ANA}: Started: the seat is being taken back." in after
        assert "Being taken back…" in after
        assert one(redemption, "take_back") not in after

    def test_revoking_says_that_the_code_is_free_again(self, olga_client):
        redemption = a_seated(GrantState.VERIFIED)
        answer = olga_client.get(one(redemption, "withdraw"))
        assert "The invitation is revoked; the code can be used again." in text_of(answer)
        confirm(olga_client, "withdraw", answer)
        assert Departure.objects.get().reason == "withdrawn"
        assert "Being revoked…" in text_of(olga_client.get(reverse(LIST)))

    @pytest.mark.parametrize(
        ("state", "deed", "what"),
        [
            (GrantState.VERIFIED, "withdraw", "The invitation is revoked."),
            (GrantState.VERIFIED, "take_back", "The invitation is revoked."),
            (GrantState.JOINED, "take_back", "Is removed from the Team."),
        ],
    )
    def test_nothing_is_said_of_a_code_nobody_used(self, olga_client, state, deed, what):
        redemption = a_seated(state)
        Redemption.objects.update(code=None)
        assert rows_of(olga_client.get(one(redemption, deed)))[0][-1] == what

    def test_who_joined_meanwhile_keeps_the_seat_and_it_says_why(self, olga_client):
        redemption = a_seated(GrantState.VERIFIED)
        answer = olga_client.get(one(redemption, "withdraw"))
        SeatGrant.objects.update(state=GrantState.JOINED)
        assert confirm(olga_client, "withdraw", answer).url == reverse(LIST)
        assert "has joined already: take the seat back instead" in text_of(olga_client.get(reverse(LIST)))
        assert not Departure.objects.exists()

    def test_a_claim_that_waits_for_a_seat_can_be_ended(self, olga_client):
        redemption = a_redemption(ANA)
        assert re.findall(r'formaction="([^"]+)"', text_of(olga_client.get(reverse(LIST)))) == [
            one(redemption, "end_claim")
        ]
        answer = olga_client.get(one(redemption, "end_claim"))
        assert rows_of(answer)[0][2:] == ["–", "Does not wait for a seat any more; the code can be used again."]
        assert "End 1 claim</button>" in text_of(answer)
        confirm(olga_client, "end_claim", answer)
        assert "Ended: they wait for a seat no more." in text_of(olga_client.get(reverse(LIST)))
        redemption.refresh_from_db(), redemption.code.refresh_from_db()
        assert (redemption.state, redemption.code.uses_held) == ("refused", 0)
        assert AuditEvent.objects.get(action="redemption_refused").actor == OLGA
        assert one(redemption, "end_claim") not in text_of(olga_client.get(reverse(LIST)))

    def test_the_page_says_when_its_code_stays_used(self, olga_client):
        redemption = a_redemption(ANA)
        a_grant(redemption, GrantState.ENDED)
        answer = olga_client.get(one(redemption, "end_claim"))
        assert rows_of(answer)[0][3] == "Does not wait for a seat any more; the code stays used."

    def test_who_got_a_seat_meanwhile_keeps_the_claim(self, olga_client):
        redemption = a_redemption(ANA)
        answer = olga_client.get(one(redemption, "end_claim"))
        a_grant(redemption, GrantState.RESERVED)
        confirm(olga_client, "end_claim", answer)
        assert "changed meanwhile; look again" in text_of(olga_client.get(reverse(LIST)))
        answer = olga_client.get(one(redemption, "end_claim"))
        assert "has a seat of ours: take that back instead" in text_of(answer)
        assert 'name="picked"' not in text_of(answer)

    def test_what_cannot_be_done_has_no_button(self, olga_client):
        ended = an_ended(at=timezone.now())
        answer = text_of(olga_client.get(one(ended, "take_back")))
        assert "holds no seat" in answer
        assert 'name="picked"' not in answer

    def test_the_back_of_another_site_is_not_followed(self, olga_client):
        redemption = a_seated(GrantState.JOINED)
        answer = olga_client.post(one(redemption, "take_back"), {"next": "https://evil.example/"})
        assert "evil.example" not in text_of(answer)
        assert confirm(olga_client, "take_back", answer, next="//evil.example/").url == reverse(LIST)


@pytest.mark.django_db(transaction=True)
class TestMany:
    def test_each_is_listed_and_each_gets_a_result(self, olga_client):
        people = [a_seated(GrantState.JOINED, email=f"p{n}@example.com") for n in range(3)]
        people.append(an_ended(at=timezone.now(), email="gone@example.com"))
        answer = choose(olga_client, "take_back", people)
        assert [row[0] for row in rows_of(answer)] == [person.email for person in people]
        assert "Take back 3 seats" in text_of(answer)
        assert "1 person stays as they are." in text_of(answer)
        done = confirm(olga_client, "take_back", answer)
        assert "Started for 3 of 3." in text_of(done)
        assert [row[1] for row in rows_of(done)] == ["Started: the seat is being taken back."] * 3
        assert Departure.objects.filter(reason="taken_back").count() == 3

    def test_moving_shows_where_to_and_holds_nothing(self, olga_client):
        lost = a_team(name="Lost", held=3, workspace_state=Team.Workspace.SUSPENDED)
        people = [seated_in(lost, f"p{n}@example.com") for n in range(3)]
        room = a_team(name="Room", seats=4, held=2)
        answer = choose(olga_client, "reseat", people)
        assert [row[2:] for row in rows_of(answer)] == [
            [str(lost), f"→ {room}"],
            [str(lost), f"→ {room}"],
            [str(lost), "no seat free"],
        ]
        assert "Re-seat 2 people" in text_of(answer)
        room.refresh_from_db()
        assert (room.seats_held, SeatGrant.objects.live().filter(team=lost).count()) == (2, 3)
        confirm(olga_client, "reseat", answer)
        room.refresh_from_db()
        assert room.seats_held == 4
        assert set(SeatGrant.objects.live().filter(team=room).values_list("email", flat=True)) == {
            "p0@example.com",
            "p1@example.com",
        }
        assert SeatGrant.objects.live().get(team=lost).email == "p2@example.com", "nobody is moved out into nothing"

    def test_a_full_pool_since_then_moves_nobody(self, olga_client):
        lost = a_team(name="Lost", held=2, workspace_state=Team.Workspace.SUSPENDED)
        people = [seated_in(lost, f"p{n}@example.com") for n in range(2)]
        room = a_team(name="Room", seats=4)
        answer = choose(olga_client, "reseat", people)
        Team.objects.filter(pk=room.pk).update(is_enabled=False)
        done = confirm(olga_client, "reseat", answer)
        assert [row[1] for row in rows_of(done)] == ["no seat free"] * 2
        assert SeatGrant.objects.live().filter(team=lost).count() == 2

    def test_confirming_twice_moves_once(self, olga_client):
        lost = a_team(name="Lost", held=2, workspace_state=Team.Workspace.SUSPENDED)
        people = [seated_in(lost, f"p{n}@example.com") for n in range(2)]
        a_team(name="Room", seats=4)
        a_team(name="More", seats=4)
        answer = choose(olga_client, "reseat", people)
        confirm(olga_client, "reseat", answer)
        before = list(SeatGrant.objects.live().order_by("pk").values_list("pk", "team_id"))
        again = confirm(olga_client, "reseat", answer)
        assert [row[1] for row in rows_of(again)] == ["changed meanwhile; look again"] * 2
        assert list(SeatGrant.objects.live().order_by("pk").values_list("pk", "team_id")) == before
        assert not Departure.objects.filter(reason="reseated").exists()

    def test_a_bound_one_stays_in_its_living_team(self, olga_client):
        team = a_team(name="Bound", held=1)
        redemption = seated_in(team, ANA, bound_team=team)
        a_team(name="Room")
        answer = choose(olga_client, "reseat", [redemption])
        assert rows_of(answer)[0][3] == "may sit in this Team only"
        assert 'name="picked"' not in text_of(answer)

    def test_leaving_a_living_team_comes_first(self, olga_client):
        team = a_team(name="Old", held=1)
        redemption = seated_in(team, ANA)
        room = a_team(name="Room")
        answer = choose(olga_client, "reseat", [redemption])
        assert rows_of(answer)[0][3] == f"leaves first, then → {room}"

    def test_all_of_one_team_by_a_link(self, olga_client):
        lost = a_team(name="Lost", held=2, workspace_state=Team.Workspace.SUSPENDED)
        for n in range(2):
            seated_in(lost, f"p{n}@example.com")
        a_seated(GrantState.JOINED, email="elsewhere@example.com")
        answer = olga_client.get(many("reseat"), {"team": lost.pk})
        assert [row[0] for row in rows_of(answer)] == ["p0@example.com", "p1@example.com"]

    @pytest.mark.parametrize("team", ["", "x", "9" * 30, "-1"])
    def test_a_link_that_names_no_team_leads_to_the_list(self, olga_client, team):
        a_seated(GrantState.JOINED)
        assert olga_client.get(many("reseat"), {"team": team}).url == reverse(LIST)

    @pytest.mark.parametrize("picked", ["", "x", "1", "1:x", "²:1", "9" * 30 + ":1", "-1:1"])
    def test_nonsense_is_nobody(self, olga_client, picked):
        answer = olga_client.post(many("take_back"), {"confirmed": "yes", "picked": picked})
        assert "Started for 0 of 0." in text_of(answer)

    def test_it_asks_as_often_for_many_as_for_one(self, olga_client, django_assert_max_num_queries):
        a_team(seats=100)
        people = [a_seated(GrantState.JOINED, email=f"p{n}@example.com") for n in range(20)]
        with django_assert_max_num_queries(40) as few:
            choose(olga_client, "reseat", people[:1])
        with django_assert_max_num_queries(len(few)):
            choose(olga_client, "reseat", people)


@pytest.mark.django_db
class TestPermissions:
    @pytest.mark.parametrize("deed", ["take_back", "withdraw", "reseat", "end_claim"])
    def test_they_are_for_those_who_may_change_redemptions(self, deed):
        redemption = a_seated(GrantState.JOINED)
        clerk = a_clerk("view_redemption")
        assert clerk.get(one(redemption, deed)).status_code == 403
        assert clerk.post(many(deed), {"confirmed": "yes", "picked": "1:1"}).status_code == 403
        assert clerk.post(reverse("admin:redemption_end", args=[redemption.pk])).status_code == 403
        assert clerk.post(reverse("admin:redemptions_pause"), {"open": "off"}).status_code == 403
        answer = text_of(clerk.get(reverse(LIST)))
        assert "formaction" not in answer
        assert "take_back" not in answer
        assert "Pause redemptions" not in answer
        assert not Departure.objects.exists()
        assert IS_OPEN.get()

    def test_a_page_from_elsewhere_cannot_press_them(self, olga):
        redemption = a_seated(GrantState.JOINED)
        grant = redemption.grants.get()
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(olga)
        sent = {"confirmed": "yes", "picked": f"{redemption.pk}:{grant.pk}", "open": "off", "permanent": "yes"}
        for page in (many("take_back"), reverse("admin:redemptions_pause"), one(redemption, "end")):
            assert strict.post(page, sent).status_code == 403
        assert not Departure.objects.exists()
        assert IS_OPEN.get()


@pytest.mark.django_db(transaction=True)
class TestEnd:
    def change(self, client, redemption, **fields):
        answer = client.post(one(redemption, "end"), fields)
        assert answer.url == reverse(PAGE, args=[redemption.pk])
        redemption.refresh_from_db()
        return text_of(client.get(answer.url))

    def test_a_time_is_read_in_the_operators_zone(self, olga_client, settings):
        redemption = a_seated(GrantState.JOINED, ends_at=timezone.now() + HOUR)
        year = timezone.now().year + 1
        shown = self.change(olga_client, redemption, ends_at=f"{year}-03-02T14:30")
        zone = timezone.get_default_timezone()
        assert redemption.ends_at == datetime(year, 3, 2, 14, 30, tzinfo=zone)
        assert f"{ANA} may stay until {year}-03-02 14:30." in shown
        event = AuditEvent.objects.get(action="seat_end_changed")
        assert event.actor == OLGA
        assert f"→ {year}-03-02 14:30" in shown

    def test_days_are_added_to_the_end_that_stands(self, olga_client):
        end = timezone.now() + 3 * HOUR
        redemption = a_seated(GrantState.JOINED, ends_at=end)
        self.change(olga_client, redemption, days="7")
        assert redemption.ends_at == end + timedelta(days=7)

    def test_days_after_an_end_in_the_past_count_from_now(self, olga_client):
        redemption = a_seated(GrantState.JOINED, ends_at=timezone.now() - timedelta(days=9))
        self.change(olga_client, redemption, days="1")
        assert abs(redemption.ends_at - timezone.now() - timedelta(days=1)) < timedelta(minutes=1)

    def test_it_can_be_made_permanent(self, olga_client):
        redemption = a_seated(GrantState.JOINED, ends_at=timezone.now() + HOUR, seat_time=HOUR)
        shown = self.change(olga_client, redemption, permanent="yes")
        assert (redemption.ends_at, redemption.seat_time) == (None, None)
        assert f"{ANA} may stay without an end." in shown
        assert "Make permanent" not in shown

    @pytest.mark.parametrize(
        "fields",
        [{}, {"ends_at": "soon"}, {"ends_at": "2020-01-01T00:00"}, {"ends_at": "9999-01-01T00:00"}, {"days": "-1"}],
    )
    def test_nothing_else_is_an_end(self, olga_client, fields):
        end = timezone.now() + HOUR
        redemption = a_seated(GrantState.JOINED, ends_at=end)
        assert "Write a time to come, at most ten years ahead." in self.change(olga_client, redemption, **fields)
        assert redemption.ends_at == end
        assert not AuditEvent.objects.exists()

    def test_one_that_is_over_has_no_end_to_change(self, olga_client):
        redemption = an_ended(at=timezone.now())
        assert one(redemption, "end") not in text_of(olga_client.get(reverse(PAGE, args=[redemption.pk])))
        assert "is over already" in self.change(olga_client, redemption, permanent="yes")


@pytest.mark.django_db(transaction=True)
class TestPause:
    SAID = "Redemptions are paused right now. Your code has not been used; please submit it again later."

    def switch(self, client, **fields):
        return client.post(reverse("admin:redemptions_pause"), fields)

    def test_it_stops_new_claims_and_says_so_everywhere(self, olga_client, client):
        a_team()
        code = a_code(CODE)
        assert self.switch(olga_client, open="off").url == reverse(LIST)
        event = AuditEvent.objects.get(action="setting_changed")
        assert (event.object_id, event.actor) == ("invites.is_open", OLGA)
        assert "Redemptions are paused" in text_of(olga_client.get(reverse("admin:index")))
        assert "Resume redemptions" in text_of(olga_client.get(reverse(LIST)))
        client.cookies["django_language"] = "en"
        assert f'<p class="warn" role="status">{self.SAID}</p>' in text_of(client.get("/"))
        answer = client.post("/", {"email": ANA, "code": code.dashed})
        assert (answer.status_code, answer["Retry-After"]) == (503, "600")
        assert f'<p class="bad" role="alert">{self.SAID}</p>' in text_of(answer)
        assert text_of(answer).count(self.SAID) == 1
        assert f'value="{ANA}"' in text_of(answer)
        assert f'value="{code.dashed}"' in text_of(answer)
        self.switch(olga_client, open="on")
        assert self.SAID not in text_of(client.get("/"))
        assert client.post("/", {"email": ANA, "code": code.dashed}).status_code == 302

    def test_in_chinese_it_reads_as_written(self, olga_client, client):
        self.switch(olga_client, open="off")
        assert "现在暂停兑换。你的邀请码没有被使用，请晚些时候再提交。" in text_of(client.get("/"))

    def test_programs_are_told_too(self, olga_client, client):
        a_team()
        code = a_code(CODE)
        self.switch(olga_client, open="off")
        sent = {"email": ANA, "code": code.code}
        answer = client.post("/api/redemptions", sent, content_type="application/json")
        assert (answer.status_code, answer.json()["error_code"], answer["Retry-After"]) == (503, "paused", "600")

    def test_who_has_a_seat_still_sees_their_page(self, olga_client, client):
        a_team()
        redemption = redeem.redeem(email=ANA, code=a_code(CODE).code)
        self.switch(olga_client, open="off")
        assert client.post("/", {"email": ANA, "code": CODE}).url == reverse("status", args=[redemption.public_id])
        assert client.post("/", {"email": SAM, "code": CODE}).status_code == 422

    def test_the_days_of_reclaiming_are_set_here_too(self, olga_client):
        self.switch(olga_client, days="14")
        assert RECLAIM_AFTER_DAYS.get() == 14
        for days in ("366", "-1", "x", ""):
            self.switch(olga_client, days=days)
            assert "Between 0 and 365 days." in text_of(olga_client.get(reverse(LIST)))
        assert RECLAIM_AFTER_DAYS.get() == 14
        assert IS_OPEN.get()

    def test_a_link_alone_changes_nothing(self, olga_client):
        assert olga_client.get(reverse("admin:redemptions_pause"), {"open": "off"}).status_code == 302
        assert not Setting.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestAllowed:
    ADD = "admin:teampool_allowedmember_add"

    def add(self, client, **fields):
        return client.post(reverse(self.ADD), fields)

    def test_someone_is_allowed_in_one_team_or_in_all(self, olga_client):
        team = a_team(name="Berlin")
        assert self.add(olga_client, email=" Sam@Example.com", team=str(team), note="a guest").url == reverse(ALLOWED)
        self.add(olga_client, email=ANA)
        answer = text_of(olga_client.get(reverse(ALLOWED)))
        for said in (SAM, str(team), "a guest", OLGA, ANA, "All"):
            assert said in answer, said
        assert set(AllowedMember.objects.values_list("email", "team", "origin")) == {
            (SAM, team.pk, "operator"),
            (ANA, None, "operator"),
        }
        assert AuditEvent.objects.filter(action="person_allowed", actor=OLGA).count() == 2

    @pytest.mark.parametrize(
        ("fields", "complaint"),
        [
            ({"email": ""}, "This field is required."),
            ({"email": "sam"}, "The e-mail is not valid."),
            ({"email": SAM, "team": "nobody"}, "There is no such Team."),
        ],
    )
    def test_a_mistake_stands_at_its_field_and_the_rest_is_kept(self, olga_client, fields, complaint):
        answer = text_of(self.add(olga_client, note="kept", **fields))
        assert complaint in answer
        assert 'value="kept"' in answer
        assert not AllowedMember.objects.exists()

    def test_ending_lists_who_first(self, olga_client):
        person = AllowedMember.objects.create(email=SAM, origin="operator", team=a_team(name="Berlin"))
        kept = AllowedMember.objects.create(email=ANA, origin="baseline")
        chosen = {"action": "end", "_selected_action": [person.pk]}
        answer = olga_client.post(reverse(ALLOWED), chosen)
        assert [row[0] for row in rows_of(answer)] == [SAM]
        assert "End 1 exception" in text_of(answer)
        assert AllowedMember.objects.count() == 2
        assert olga_client.post(reverse(ALLOWED), chosen | {"confirmed": "yes"}).status_code == 302
        assert list(AllowedMember.objects.all()) == [kept]
        assert AuditEvent.objects.get().action == "person_disallowed"
        assert "1 exception ended." in text_of(olga_client.get(reverse(ALLOWED)))

    def test_rows_are_not_edited(self, olga_client):
        person = AllowedMember.objects.create(email=SAM, origin="operator")
        page = reverse("admin:teampool_allowedmember_change", args=[person.pk])
        assert olga_client.get(page).status_code == olga_client.post(page, {"email": ANA}).status_code == 404

    def test_looking_alone_offers_nothing(self):
        person = AllowedMember.objects.create(email=SAM, origin="operator")
        clerk = User.objects.create_user("clerk", is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="view_allowedmember"))
        client = Client()
        client.force_login(clerk)
        assert SAM in text_of(client.get(reverse(ALLOWED)))
        assert client.post(reverse(self.ADD), {"email": ANA}).status_code == 403
        client.post(reverse(ALLOWED), {"action": "end", "confirmed": "yes", "_selected_action": [person.pk]})
        assert AllowedMember.objects.count() == 1

    def test_it_asks_as_often_for_many_as_for_one(self, olga_client, django_assert_max_num_queries):
        for n in range(30):
            AllowedMember.objects.create(email=f"p{n}@example.com", origin="baseline", team=a_team())
        with django_assert_max_num_queries(12):
            olga_client.get(reverse(ALLOWED))
