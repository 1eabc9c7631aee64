from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from invites.models import CodeBatch, RedeemCode
from notifications.models import AuditEvent
from tests.cast import OLGA, a_batch, a_code, a_team, noon
from tests.invites.rows import a_redemption

BATCHES = "admin:invites_codebatch_changelist"
CODES = "admin:invites_redeemcode_changelist"
SAMPLE = "7K2M9QXDVH4TB8NC"
NOW_HELD = {"uses_held": 1}


def text_of(answer):
    return answer.content.decode()


def page_of(batch, name="admin:invites_codebatch_change", **query):
    return reverse(name, args=[batch.pk], query=query or None)


def a_clerk(*permissions):
    """Staff with nothing but `permissions`."""
    clerk = User.objects.create_user("clerk", password=None, is_staff=True)
    for permission in permissions:
        clerk.user_permissions.add(Permission.objects.get(codename=permission, content_type__app_label="invites"))
    client = Client()
    client.force_login(clerk)
    return client


@pytest.fixture(autouse=True)
def english(olga_client):
    olga_client.cookies["django_language"] = "en"


@pytest.mark.django_db
class TestNewCodes:
    PAGE = "admin:new_codes"

    def order(self, client, **fields):
        return client.post(reverse(self.PAGE), {"count": "3"} | fields)

    def test_it_makes_them_and_shows_their_batch(self, olga_client):
        team = a_team(name="上海 03")
        answer = self.order(
            olga_client, label="春节", team=str(team), hours="24", valid_days="7", max_uses="2", count="5"
        )
        batch = CodeBatch.objects.get()
        assert answer.url == page_of(batch)
        assert (batch.size, batch.label, batch.team, batch.max_uses) == (5, "春节", team, 2)
        assert (batch.seat_time, batch.created_by) == (timedelta(hours=24), OLGA)

    @pytest.mark.parametrize(
        ("field", "value", "complaint"),
        [
            ("count", "", "This field is required."),
            ("count", "50001", "Between 1 and 50,000."),
            ("label", "x" * 61, "At most 60 characters."),
            ("hours", "0.01", "Between 0.1 and 8,760 hours."),
            ("hours", "Infinity", "Enter a number."),
            ("valid_days", "3651", "Between 1 and 3,650 days."),
            ("team", "nobody", "There is no such Team."),
        ],
    )
    def test_a_mistake_stands_at_its_field_and_the_rest_is_kept(self, olga_client, field, value, complaint):
        answer = self.order(olga_client, **({"label": "kept", "count": "3"} | {field: value}))
        assert answer.context["order"].errors == {field: [complaint]}
        assert complaint in text_of(answer)
        assert field == "label" or 'value="kept"' in text_of(answer)
        assert not CodeBatch.objects.exists()

    def test_an_archived_team_is_not_offered_and_refused_with_the_reason(self, olga_client):
        team = a_team(name="Gone", archived_at=timezone.now())
        assert f'<option value="{team}">' not in text_of(olga_client.get(reverse(self.PAGE)))
        answer = self.order(olga_client, team=str(team))
        assert answer.context["order"].errors == {"team": ["The Team is archived and cannot be bound."]}

    @pytest.mark.parametrize(
        ("fields", "sentence", "button"),
        [
            (
                {"count": "100", "hours": "24"},
                "100 generic codes, good for 24 hours after the invitation is confirmed",
                "Make 100 codes",
            ),
            ({"count": "1"}, "1 generic code", "Make 1 code"),
            ({"count": "50000", "max_uses": "1000"}, "50,000 generic codes, 1,000 uses each", "Make 50,000 codes"),
            ({"count": "2", "hours": "72"}, "good for 3 days after", "Make 2 codes"),
            ({"count": "2", "hours": "1.5"}, "good for 90 minutes after", "Make 2 codes"),
            ({"count": "0"}, "", "Make codes"),
        ],
    )
    def test_one_sentence_sums_it_up_while_typing(self, olga_client, fields, sentence, button):
        answer = olga_client.post(reverse("admin:new_codes_summary"), fields)
        assert sentence in text_of(answer)
        assert button in text_of(answer)
        assert not CodeBatch.objects.exists()

    def test_the_sentence_names_the_team_and_the_day(self, olga_client, time_machine):
        time_machine.move_to(noon())
        team = a_team(name="上海 03")
        answer = olga_client.post(
            reverse("admin:new_codes_summary"), {"count": "2", "team": str(team), "valid_days": "1"}
        )
        assert f"2 codes bound to {team}, to be redeemed before 2026-07-16" in text_of(answer)

    def test_nothing_is_promised_for_an_archived_team(self, olga_client):
        team = a_team(archived_at=timezone.now())
        answer = olga_client.post(reverse("admin:new_codes_summary"), {"count": "2", "team": str(team)})
        assert "2 codes" not in text_of(answer)

    def test_it_is_for_those_who_may_make_codes(self):
        clerk = a_clerk("view_codebatch", "view_redeemcode")
        assert clerk.get(reverse(self.PAGE)).status_code == 403
        assert clerk.post(reverse("admin:new_codes_summary"), {"count": "1"}).status_code == 403
        assert self.order(clerk).status_code == 403
        assert not CodeBatch.objects.exists()


