from __future__ import annotations

import math
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.db.models import F
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from base.actors import Actor
from invites.codes import batches, codes, uses
from invites.models import CodeBatch, RedeemCode
from notifications.models import AuditEvent
from tests.cast import OLGA, a_batch, a_code, a_team, run_together

OLGA_HERSELF = Actor("operator", OLGA, "192.0.2.1")
SAMPLE = "7K2M9QXDVH4TB8NC"
CODE = st.text(codes.ALPHABET, min_size=codes.LENGTH, max_size=codes.LENGTH)
SEPARATOR = st.text("-‐‑–—−－_ 　\u00a0\t\n\u200b\ufeff", max_size=3)


def make(**fields):
    order = {
        "count": 3,
        "label": "",
        "team": None,
        "seat_time": None,
        "redeem_until": None,
        "max_uses": 1,
        "actor": OLGA_HERSELF,
    }
    return batches.make_batch(**(order | fields))


class TestAlphabet:
    def test_a_code_holds_at_least_80_bits(self):
        assert codes.LENGTH * math.log2(len(codes.ALPHABET)) >= 80

    def test_no_letter_is_read_as_another(self):
        assert len(set(codes.ALPHABET)) == len(codes.ALPHABET)
        assert not set("0O1Iabcdefghijklmnopqrstuvwxyz") & set(codes.ALPHABET)

    def test_every_letter_is_as_likely_as_any_other(self):
        assert set(Counter(codes._LETTER_OF_BYTE).values()) == {256 // len(codes.ALPHABET)}

    def test_drawn_codes_are_codes_and_differ(self):
        drawn = [codes.draw() for _ in range(2_000)]
        assert len(set(drawn)) == len(drawn)
        assert all(codes.normalise(code) == code for code in drawn)


class TestNormalise:
    @pytest.mark.parametrize(
        "typed",
        [
            "7k2m 9qxd vh4t b8nc",
            "7K2M-9QXD-VH4T-B8NC",
            "7k2m9qxdvh4tb8nc",
            "  7K2M – 9QXD — VH4T − B8NC\n",
            "７ｋ２ｍ－９ｑｘｄ　ＶＨ４Ｔ＿Ｂ８ＮＣ",
            "\ufeff7K2M\u200b9QXD\u00a0VH4T\u2011B8NC",
        ],
    )
    def test_capitals_dashes_spaces_and_width_do_not_matter(self, typed):
        assert codes.normalise(typed) == SAMPLE

    @pytest.mark.parametrize("typed", ["7K2I-9QXD-VH4T-B8NC", "7k2i9qxdvh4tb8nc", "7K21-9QXD-VH4T-B8NC"])
    def test_i_and_1_can_only_be_an_l(self, typed):
        assert codes.normalise(typed) == "7K2L9QXDVH4TB8NC"

    @pytest.mark.parametrize(
        "typed",
        [
            "",
            "-",
            "7K2M-9QXD-VH4T-B8N",
            "7K2M-9QXD-VH4T-B8NCC",
            "7K20-9QXD-VH4T-B8NC",
            "7K2O-9QXD-VH4T-B8NC",
            "7K2M-9QXD-VH4T-B8NC\0",
            "7K2M-9QXD-VH4T-B8N%",
            "' OR 1=1 --",
            "邀请码",
            "ßßßßßßßß",
            "\ud800",
            "7K2M9QXDVH4TB8NC" + " " * 200,
        ],
    )
    def test_anything_else_is_no_code(self, typed):
        assert codes.normalise(typed) == ""

    @given(st.text())
    def test_whatever_is_typed_gives_a_code_or_nothing_and_stays_so(self, typed):
        once = codes.normalise(typed)
        assert once == "" or (len(once) == codes.LENGTH and set(once) <= set(codes.ALPHABET))
        assert codes.normalise(once) == once

    @given(CODE, st.lists(SEPARATOR, min_size=17, max_size=17), st.lists(st.booleans(), min_size=16, max_size=16))
    def test_every_code_is_read_however_it_is_spaced_and_cased(self, code, separators, lowered):
        letters = [letter.lower() if low else letter for letter, low in zip(code, lowered, strict=True)]
        typed = separators[0] + "".join(a + b for a, b in zip(letters, separators[1:], strict=True))
        assert codes.normalise(typed) == code


class TestLettersTyped:
    def test_it_reads_a_part_of_a_code(self):
        assert codes.letters_typed("9qxd-vh") == "9QXDVH"

    def test_it_finds_nothing_in_an_address(self):
        assert codes.letters_typed("ana@example.com") == ""


@pytest.mark.django_db
class TestMakeBatch:
    def test_it_makes_different_codes_all_alike(self):
        team, until = a_team(), timezone.now() + timedelta(days=3)
        batch = make(count=20, label="春节", team=team, seat_time=timedelta(hours=24), redeem_until=until, max_uses=2)
        made = list(batch.codes.all())
        assert len({code.code for code in made}) == batch.size == 20
        assert {(c.team, c.seat_time, c.redeem_until, c.max_uses) for c in made} == {
            (team, timedelta(hours=24), until, 2)
        }
        assert {(c.uses_held, c.voided_at) for c in made} == {(0, None)}
        assert (batch.label, batch.team, batch.created_by) == ("春节", team, OLGA)

    def test_it_makes_as_many_as_asked_for_over_several_statements(self):
        batch = make(count=batches._ROWS_A_CHUNK + 1)
        assert batch.codes.count() == batches._ROWS_A_CHUNK + 1

    def test_the_audit_says_who_made_what(self):
        batch = make(count=7, label="VIP")
        event = AuditEvent.objects.get()
        assert (event.action, event.actor, event.object_id, event.object_label, event.details["count"]) == (
            "codes_made",
            OLGA,
            str(batch.pk),
            "VIP",
            7,
        )

    def test_no_code_stands_in_the_audit(self):
        batch = make()
        event = AuditEvent.objects.get()
        assert not any(code.code in str(event.details) for code in batch.codes.all())

    def test_a_code_that_exists_already_is_drawn_again(self, monkeypatch):
        a_code(SAMPLE)
        drawn = iter([SAMPLE, "A" * 16, "A" * 16, "B" * 16, "C" * 16])
        monkeypatch.setattr(batches, "draw", lambda: next(drawn))
        assert {code.code for code in make(count=3).codes.all()} == {"A" * 16, "B" * 16, "C" * 16}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("count", 0),
            ("count", 50_001),
            ("label", "长" * 61),
            ("label", "a\0b"),
            ("seat_time", timedelta(minutes=5)),
            ("seat_time", timedelta(hours=8761)),
            ("seat_time", timedelta(hours=-1)),
            ("redeem_until", timezone.now() - timedelta(days=1)),
            ("redeem_until", timezone.now() + timedelta(days=3652)),
            ("max_uses", 0),
            ("max_uses", 1_001),
        ],
    )
    def test_it_makes_nothing_out_of_bounds(self, field, value):
        with pytest.raises(batches.BadBatch) as refused:
            make(**{field: value})
        assert list(refused.value.errors) == [field]
        assert not CodeBatch.objects.exists()
        assert not AuditEvent.objects.exists()

    @pytest.mark.parametrize("hours", [0.1, 8760])
    def test_the_bounds_themselves_are_allowed(self, hours):
        assert make(seat_time=timedelta(hours=hours), label="长" * 60).codes.count() == 3

    def test_it_binds_nothing_to_an_archived_team(self):
        with pytest.raises(batches.BadBatch) as refused:
            make(team=a_team(archived_at=timezone.now()))
        assert list(refused.value.errors) == ["team"]


