"""Refresh tokens with their client id, without it, or with a wrong one; what may take the place of what is stored."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest
from django.utils import timezone

from sandbox.clients import CODEX, IOS, PLATFORM, USUAL, WEB
from teampool.imports import bring_in, jobs, who
from teampool.imports.worker import work
from teampool.login import token_chain
from teampool.models import ImportLine, Owner, Team
from tests.cast import an_owner, import_sandbox_team, run_together
from tests.teampool.imports.bringing import ACTOR, State, bring_one, csv_line, finish

pytestmark = pytest.mark.django_db(transaction=True)

# As other programs write a log-in: the refresh token alone, or beside empty fields.
ALONE = [
    lambda login: f"{login['email']}----{login['refresh_token']}",
    lambda login: json.dumps(
        {
            "type": "codex",
            "email": login["email"],
            "access_token": "",
            "refresh_token": login["refresh_token"],
            "id_token": "",
            "account_id": "",
        }
    ),
    lambda login: login["refresh_token"],
]


@pytest.fixture
def omar(sandbox):
    """Omar's log-in, as the web session shows it, with a refresh token of the Codex client."""
    return sandbox.workspace("omar@example.com")["credentials"]


def tried(sandbox) -> list[str]:
    return [entry["client_id"] for entry in sandbox.log(op="token")]


def check_attempts(sandbox) -> None:
    """No refresh token was sent twice under one client id, and none under the web client's."""
    sent = Counter((entry["body"]["refresh_token"], entry["client_id"]) for entry in sandbox.log(op="token"))
    assert all(times == 1 for times in sent.values()), sent
    assert WEB not in {client_id for _token, client_id in sent}