@pytest.mark.django_db
class TestBatches:
    def test_the_list_counts_every_state(self, olga_client):
        now = timezone.now()
        batch = a_batch(label="春节", size=6)
        for fields in ({}, {}, {}, NOW_HELD, {"voided_at": now}, {"redeem_until": now - timedelta(days=1)}):
            a_code(batch=batch, **fields)
        answer = text_of(olga_client.get(reverse(BATCHES)))
        assert re.sub(r"<[^>]+>", "", answer).count("unused 3") == 1
        for said in ("used 1", "expired 1", "void 1"):
            assert said in answer

    def test_the_list_asks_as_often_for_50_batches_as_for_one(self, olga_client, django_assert_max_num_queries):
        for _ in range(50):
            a_code(team=a_team())
        with django_assert_max_num_queries(9):
            olga_client.get(reverse(BATCHES))

    def test_an_empty_list_leads_to_the_page_that_makes_codes(self, olga_client):
        answer = text_of(olga_client.get(reverse(BATCHES)))
        assert "There are no codes yet." in answer
        assert f'href="{reverse("admin:new_codes")}"' in answer

    def test_a_label_is_text_everywhere(self, olga_client):
        batch = a_batch(label="<script>alert(1)</script>")
        a_code(batch=batch)
        for page in (reverse(BATCHES), reverse(CODES), page_of(batch), page_of(batch, "admin:batch_void")):
            assert "<script>alert(1)" not in text_of(olga_client.get(page)), page

    def test_nothing_is_added_changed_or_deleted_by_the_forms_of_the_admin(self, olga_client):
        batch = a_code().batch
        assert olga_client.get(reverse("admin:invites_codebatch_add")).status_code == 403
        assert olga_client.post(reverse("admin:invites_redeemcode_add"), {"code": SAMPLE}).status_code == 403
        assert olga_client.post(reverse("admin:invites_codebatch_delete", args=[batch.pk])).status_code == 404
        assert CodeBatch.objects.filter(pk=batch.pk).exists()


@pytest.mark.django_db
class TestBatchPage:
    def test_it_shows_codes_states_and_who_used_them(self, olga_client):
        batch = a_batch(label="VIP")
        used, unused = a_code(SAMPLE, batch=batch, uses_held=1), a_code(batch=batch)
        redemption = a_redemption("ana@example.com", code=used)
        answer = text_of(olga_client.get(page_of(batch)))
        assert "7K2M-9QXD-VH4T-B8NC" in answer
        assert unused.dashed in answer
        assert (
            f'<a href="{reverse("admin:invites_redemption_change", args=[redemption.pk])}">ana@example.com</a>'
            in answer
        )

    def test_a_refused_redemption_does_not_count_as_the_user(self, olga_client):
        code = a_code()
        a_redemption("ana@example.com", code=code, state="refused")
        assert "ana@example.com" not in text_of(olga_client.get(page_of(code.batch)))

    def test_it_turns_pages_of_fifty(self, olga_client):
        batch = a_batch(size=120)
        for _ in range(120):
            a_code(batch=batch)
        sizes = [len(olga_client.get(page_of(batch, p=n)).context["rows"]) for n in (1, 2, 3)]
        assert sizes == [50, 50, 20]

    def test_it_narrows_to_a_state(self, olga_client):
        batch = a_batch()
        used = a_code(batch=batch, uses_held=1)
        a_code(batch=batch)
        answer = olga_client.get(page_of(batch, state="used"))
        assert len(answer.context["rows"]) == 1
        assert used.dashed in text_of(answer)

    def test_it_asks_as_often_for_a_full_page_as_for_one_code(self, olga_client, django_assert_max_num_queries):
        batch = a_batch()
        for n in range(60):
            a_redemption(f"ana{n}@example.com", code=a_code(batch=batch, uses_held=1))
        with django_assert_max_num_queries(9):
            olga_client.get(page_of(batch))

    @pytest.mark.parametrize("key", ["999999", "x", "9" * 40])
    def test_an_unknown_batch_is_not_found(self, olga_client, key):
        assert olga_client.get(reverse("admin:invites_codebatch_change", args=[key])).status_code == 404

    def test_a_visitor_is_sent_to_the_log_in(self):
        answer = Client().get(page_of(a_code().batch))
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("admin:login"))