@pytest.mark.django_db
class TestUse:
    def test_it_counts_up_to_the_limit(self):
        code, now = a_code(max_uses=2), timezone.now()
        assert [uses.use(code_id=code.pk, now=now) for _ in range(3)] == [True, True, False]
        code.refresh_from_db()
        assert code.uses_held == 2

    def test_it_refuses_a_voided_code(self):
        now = timezone.now()
        assert not uses.use(code_id=a_code(voided_at=now).pk, now=now)

    def test_it_refuses_an_expired_code_from_the_very_moment(self):
        now = timezone.now()
        code = a_code(redeem_until=now)
        assert uses.use(code_id=code.pk, now=now - timedelta(seconds=1))
        uses.free(code_id=code.pk)
        assert not uses.use(code_id=code.pk, now=now)


@pytest.mark.django_db(transaction=True)
class TestUseAtOnce:
    def test_eight_at_once_use_exactly_what_there_is(self):
        code, now = a_code(max_uses=3), timezone.now()
        answers = run_together(*[lambda: uses.use(code_id=code.pk, now=now)] * 8)
        code.refresh_from_db()
        assert sorted(answers) == [False] * 5 + [True] * 3
        assert code.uses_held == 3

    def test_reading_before_writing_would_oversell(self):
        """The control: without the one counted statement the same race gives a code away too often."""
        code = a_code(max_uses=3)
        everyone_has_read = threading.Barrier(8)

        def read_then_write():
            row = RedeemCode.objects.get(pk=code.pk)
            everyone_has_read.wait(30)
            if row.uses_held >= row.max_uses:
                return False
            RedeemCode.objects.filter(pk=code.pk).update(uses_held=row.uses_held + 1)
            return True

        assert run_together(*[read_then_write] * 8) == [True] * 8

    def test_the_database_refuses_a_writer_that_only_counts(self):
        """The control of the control: a read check before a blind `+ 1` hits the CHECK."""
        code = a_code(max_uses=3)

        def count_blindly():
            RedeemCode.objects.filter(pk=code.pk).update(uses_held=F("uses_held") + 1)
            return True

        answers = run_together(*[count_blindly] * 8)
        assert sum(answer is True for answer in answers) == 3
        assert sum(isinstance(answer, IntegrityError) for answer in answers) == 5

    def test_a_code_is_used_or_voided_never_both(self):
        made = [a_code() for _ in range(8)]
        now = timezone.now()
        one_by_one = [lambda pk=code.pk: uses.use(code_id=pk, now=now) for code in made]
        *_, voided = run_together(*one_by_one, lambda: uses.void(codes=RedeemCode.objects.all(), actor=OLGA_HERSELF))
        both = RedeemCode.objects.filter(uses_held__gt=0, voided_at__isnull=False)
        assert not both.exists()
        assert voided + RedeemCode.objects.filter(uses_held=1).count() == 8