class TestWithoutAClientId:
    @pytest.mark.parametrize("write", ALONE)
    @pytest.mark.parametrize("client_id", USUAL)
    def test_the_usual_ones_are_tried_in_their_order_until_one_fits(self, sandbox, omar, write, client_id):
        login = sandbox.token_set("omar@example.com", client_id)
        line = bring_one(write(login))
        assert (line.state, line.reason, line.renews_itself) == (State.CREATED, "", True)
        assert tried(sandbox) == list(USUAL[: USUAL.index(client_id) + 1])
        owner = Owner.objects.get()
        assert (owner.client_id, owner.client_state, owner.is_proven) == (client_id, "proven", True)
        assert owner.refresh_token == token_chain.newest(login["refresh_token"]) != login["refresh_token"]

    @pytest.mark.parametrize("said", ["token_expired", "invalid_client", "unauthorized_client"])
    def test_when_none_fits_it_says_so_and_keeps_the_token_for_the_retry(self, sandbox, omar, said):
        sandbox.shape(wrong_client=said)
        sandbox.fault("token", {"status": 401, "body": {"error": {"code": said}}}, times=0)
        line = bring_one(f"{omar['email']}----{omar['refresh_token']}")
        assert (line.state, line.reason) == (State.FAILED, "client_missing")
        assert bring_in.unpack(line).refresh_token == omar["refresh_token"]
        assert tried(sandbox) == list(USUAL)
        assert not Owner.objects.exists()
        # The same again sends nothing: each was tried.
        assert bring_one(f"{omar['email']}----{omar['refresh_token']}").reason == "client_missing"
        check_attempts(sandbox)
        # The right one given later works.
        sandbox.clear_faults()
        given = bring_one(csv_line(omar | {"client_id": "app_OfItsOwn"}, "email", "refresh_token", "client_id"))
        assert given.reason == "client_wrong"
        check_attempts(sandbox)

    def test_an_id_that_was_refused_is_skipped_and_the_right_one_given_later_works(self, sandbox, omar):
        login = sandbox.token_set("omar@example.com", IOS)
        assert bring_one(csv_line(login | {"client_id": CODEX}, "email", "refresh_token", "client_id")).state == (
            State.FAILED
        )
        line = bring_one(csv_line(login, "email", "refresh_token", "client_id"))
        assert (line.state, line.renews_itself) == (State.CREATED, True)
        assert tried(sandbox) == [CODEX, IOS]

    @pytest.mark.parametrize("fault", ["reset_before", "reset_after", "503_html", "429", "country_403", "200_empty"])
    def test_an_unknown_outcome_ends_the_attempts(self, sandbox, omar, fault):
        login = sandbox.token_set("omar@example.com", PLATFORM)
        sandbox.fault("token", fault, nth=2)
        line = bring_one(f"{login['email']}----{login['refresh_token']}")
        assert (line.state, tried(sandbox)) == (State.FAILED, [CODEX, PLATFORM])
        assert line.reason in ("unreachable", "slow_down")
        (again,) = finish(jobs.retry_failed(job_id=line.job_id, actor=ACTOR, is_rung=False))
        # One more try under the same client id tells whether it was spent.
        assert tried(sandbox) == [CODEX, PLATFORM, PLATFORM]
        assert again.state == (State.FAILED if fault == "reset_after" else State.CREATED)

    @pytest.mark.parametrize("code", ["refresh_token_reused", "refresh_token_invalidated", "app_session_terminated"])
    def test_a_token_that_is_known_and_dead_is_tried_no_further(self, sandbox, omar, code):
        sandbox.fault("token", code)
        line = bring_one(f"{omar['email']}----{omar['refresh_token']}")
        assert (line.state, line.reason, tried(sandbox)) == (State.FAILED, "token_dead", [CODEX])
        assert bring_in.unpack(line).refresh_token == omar["refresh_token"]

    def test_the_web_client_is_not_taken_from_the_session_nor_from_its_column(self, sandbox, omar):
        login = sandbox.token_set("omar@example.com", PLATFORM)
        web = omar | {"refresh_token": login["refresh_token"], "client_id": WEB}
        line = bring_one(csv_line(web, "email", "access_token", "refresh_token", "client_id"))
        assert (line.state, line.renews_itself) == (State.CREATED, True)
        assert (tried(sandbox), Owner.objects.get().client_id) == ([CODEX, PLATFORM], PLATFORM)

    def test_beside_a_living_access_token_it_is_kept_though_none_fits(self, sandbox, omar):
        line = bring_one(
            csv_line(omar | {"refresh_token": "rt_0fSome9Other3App7token"}, "access_token", "refresh_token")
        )
        assert (line.state, line.note, line.renews_itself) == (State.CREATED, "client_missing", False)
        owner = Owner.objects.get()
        assert (owner.refresh_token, owner.client_id, owner.can_renew) == ("rt_0fSome9Other3App7token", "", False)

    def test_several_importers_at_once_try_each_id_once(self, sandbox, omar):
        sandbox.shape(reuse_revokes_grant=True)
        sandbox.set_latency(0.03)
        login = sandbox.token_set("omar@example.com", IOS)
        lines = run_together(*[lambda: bring_one(f"{login['email']}----{login['refresh_token']}")] * 4)
        assert {line.state for line in lines} <= {State.CREATED, State.UPDATED}
        check_attempts(sandbox)
        assert Owner.objects.get().refresh_token == token_chain.newest(login["refresh_token"])


class TestKilled:
    """SIGKILL at each step of the attempts; another worker takes the line over."""

    class Now(BaseException):
        pass

    @pytest.mark.parametrize("at", range(6))
    def test_the_newest_token_is_found_and_no_id_is_tried_twice_in_vain(self, sandbox, omar, monkeypatch, at):
        sandbox.shape(reuse_revokes_grant=True)
        login = sandbox.token_set("omar@example.com", PLATFORM)
        job = jobs.accept(text=f"{login['email']}----{login['refresh_token']}", actor=ACTOR, is_rung=False)
        line = job.lines.get()
        line.state, line.attempts = State.WORKING, 1
        line.save(update_fields=["state", "attempts"])
        steps = iter(range(100))

        def dying(real):
            def call(*args, **kwargs):
                if next(steps) == at:
                    raise self.Now
                return real(*args, **kwargs)

            return call

        for module, name in [
            (token_chain, "_claim"),
            (token_chain, "_let_go"),
            (token_chain, "remember"),
            (bring_in, "_finish"),
            (who, "_with_token"),
        ]:
            monkeypatch.setattr(module, name, dying(getattr(module, name)))
        with pytest.raises(self.Now):
            bring_in.bring_in_line(line, actor=ACTOR)
        monkeypatch.undo()
        # Whoever sent it is gone, and with it what it was told if it died before writing that down.
        is_lost = at == 3
        token_chain.SentToken.objects.update(lease_until=timezone.now())
        assert work(job.pk) is False
        line = ImportLine.objects.get()
        if is_lost:
            assert line.reason == "token_dead"
            return
        assert line.renews_itself
        assert line.state in (State.CREATED, State.UPDATED)
        assert Owner.objects.get().refresh_token == token_chain.newest(login["refresh_token"])