@pytest.mark.django_db
class TestUnused:
    def test_the_script_gets_the_unused_ones_bare(self, olga_client):
        batch = a_batch()
        first = a_code(batch=batch)
        a_code(batch=batch, uses_held=1)
        a_code(batch=batch, voided_at=timezone.now())
        a_code(batch=batch, redeem_until=timezone.now())
        last = a_code(batch=batch)
        answer = olga_client.get(page_of(batch, "admin:batch_unused"), headers={"Accept": "text/plain"})
        assert answer["Content-Type"].startswith("text/plain")
        assert text_of(answer) == f"{first.dashed}\n{last.dashed}"

    def test_without_a_script_they_stand_in_a_text_box(self, olga_client):
        code = a_code()
        answer = text_of(olga_client.get(page_of(code.batch, "admin:batch_unused")))
        assert re.search(rf"<textarea[^>]*>{code.dashed}</textarea>", answer)

    @pytest.mark.parametrize(("size", "is_offered"), [(2_000, True), (2_001, False)])
    def test_more_than_2000_are_for_the_file(self, olga_client, size, is_offered):
        batch = a_batch(size=size)
        RedeemCode.objects.bulk_create(RedeemCode(code=f"{n:016}", batch=batch) for n in range(size))
        answer = text_of(olga_client.get(page_of(batch)))
        assert ("Copy unused" in answer) is is_offered
        assert ("More than 2,000 unused codes: export them." in answer) is not is_offered


@pytest.mark.django_db
class TestExport:
    def export(self, client, batch):
        answer = client.post(page_of(batch, "admin:batch_export"))
        body = b"".join(answer.streaming_content)
        assert body.startswith(b"\xef\xbb\xbf")
        return list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))

    def test_every_code_has_a_row(self, olga_client):
        team = a_team(name="上海 03")
        batch = a_batch(label="春节", team=team, seat_time=timedelta(hours=24), size=2)
        used, unused = a_code(batch=batch, uses_held=1), a_code(batch=batch)
        a_redemption("ana@example.com", code=used)
        header, *rows = self.export(olga_client, batch)
        assert header[:3] == ["Code", "State", "Used by"]
        assert [row[:3] for row in rows] == [[used.dashed, "used", "ana@example.com"], [unused.dashed, "unused", ""]]
        assert rows[0][4:7] == ["春节", "bound, temporary 24 hours", str(team)]

    @pytest.mark.parametrize(
        "label", ["=cmd|'/c calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1+1", "＠SUM(A1)"]
    )
    def test_a_label_is_no_formula(self, olga_client, label):
        batch = a_batch(label=label)
        a_code(batch=batch)
        assert self.export(olga_client, batch)[1][4] == f"'{label}"

    def test_nor_is_what_follows_a_line_break_in_it(self, olga_client):
        batch = a_batch(label="\r=1")
        a_code(batch=batch)
        assert self.export(olga_client, batch)[1][4] == "'\r'=1"

    def test_an_address_is_no_formula(self, olga_client):
        code = a_code(uses_held=1)
        a_redemption("=1+1@example.com", code=code)
        assert self.export(olga_client, code.batch)[1][2] == "'=1+1@example.com"

    def test_commas_quotes_and_line_breaks_stay_in_their_cell(self, olga_client):
        batch = a_batch(label='a,"b"\nc')
        a_code(batch=batch)
        assert self.export(olga_client, batch)[1][4] == 'a,"b"\nc'

    def test_the_audit_says_who_took_them(self, olga_client):
        batch = a_batch(label="VIP", size=1)
        a_code(batch=batch)
        self.export(olga_client, batch)
        event = AuditEvent.objects.get()
        assert (event.action, event.actor, event.object_label, event.details) == (
            "codes_exported",
            OLGA,
            "VIP",
            {"count": 1},
        )

    def test_a_link_alone_exports_nothing(self, olga_client):
        batch = a_code().batch
        assert olga_client.get(page_of(batch, "admin:batch_export")).url == page_of(batch)
        assert not AuditEvent.objects.exists()