@pytest.mark.django_db
class TestFree:
    def test_a_freed_use_can_be_used_again(self):
        code, now = a_code(), timezone.now()
        assert uses.use(code_id=code.pk, now=now)
        uses.free(code_id=code.pk)
        assert uses.use(code_id=code.pk, now=now)

    def test_it_refuses_to_count_below_nothing(self):
        with pytest.raises(RuntimeError):
            uses.free(code_id=a_code().pk)


@pytest.mark.django_db
class TestVoid:
    def test_it_leaves_used_expired_and_voided_ones_alone(self):
        now = timezone.now()
        batch, long_ago = a_batch(label="VIP"), now - timedelta(days=1)
        used, expired = a_code(batch=batch, uses_held=1), a_code(batch=batch, redeem_until=long_ago)
        voided, unused = a_code(batch=batch, voided_at=long_ago), a_code(batch=batch)
        assert uses.void(codes=RedeemCode.objects.filter(batch=batch), actor=OLGA_HERSELF) == 1
        stood = {row.pk: row.voided_at for row in batch.codes.all()}
        assert stood.pop(unused.pk) > long_ago
        assert stood == {used.pk: None, expired.pk: None, voided.pk: long_ago}

    def test_it_takes_the_uses_left_and_no_past_one(self):
        code, used_up = a_code(max_uses=5, uses_held=1), a_code(max_uses=2, uses_held=2)
        assert uses.void(codes=RedeemCode.objects.all(), actor=OLGA_HERSELF) == 1
        code.refresh_from_db(), used_up.refresh_from_db()
        assert (code.voided_at is None, code.uses_held, used_up.voided_at) == (False, 1, None)
        assert not uses.use(code_id=code.pk, now=timezone.now())

    def test_codes_of_other_batches_stay(self):
        batch = a_code().batch
        other = a_code()
        uses.void(codes=RedeemCode.objects.filter(batch=batch), actor=OLGA_HERSELF)
        other.refresh_from_db()
        assert other.voided_at is None

    def test_the_audit_has_a_row_for_every_batch(self):
        first, second = a_batch(label="A"), a_batch(label="B")
        for batch in (first, first, second):
            a_code(batch=batch)
        uses.void(codes=RedeemCode.objects.all(), actor=OLGA_HERSELF)
        rows = AuditEvent.objects.filter(action="codes_voided").order_by("object_label")
        assert [(row.object_label, row.details["count"], row.actor) for row in rows] == [("A", 2, OLGA), ("B", 1, OLGA)]

    def test_nothing_to_void_is_no_fact(self):
        a_code(uses_held=1)
        assert uses.void(codes=RedeemCode.objects.all(), actor=OLGA_HERSELF) == 0
        assert not AuditEvent.objects.exists()
