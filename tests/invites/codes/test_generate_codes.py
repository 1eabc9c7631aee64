from __future__ import annotations

import io
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from invites.codes import batches
from invites.codes.codes import normalise
from invites.models import CodeBatch, RedeemCode
from notifications.models import AuditEvent
from tests.cast import a_team


def generate(*words):
    out = io.StringIO()
    call_command("generate_codes", *words, stdout=out)
    return out.getvalue().splitlines()


@pytest.mark.django_db
class TestGenerateCodes:
    def test_it_prints_one_code_a_line_and_nothing_else(self):
        lines = generate("3")
        assert [normalise(line) for line in lines] == list(
            RedeemCode.objects.order_by("id").values_list("code", flat=True)
        )
        assert all(len(line) == 19 for line in lines)

    def test_the_options_shape_the_batch(self):
        team = a_team()
        now = timezone.now()
        generate(
            "2", "--team", team.account_id, "--hours", "0.5", "--valid-days", "7", "--label", "春节", "--max-uses", "3"
        )
        batch = CodeBatch.objects.get()
        assert (batch.team, batch.seat_time, batch.label, batch.max_uses) == (team, timedelta(minutes=30), "春节", 3)
        assert timedelta(0) <= batch.redeem_until - now - timedelta(days=7) < timedelta(minutes=1)

    def test_the_audit_names_the_command(self):
        generate("1")
        event = AuditEvent.objects.get()
        assert (event.action, event.actor_kind, event.actor) == ("codes_made", "command", "generate_codes")

    def test_it_writes_a_file_instead(self, tmp_path):
        target = tmp_path / "codes.txt"
        target.write_text("what was there before\n")
        assert generate("2", "--output", str(target)) == []
        assert [normalise(line) for line in target.read_text().splitlines()] == list(
            RedeemCode.objects.order_by("id").values_list("code", flat=True)
        )

    def test_a_new_file_is_for_nobody_else_to_read(self, tmp_path):
        target = tmp_path / "codes.txt"
        generate("1", "--output", str(target))
        assert target.stat().st_mode & 0o777 == 0o600

    def test_a_file_that_cannot_be_written_makes_no_codes(self, tmp_path):
        with pytest.raises(CommandError, match="--output"):
            generate("2", "--output", str(tmp_path / "missing" / "codes.txt"))
        assert not RedeemCode.objects.exists()

    def test_a_bad_order_leaves_the_file_alone(self, tmp_path):
        target = tmp_path / "codes.txt"
        target.write_text("kept\n")
        with pytest.raises(CommandError):
            generate("0", "--output", str(target))
        assert target.read_text() == "kept\n"

    def test_an_order_refused_at_the_last_moment_leaves_the_file_alone_too(self, tmp_path, monkeypatch):
        def archived_meanwhile(**order):
            raise batches.BadBatch({"redeem_until": "Too late."})

        monkeypatch.setattr(batches, "make_batch", archived_meanwhile)
        target = tmp_path / "codes.txt"
        target.write_text("kept\n")
        with pytest.raises(CommandError, match="--valid-days: Too late"):
            generate("1", "--output", str(target))
        assert target.read_text() == "kept\n"

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            (["0"], "N: Between 1 and 50,000."),
            (["50001"], "N: Between 1 and 50,000."),
            (["many"], "N: Enter a whole number."),
            (["1", "--hours", "0.05"], "--hours: Between 0.1 and 8,760 hours."),
            (["1", "--hours", "nan"], "--hours: Enter a number."),
            (["1", "--hours", "1e400"], "--hours: "),
            (["1", "--valid-days", "3651"], "--valid-days: Between 1 and 3,650 days."),
            (["1", "--max-uses", "0"], "--max-uses: Between 1 and 1,000."),
            (["1", "--label", "x" * 61], "--label: At most 60 characters."),
            (["1", "--team", "nobody"], "--team: There is no such Team."),
        ],
    )
    def test_a_mistake_is_named_with_its_option(self, words, complaint):
        with pytest.raises(CommandError) as refused:
            generate(*words)
        assert str(refused.value).startswith(complaint)
        assert not CodeBatch.objects.exists()

    def test_it_binds_nothing_to_an_archived_team(self):
        team = a_team(archived_at=timezone.now())
        with pytest.raises(CommandError, match="archived"):
            generate("1", "--team", team.account_id)

    def test_two_teams_that_begin_alike_are_not_guessed_between(self):
        a_team(account_id="11111111-0000-4000-8000-000000000001")
        exact = a_team(account_id="11111111")
        with pytest.raises(CommandError, match="Several"):
            generate("1", "--team", "1111")
        generate("1", "--team", "11111111")
        assert CodeBatch.objects.get().team == exact


class TestExitCode:
    def test_a_mistake_ends_with_1_and_says_so_on_stderr_alone(self, process_env):
        done = subprocess.run(
            [sys.executable, "manage.py", "generate_codes", "0"], env=process_env, capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert "N: Between 1 and 50,000." in done.stderr