@pytest.mark.django_db
class TestVoidBatch:
    def a_batch_in_use(self):
        batch = a_batch(label="VIP", size=4)
        return batch, [a_code(batch=batch, **fields) for fields in (NOW_HELD, NOW_HELD, {}, {}, {})]

    def test_the_page_says_exactly_what_will_happen(self, olga_client):
        batch, made = self.a_batch_in_use()
        answer = text_of(olga_client.get(page_of(batch, "admin:batch_void")))
        assert "Void 3 unused codes (the 2 used ones are not affected)" in answer
        assert [code.dashed in answer for code in made] == [False, False, True, True, True]
        assert not RedeemCode.objects.filter(voided_at__isnull=False).exists()

    def test_the_button_voids_the_unused_ones_alone(self, olga_client):
        batch, made = self.a_batch_in_use()
        other = a_code()
        answer = olga_client.post(page_of(batch, "admin:batch_void"), follow=True)
        assert "3 codes voided." in text_of(answer)
        for code in (*made, other):
            code.refresh_from_db()
        assert [code.voided_at is not None for code in (*made, other)] == [False, False, True, True, True, False]
        assert AuditEvent.objects.get().details == {"count": 3}

    def test_a_second_press_finds_nothing_left(self, olga_client):
        batch, _made = self.a_batch_in_use()
        page = page_of(batch, "admin:batch_void")
        olga_client.post(page)
        assert "No unused code was left to void." in text_of(olga_client.post(page, follow=True))
        assert AuditEvent.objects.count() == 1

    def test_without_unused_codes_there_is_no_button(self, olga_client):
        batch = a_code(uses_held=1).batch
        assert "There is no unused code to void." in text_of(olga_client.get(page_of(batch, "admin:batch_void")))
        assert page_of(batch, "admin:batch_void") not in text_of(olga_client.get(page_of(batch)))

    def test_a_used_code_with_uses_left_is_voided_too(self, olga_client):
        batch = a_batch(label="VIP", size=3, max_uses=2)
        left, fresh, used_up = (a_code(batch=batch, max_uses=2, uses_held=held) for held in (1, 0, 2))
        assert "Void those with uses left" in text_of(olga_client.get(page_of(batch)))
        answer = text_of(olga_client.get(page_of(batch, "admin:batch_void")))
        assert "Void 2 codes with uses left (nobody who used one is affected)" in answer
        assert "used 1<" in answer.replace("</td>", "<"), "the one used up"
        assert [code.dashed in answer for code in (left, fresh, used_up)] == [True, True, False]
        assert "2 codes voided." in text_of(olga_client.post(page_of(batch, "admin:batch_void"), follow=True))

    def test_it_is_for_those_who_may_change_codes(self):
        batch, _made = self.a_batch_in_use()
        clerk = a_clerk("view_codebatch", "view_redeemcode")
        assert page_of(batch, "admin:batch_void") not in text_of(clerk.get(page_of(batch)))
        assert clerk.post(page_of(batch, "admin:batch_void")).status_code == 403
        assert not RedeemCode.objects.filter(voided_at__isnull=False).exists()


