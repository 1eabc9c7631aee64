from __future__ import annotations

import json

import pytest

from sandbox.state import Refusal
from tests.sandbox.client import Admin, ask

ANA = "ana@example.net"


def order(server, name, /, **fields):
    return ask(server, "POST", f"/__sandbox__/{name}", body=fields)


class TestOrders:
    """The same orders over HTTP."""

    def test_it_seeds_and_resets_to_the_start(self, server):
        answer = order(server, "seed", teams=3, seats=7, per_login=3, members=2)
        assert len(answer.data["account_ids"]) == 3
        dump = ask(server, "GET", "/__sandbox__/dump").data
        assert [row["email"] for row in dump["logins"]] == ["owner1@example.com"]
        assert [(w["seats_entitled"], len(w["members"])) for w in dump["workspaces"]] == [(7, 3)] * 3
        order(server, "advance", seconds=5000)
        order(server, "shape", members_id="bare")
        order(server, "reset")
        dump = ask(server, "GET", "/__sandbox__/dump").data
        assert [w["name"] for w in dump["workspaces"]] == ["Demo Team 01", "Demo Team 02"]
        assert (dump["offset"], dump["shapes"], dump["lag"]) == (0, {}, 0)

    def test_it_seeds_the_same_ids_every_time(self, server):
        before = server.world.dump()["workspaces"]
        order(server, "reset")
        after = server.world.dump()["workspaces"]
        assert [w["account_id"] for w in before] == [w["account_id"] for w in after]
        assert before[0]["members"][0]["user_id"] == after[0]["members"][0]["user_id"]
        assert before[0]["account_id"].replace("-", "").isdigit()

    def test_it_shows_credentials_and_no_secret_anywhere_else(self, server, omar):
        shown = ask(server, "GET", "/__sandbox__/credentials").data
        assert [row["email"] for row in shown] == ["owner1@example.com", "owner2@example.com"]
        assert shown[0]["session_json"]["accessToken"] == shown[0]["access_token"]
        omar.session()
        omar.refresh()
        omar.me()
        secrets = [shown[0][key] for key in ("access_token", "session_token", "refresh_token")]
        seen = ask(server, "GET", "/__sandbox__/dump").text + ask(server, "GET", "/__sandbox__/log").text
        assert not any(secret in seen for secret in secrets)

    def test_it_adds_a_workspace_for_a_new_or_a_known_login(self, server):
        made = order(server, "workspace", members=3, plan_type="business", name="Third").data
        assert made["credentials"]["account_ids"] == [made["account_id"]]
        again = order(server, "workspace", email="owner1@example.com").data
        assert len(again["credentials"]["account_ids"]) == 2
        assert again["credentials"]["session_json"]["account"]["id"] == again["account_id"]
        dump = server.world.dump()["workspaces"]
        assert (dump[2]["name"], dump[2]["plan_type"], len(dump[2]["members"])) == ("Third", "business", 4)

    def test_a_login_may_have_a_lower_role(self, server):
        made = server.world.workspace("admin@example.com", role="account-admin")
        row = server.world.dump()["workspaces"][2]
        assert row["owner"] == "real.owner.team3@example.com"
        assert made["credentials"]["account_ids"] == [made["account_id"]]

    def test_it_moves_people(self, server, omar):
        aid = omar.account_id
        order(server, "invite_from_web", account_id=aid, email=ANA)
        assert omar.pending() == [ANA]
        assert order(server, "revoke_from_web", account_id=aid, email=ANA).status == 200
        order(server, "invite_from_web", account_id=aid, email=ANA)
        assert order(server, "accept", account_id=aid, email=ANA, lag=60).data["visible"] is False
        assert ANA in omar.people()
        assert ANA not in omar.listed_members()
        assert order(server, "member", account_id=aid, email=ANA, role="account-admin").data["role"] == "account-admin"
        assert order(server, "leave", account_id=aid, email=ANA).status == 200
        assert omar.people() == [omar.email]

    def test_it_changes_a_workspace_back_and_forth(self, server, omar):
        answer = order(server, "set_workspace", account_id=omar.account_id, suspended=True, seats_entitled=9)
        assert (answer.data["suspended"], answer.data["free"]) == (True, 8)
        assert order(server, "set_workspace", account_id=omar.account_id, suspended=False).data["suspended"] is False

    def test_it_pushes_and_clears_faults(self, server, omar):
        pushed = order(server, "fault", op="me", action={"preset": "500"}, times=3).data
        assert (pushed["name"], pushed["left"]) == ("500", 3)
        assert omar.me().status == 500
        assert order(server, "clear_faults").data == {"cleared": 1}
        assert omar.me().status == 200

    def test_it_moves_the_clock_and_the_lag(self, server, omar):
        assert order(server, "lag", seconds=30).data == {"lag": 30}
        omar.invite(ANA)
        assert omar.listed_invites() == []
        assert order(server, "advance", seconds=31).data["offset"] == 31
        assert omar.listed_invites() == [ANA]

    def test_it_invalidates_and_bans(self, server, omar):
        assert order(server, "invalidate_tokens", email="all").data["died"] >= 2
        assert omar.me().status == 401
        assert order(server, "ban", email=omar.email).data["banned"] is True

    @pytest.mark.parametrize(
        ("name", "fields", "status"),
        [
            ("dance", {}, 404),
            ("accept", {"account_id": "1", "email": ANA}, 404),
            ("accept", {"email": ANA}, 400),
            ("set_workspace", {"account_id": "@", "sofa": 1}, 400),
            ("set_workspace", {"account_id": "@", "suspended": "yes"}, 400),
            ("set_workspace", {"account_id": "@", "seats_entitled": -1}, 400),
            ("set_workspace", {"account_id": "@", "over_invite": "perhaps"}, 400),
            ("set_workspace", {"account_id": "@", "shapes": {"sofa": 1}}, 400),
            ("buy_seats", {"account_id": "@", "seat_type": "sofa"}, 400),
            ("drop_seats", {"account_id": "@", "count": 9}, 409),
            ("set_pool", {"account_id": "@", "sofa": 1}, 400),
            ("upgrade", {"account_id": "@"}, 409),
            ("switch_seat", {"account_id": "@", "email": ANA, "seat_type": "prolite"}, 404),
            ("demote", {"account_id": "@", "email": ANA}, 404),
            ("join_request", {"account_id": "@", "email": "owner1@example.com"}, 409),
            ("invite_as_member", {"account_id": "@", "email": ANA, "by": ANA}, 404),
            ("show_row", {"account_id": "@", "email": ANA}, 404),
            ("kill_tokens", {"account_id": "@", "code": "sofa"}, 400),
            ("member", {"account_id": "@", "email": ANA, "role": "king"}, 400),
            ("member", {"account_id": "@", "email": "nobody"}, 400),
            ("leave", {"account_id": "@", "email": ANA}, 404),
            ("revoke_from_web", {"account_id": "@", "email": ANA}, 404),
            ("invite_from_web", {"account_id": "@", "email": "owner1@example.com"}, 409),
            ("shape", {"sofa": 1}, 400),
            ("fault", {"op": "me", "action": "sofa"}, 400),
            ("invalidate_tokens", {"email": "nobody@example.com"}, 404),
            ("invalidate_tokens", {"code": "sofa"}, 400),
            ("ban", {"email": "nobody@example.com"}, 404),
            ("advance", {"seconds": "much"}, 400),
            ("seed", {"teams": -1}, 400),
            ("refuse", {"seconds": 0}, 400),
        ],
    )
    def test_it_refuses_an_order_that_makes_no_sense(self, server, omar, name, fields, status):
        if fields.get("account_id") == "@":
            fields = fields | {"account_id": omar.account_id}
        answer = order(server, name, **fields)
        assert answer.status == status
        assert answer.data["error"]

    def test_it_refuses_the_wrong_method_and_a_body_that_is_no_object(self, server):
        assert ask(server, "GET", "/__sandbox__/reset").status == 405
        assert ask(server, "POST", "/__sandbox__/dump").status == 405
        assert ask(server, "POST", "/__sandbox__/reset", body=[1]).status == 400

    def test_it_tells_the_books_and_the_purchases(self, server, omar):
        omar.world.set_workspace(omar.account_id, seats_entitled=1, over_invite="buy")
        omar.invite(ANA)
        told = ask(server, "GET", f"/__sandbox__/books?account_id={omar.account_id}").data
        assert (told["seats_bought_by_us"], told["free_standard"], told["oversold"]) == (1, 0, 0)
        assert ask(server, "GET", "/__sandbox__/purchases").data == told["purchases"]
        assert ask(server, "GET", "/__sandbox__/books?account_id=1").status == 404

    def test_the_server_has_the_same_orders(self, server):
        assert server.dump()["workspaces"] == server.world.dump()["workspaces"]
        with pytest.raises(AttributeError):
            server.dance()


