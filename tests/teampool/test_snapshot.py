"""Whose row is the log-in's own."""

from __future__ import annotations

import pytest

from teampool.models import Owner
from teampool.snapshot import is_own_row
from teampool.upstream.types import MemberRow
from tests.cast import OMAR


def a_row(user_id: str, email: str | None) -> MemberRow:
    return MemberRow(user_id, email, "account-owner", "default", "", None, None)


class TestIsOwnRow:
    @pytest.mark.parametrize("row", [a_row("user-omar", None), a_row("user-x", OMAR)])
    def test_it_is_known_by_the_id_or_by_the_e_mail(self, row: MemberRow) -> None:
        assert is_own_row(row, Owner(email=OMAR, upstream_user_id="user-omar"))

    @pytest.mark.parametrize("email", [None, ""])
    def test_a_row_without_an_e_mail_is_not_that_of_a_log_in_without_one(self, email: str | None) -> None:
        assert not is_own_row(a_row("user-x", email), Owner(email=""))