@pytest.mark.django_db
class TestSingleCodes:
    def found(self, client, **query):
        return [code.code for code in client.get(reverse(CODES), query).context["cl"].result_list]

    @pytest.mark.parametrize(
        "typed", ["7k2m 9qxd vh4t b8nc", "7K2M-9QXD-VH4T-B8NC", "７ｋ２ｍ９ｑｘｄ", "9qxd-vh4t", SAMPLE]
    )
    def test_a_code_is_found_however_it_is_typed(self, olga_client, typed):
        a_code(SAMPLE)
        a_code()
        assert self.found(olga_client, q=typed) == [SAMPLE]

    @pytest.mark.parametrize("typed", ["no such code!", "0000", "%", "_"])
    def test_what_is_no_code_finds_none(self, olga_client, typed):
        a_code(SAMPLE)
        assert self.found(olga_client, q=typed) == []

    def test_it_narrows_to_a_state(self, olga_client):
        now = timezone.now()
        of = {
            "unused": a_code(redeem_until=now + timedelta(days=1)),
            "used": a_code(uses_held=1, redeem_until=now - timedelta(days=1)),
            "expired": a_code(redeem_until=now - timedelta(days=1)),
            "void": a_code(voided_at=now, redeem_until=now - timedelta(days=1)),
        }
        assert {state: self.found(olga_client, state=state) for state in of} == {
            state: [code.code] for state, code in of.items()
        }
        assert len(self.found(olga_client, state="nonsense")) == 4

    @pytest.mark.parametrize("state", ["unused", "used", "expired", "void"])
    def test_the_badge_agrees_with_the_filter(self, olga_client, state):
        now = timezone.now()
        a_code()
        a_code(uses_held=1, redeem_until=now)
        a_code(redeem_until=now)
        a_code(voided_at=now, redeem_until=now)
        answer = text_of(olga_client.get(reverse(CODES), {"state": state}))
        assert re.findall(r"</span>\s*(Unused|Used|Expired|Void)\s*</span>", answer) == [state.title()]

    def test_it_asks_as_often_for_50_codes_as_for_one(self, olga_client, django_assert_max_num_queries):
        for n in range(60):
            a_redemption(f"ana{n}@example.com", code=a_code(uses_held=1))
        with django_assert_max_num_queries(9):
            olga_client.get(reverse(CODES))

    def test_one_code_is_the_list_narrowed_to_it(self, olga_client):
        code = a_code(SAMPLE)
        answer = olga_client.get(reverse("admin:invites_redeemcode_change", args=[code.pk]))
        assert answer.url == f"{reverse(CODES)}?q={code.dashed}"

    def test_it_names_three_of_many_users(self, olga_client):
        code = a_code(max_uses=9, uses_held=5)
        for n in range(5):
            a_redemption(f"ana{n}@example.com", code=code)
        answer = text_of(olga_client.get(reverse(CODES)))
        assert [f"ana{n}@example.com" in answer for n in range(5)] == [True] * 3 + [False] * 2
        assert "</a> +2" in answer
        assert "Used 5/9" in answer


@pytest.mark.django_db
class TestVoidPicked:
    def press(self, client, picked, query="", **extra):
        data = {"action": "void_codes", "_selected_action": [code.pk for code in picked], "index": "0"} | extra
        return client.post(reverse(CODES) + query, data)

    def confirmed(self, answer):
        return {name: value for name, value in answer.context["kept"] if name == "confirmed"}

    def test_first_it_only_says_what_will_happen(self, olga_client):
        unused, used = a_code(), a_code(uses_held=1)
        answer = self.press(olga_client, [unused, used])
        assert "Void 1 unused code (the 1 used one is not affected)" in text_of(answer)
        assert not RedeemCode.objects.filter(voided_at__isnull=False).exists()

    def test_then_it_voids_the_picked_unused_ones_alone(self, olga_client):
        unused, used, other = a_code(), a_code(uses_held=1), a_code()
        answer = self.press(olga_client, [unused, used], **self.confirmed(self.press(olga_client, [unused, used])))
        assert answer.status_code == 302
        assert list(RedeemCode.objects.filter(voided_at__isnull=False)) == [unused]
        assert other.voided_at is None

    def test_all_that_the_list_shows_does_not_include_codes_made_meanwhile(self, olga_client):
        shown = [a_code("A" * 8 + f"{n:08}") for n in range(3)]
        query = "?q=AAAAAAAA"
        outside = a_code("B" * 16)
        confirmed = self.confirmed(self.press(olga_client, shown[:1], query, select_across="1"))
        later = a_code("A" * 16)
        self.press(olga_client, shown[:1], query, select_across="1", **confirmed)
        voided = set(RedeemCode.objects.filter(voided_at__isnull=False))
        assert voided == set(shown)
        assert not {outside, later} & voided

    def test_it_is_for_those_who_may_change_codes(self):
        code = a_code()
        self.press(a_clerk("view_redeemcode"), [code], confirmed=str(code.pk))
        code.refresh_from_db()
        assert code.voided_at is None