class TestAccept:
    def test_it_keeps_role_and_seat_of_the_invite(self, omar):
        omar.invite(ANA, role="account-admin", seat_type="usage_based")
        row = omar.world.accept(omar.account_id, " ANA@example.net")
        assert (row["role"], row["seat_type"]) == ("account-admin", "usage_based")
        assert omar.pending() == []

    def test_it_refuses_who_was_not_invited(self, omar):
        with pytest.raises(Refusal):
            omar.world.accept(omar.account_id, ANA)


class TestJournal:
    """What upstream §16.5 wants to be assertable."""

    def test_it_counts_invites_by_person_and_workspace(self, server, omar):
        other = Admin(server, 1)
        omar.invite(ANA)
        omar.invite(ANA)
        other.invite(ANA)
        log = omar.world.log(op="invite")
        assert [entry["account_id"] for entry in log] == [omar.account_id, omar.account_id, other.account_id]
        assert all(entry["emails"] == [ANA] for entry in log)
        assert log[0]["body"]["role"] == "standard-user"
        assert len(omar.world.log(op="invite", account_id=other.account_id)) == 1

    def test_it_counts_refreshes_by_token(self, omar):
        omar.refresh()
        omar.refresh()
        sent = [entry["body"]["refresh_token"] for entry in omar.world.log(op="token")]
        assert sent[0] == sent[1]
        assert sent[0].startswith("sha256:")
        assert [entry["effect_applied"] for entry in omar.world.log(op="token")] == [True, False]

    def test_it_notes_the_account_header_and_who_asked(self, server, omar):
        omar.members()
        omar.ask("GET", omar.path("users"), headers={"chatgpt-account-id": "other"})
        ask(server, "GET", omar.path("users"), headers={"Authorization": f"Bearer {omar.token}"})
        log = omar.world.log()
        assert [entry["account_header_equal"] for entry in log] == [True, False, False]
        assert [entry["account_header_present"] for entry in log] == [True, True, False]
        assert {entry["login"] for entry in log} == {omar.email}
        assert len({entry["token_hash"] for entry in log}) == 1

    def test_it_notes_authorization_on_the_session_call(self, omar):
        omar.session()
        entry = omar.world.log(op="session")[0]
        assert entry["authorization"] is False
        assert entry["session_hash"]

    def test_it_notes_a_cookie_of_another_login(self, server, omar):
        cookie = omar.me().headers["Set-Cookie"].partition(";")[0]
        omar.ask("GET", "/backend-api/me", headers={"Cookie": cookie})
        Admin(server, 1).ask("GET", "/backend-api/me", headers={"Cookie": cookie})
        assert [entry["foreign_cookie"] for entry in omar.world.log()] == [False, False, True]

    def test_it_notes_status_effect_and_fault(self, omar):
        omar.world.fault("invite", "reset_after")
        with pytest.raises(ConnectionResetError):
            omar.invite(ANA)
        omar.invite("bad")
        omar.members()
        lost, errored, read = omar.world.log()
        assert (lost["status"], lost["effect_applied"], lost["fault"]) == (None, True, "reset_after")
        assert (errored["status"], errored["effect_applied"]) == (200, False)
        assert (read["status"], read["effect_applied"]) == (200, None)

    def test_it_shows_the_spacing_of_calls_on_both_clocks(self, omar):
        omar.me()
        omar.world.advance(60)
        omar.me()
        first, second = omar.world.log()
        assert second["time"] - first["time"] >= 60
        assert 0 <= second["received_at"] - first["received_at"] < 30

    def test_it_shows_what_came_since_a_number(self, server, omar):
        omar.me()
        seq = omar.world.log()[-1]["seq"]
        omar.members()
        log = ask(server, "GET", f"/__sandbox__/log?since={seq}").data
        assert [entry["op"] for entry in log] == ["members"]
        omar.world.clear_log()
        omar.me()
        assert [entry["seq"] for entry in omar.world.log()] == [seq + 2]
        json.dumps(omar.world.log())

    def test_it_notes_drift_loudly(self, server, omar, caplog):
        unknown = omar.ask("GET", "/backend-api/sofa")
        wrong = omar.ask("PUT", omar.path("invites"))
        assert (unknown.status, unknown.data) == (404, {"detail": "Not Found"})
        assert (wrong.status, wrong.data) == (405, {"detail": "Method Not Allowed"})
        assert all(entry["drift"] for entry in omar.world.log())
        assert len(caplog.records) == 2
