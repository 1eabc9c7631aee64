"""Thousands of random lines, own and hostile: nothing unproven is stored or sent, and no line is lost silently."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from sandbox.state import short_hash
from teampool.imports.bring_in import pack
from teampool.imports.reading.text import parse
from teampool.models import ImportLine, Owner, Team
from tests.teampool.imports.bringing import bring
from tests.teampool.imports.lines import a_paste
from tests.teampool.imports.reading.test_cutting import RT, ST, access_of
from tests.teampool.imports.test_every_door import columns_sent
from tests.teampool.imports.test_secrets import database_dump

TOKENS = ("access_token", "refresh_token", "session_token")


def made_up(number: int) -> dict[str, Any]:
    email = f"owner{number}@example.com"
    tokens = {"access_token": access_of(email), "refresh_token": f"{RT}{number}", "session_token": f"{ST}{number}"}
    return {"email": email, "client_id": "app_ExampleExample"} | tokens


class TestReading:
    @pytest.mark.parametrize("seed", range(5))
    def test_nothing_is_read_as_a_token_that_is_none_and_no_line_is_lost(self, seed: int) -> None:
        text, lines = a_paste(Random(seed), [made_up(number) for number in range(20)], 1000)
        records = parse(text)
        answered: set[int] = set()
        by_line = {number: line for line in lines for number in line.numbers}
        for record in records:
            line = by_line[record.line]
            found = {getattr(record, name) for name in TOKENS} - {""}
            assert found <= line.tokens, line.text
            kept = pack(record) + record.email + repr(record)
            assert not [secret for secret in line.secrets if secret in kept], line.text
            assert bool(found) == (record.problem == "")
            answered.update(range(record.line, record.last_line + 1))
        rows = text.split("\n")
        silent = {number for number, row in enumerate(rows, 1) if row.strip(" \t\ufeff") and number not in answered}
        # What has no result is a comment, or the header of a sheet.
        for number in silent:
            assert rows[number - 1].strip().startswith("#") or not by_line[number].tokens, rows[number - 1]

    @pytest.mark.parametrize("seed", range(3))
    def test_a_good_token_is_found(self, seed: int) -> None:
        """The other way round: what is safe is not safe because nothing is read."""
        text, lines = a_paste(Random(seed), [made_up(number) for number in range(20)], 1000)
        found = {(record.line, getattr(record, name)) for record in parse(text) for name in TOKENS}
        wanted = [line for line in lines if line.tokens]
        read = [line for line in wanted if any((at, token) in found for at in line.numbers for token in line.tokens)]
        assert len(read) > 0.97 * len(wanted), [line.text for line in wanted if line not in read][:5]


@pytest.mark.django_db(transaction=True)
class TestBroughtIn:
    @pytest.mark.parametrize(("seed", "size"), [(1, 250), pytest.param(2, 5000, marks=pytest.mark.full)])
    def test_only_what_upstream_proved_is_stored_and_no_other_column_is_sent(self, sandbox, caplog, seed, size):
        caplog.set_level("INFO")
        logins = [sandbox.workspace(f"owner{number}@example.com")["credentials"] for number in range(12)]
        text, lines = a_paste(Random(seed), logins, size)
        results = bring(text)
        book = sandbox.world.tokens
        known = {*book.access, *book.refresh, *book.sessions}
        assert columns_sent(sandbox) <= {short_hash(token) for token in known}
        assert set(Team.objects.values_list("access_token", flat=True)) <= set(book.access)
        for owner in Owner.objects.all():
            assert owner.refresh_token in {"", *book.refresh}
            assert owner.session_token in {"", *book.sessions}
        secrets = set().union(*(line.secrets for line in lines))
        kept = json.dumps(sandbox.log()) + database_dump() + caplog.text
        kept += "".join(ImportLine.objects.values_list("payload", flat=True))
        assert not [secret for secret in secrets if secret in kept]
        answered = {(line.number, line.part) for line in results}
        assert len(answered) == len(results) == len(parse(text))
        assert all(line.finished_at for line in results)
        for line in (line for line in lines if line.tokens):
            assert any(number in line.numbers for number, _part in answered), line.text
