from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from invites.codes.standing import CodeState, codes_in, count, state_of
from invites.models import RedeemCode
from tests.cast import a_code

pytestmark = pytest.mark.django_db


class TestStateOf:
    def test_python_and_the_database_agree_on_any_code(self) -> None:
        now = timezone.now()
        some = random.Random(7)
        for _ in range(60):
            most = some.randint(1, 3)
            a_code(
                max_uses=most,
                uses_held=some.choice([0, some.randint(0, most)]),
                voided_at=some.choice([None, None, now - timedelta(days=1)]),
                redeem_until=some.choice([None, now, now - timedelta(hours=1), now + timedelta(hours=1)]),
            )
        said = {code.pk: state_of(code, now) for code in RedeemCode.objects.all()}
        assert set(said.values()) == set(CodeState)
        for state in CodeState:
            found = RedeemCode.objects.filter(codes_in(state, now)).values_list("pk", flat=True)
            assert set(found) == {pk for pk, one in said.items() if one is state}
        counts = count(RedeemCode.objects.all(), now)
        assert counts.each() == [(state, list(said.values()).count(state)) for state in CodeState]
        usable = RedeemCode.objects.redeemable(now).values_list("pk", flat=True)
        assert counts.redeemable == len(usable)