class TestWhatIsStoredAlready:
    """Nothing proven is replaced by something unproven."""

    def stored(self) -> dict[str, str]:
        return Owner.objects.values("session_token", "refresh_token", "client_id", "client_state").get()

    def test_a_given_pair_is_tried_before_it_takes_a_good_ones_place(self, sandbox, omar):
        import_sandbox_team(sandbox, sandbox.dump()["workspaces"][0]["account_id"])
        login = sandbox.token_set("omar@example.com", IOS)
        line = bring_one(csv_line(login, "access_token", "refresh_token", "client_id"))
        assert (line.state, line.note) == (State.UPDATED, "")
        assert self.stored()["refresh_token"] == token_chain.newest(login["refresh_token"]) != login["refresh_token"]
        assert (self.stored()["client_id"], self.stored()["client_state"]) == (IOS, "proven")

    @pytest.mark.parametrize(
        ("fault", "note"),
        [
            ("invalid_client", "client_wrong"),
            ("refresh_token_invalidated", "refresh_dead"),
            ("oauth_token_expired", "refresh_dead"),
        ],
    )
    def test_one_that_is_refused_stores_nothing(self, sandbox, omar, fault, note):
        import_sandbox_team(sandbox, sandbox.dump()["workspaces"][0]["account_id"])
        before = self.stored()
        login = sandbox.token_set("omar@example.com", IOS)
        sandbox.fault("token", fault)
        line = bring_one(csv_line(login, "access_token", "refresh_token", "client_id"))
        assert (line.state, line.note, line.renews_itself) == (State.UPDATED, note, True)
        assert self.stored() == before

    def test_one_whose_outcome_is_unknown_stores_nothing_and_can_be_retried(self, sandbox, omar):
        import_sandbox_team(sandbox, sandbox.dump()["workspaces"][0]["account_id"])
        before = self.stored()
        login = sandbox.token_set("omar@example.com", IOS)
        sandbox.fault("token", "503_html")
        line = bring_one(csv_line(login, "access_token", "refresh_token", "client_id"))
        assert (line.state, line.reason, self.stored()) == (State.FAILED, "unreachable", before)
        (again,) = finish(jobs.retry_failed(job_id=line.job_id, actor=ACTOR, is_rung=False))
        assert (again.state, self.stored()["client_id"]) == (State.UPDATED, IOS)

    def test_a_dead_session_does_not_take_a_good_ones_place(self, sandbox, omar):
        team = import_sandbox_team(sandbox, sandbox.dump()["workspaces"][0]["account_id"])
        before = self.stored()
        line = bring_one(csv_line(omar | {"session_token": "eyJ" + "x" * 60}, "access_token", "session_token"))
        assert (line.state, self.stored()) == (State.UPDATED, before)
        assert Team.objects.get().pk == team.pk

    def test_a_session_that_answers_does(self, sandbox, omar):
        import_sandbox_team(sandbox, sandbox.dump()["workspaces"][0]["account_id"])
        Owner.objects.update(session_token="an-old-session")
        bring_one(csv_line(omar, "access_token", "session_token"))
        assert self.stored()["session_token"] == omar["session_token"]

    @pytest.mark.parametrize("fault", ["session_empty", "session_error", "session_error_stale"])
    def test_a_session_that_gives_no_token_does_not(self, sandbox, omar, fault):
        import_sandbox_team(sandbox, sandbox.dump()["workspaces"][0]["account_id"])
        Owner.objects.update(session_token="the-one-that-works")
        before = self.stored()
        sandbox.fault("session", fault)
        line = bring_one(csv_line(omar, "access_token", "session_token"))
        assert (line.state, line.reason, self.stored()) == (State.FAILED, "no_token_now", before)
        (again,) = finish(jobs.retry_failed(job_id=line.job_id, actor=ACTOR, is_rung=False))
        assert (again.state, self.stored()["session_token"]) == (State.UPDATED, omar["session_token"])

    def test_somebody_elses_refresh_token_is_refused(self, sandbox, omar):
        import_sandbox_team(sandbox, sandbox.dump()["workspaces"][0]["account_id"])
        before = self.stored()
        sandbox.workspace("sam@example.com")
        sam = sandbox.token_set("sam@example.com", IOS)
        mixed = omar | {"refresh_token": sam["refresh_token"], "client_id": IOS}
        line = bring_one(csv_line(mixed, "access_token", "refresh_token", "client_id"))
        assert (line.reason, self.stored()) == ("email_mismatch", before)

    def test_the_2fa_seed_of_a_line_takes_no_refresh_tokens_place(self, sandbox, omar):
        import_sandbox_team(sandbox, sandbox.dump()["workspaces"][0]["account_id"])
        before = self.stored()
        line = bring_one(f"{omar['email']}----P@ssw0rd!x----JBSWY3DPEHPK3PXP----{omar['access_token']}")
        assert (line.state, self.stored()) == (State.UPDATED, before)
        assert tried(sandbox) == []

    def test_an_unproven_pair_is_stored_where_nothing_is_and_says_it_was_not_tried(self, sandbox, omar):
        line = bring_one(csv_line(omar, "access_token", "refresh_token", "client_id"))
        assert (line.state, line.note, line.renews_itself) == (State.CREATED, "untried", False)
        owner = Owner.objects.get()
        assert (owner.client_state, owner.is_renewing, owner.is_proven) == ("given", True, False)
        assert tried(sandbox) == []

    def test_the_right_client_id_for_the_stored_token_is_learned(self, sandbox, omar):
        an_owner(omar["email"], refresh_token=omar["refresh_token"], client_id=IOS, client_state="wrong")
        bring_one(csv_line(omar, "access_token", "refresh_token", "client_id"))
        assert (self.stored()["client_id"], self.stored()["client_state"]) == (omar["client_id"], "given")

    def test_whatever_is_imported_no_proven_token_gives_way_to_an_unproven_one(self, sandbox, omar):
        """Two hundred lines at random: each stored token was answered by upstream, or nothing better was there."""
        dice = random.Random(12)
        sandbox.shape(reuse_revokes_grant=True)
        good = {"session": {omar["session_token"]}, "refresh": set()}
        proven = {"session_token": False, "refresh_token": False}
        for _number in range(60):
            pair = sandbox.token_set("omar@example.com", dice.choice(USUAL))
            good["refresh"].add(pair["refresh_token"])
            values = {
                "email": omar["email"],
                "access_token": dice.choice([omar["access_token"], pair["access_token"]]),
                "refresh_token": dice.choice([pair["refresh_token"], f"rt_made-up-{dice.random()}", ""]),
                "session_token": dice.choice([omar["session_token"], f"eyJ{dice.random()}".ljust(60, "x"), ""]),
                "client_id": dice.choice([pair["client_id"], dice.choice(USUAL), WEB, "app_Strange", ""]),
            }
            if dice.random() < 0.2:
                sandbox.fault("token", dice.choice(["503_html", "429", "invalid_client", "oauth_token_expired"]))
            before = Owner.objects.values("session_token", "refresh_token", "client_state").first()
            bring_one(csv_line(values, *values))
            sandbox.clear_faults()
            after = Owner.objects.get()
            chains = {token_chain.newest(token) for token in good["refresh"]}
            if before and proven["refresh_token"]:
                assert after.refresh_token in chains
                assert after.refresh_token == before["refresh_token"] or after.client_state == "proven"
            if before and proven["session_token"]:
                assert after.session_token == omar["session_token"]
            proven["refresh_token"] |= after.client_state == "proven" and bool(after.refresh_token)
            proven["session_token"] |= after.session_token == omar["session_token"]
        assert all(proven.values())
        assert WEB not in tried(sandbox)
