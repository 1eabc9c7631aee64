from __future__ import annotations

from tests.sandbox.client import Admin, ask


class TestAccountCheck:
    def test_it_shows_the_workspace_in_the_recorded_shape(self, omar):
        answer = omar.check().data
        assert answer["account_ordering"] == [omar.account_id]
        entry = answer["accounts"][omar.account_id]
        assert entry.keys() == {
            "account",
            "features",
            "entitlement",
            "rate_limits",
            "last_active_subscription",
            "is_eligible_for_yearly_plus_subscription",
            "can_access_with_session",
        }
        account = entry["account"]
        assert (account["account_id"], account["name"]) == (omar.account_id, "Demo Team 01")
        assert (account["structure"], account["plan_type"]) == ("workspace", "team")
        assert account["account_user_role"] == "account-owner"
        assert entry["entitlement"]["has_active_subscription"] is True
        assert entry["can_access_with_session"] is True
        assert not any("seat" in key for key in account if key != "is_usage_based_seat_enabled")

    def test_it_shows_every_workspace_of_a_login_and_nobody_elses(self, omar):
        second = omar.world.workspace(omar.email, plan_type="business", name="Second")["account_id"]
        assert omar.check().data["account_ordering"] == [omar.account_id, second]

    def test_it_shows_only_workspaces_one_is_in(self, omar):
        omar.world.leave(omar.account_id, omar.email)
        assert omar.check().data == {"accounts": {}, "account_ordering": []}

    def test_it_may_hide_or_mark_a_workspace_that_works(self, omar):
        omar.world.set_workspace(omar.account_id, in_check="missing")
        assert omar.check().data["accounts"] == {}
        omar.world.set_workspace(omar.account_id, in_check="no_access")
        assert omar.check().data["accounts"][omar.account_id]["can_access_with_session"] is False
        omar.world.set_workspace(omar.account_id, in_check="deactivated")
        assert omar.check().data["accounts"][omar.account_id]["account"]["is_deactivated"] is True
        assert omar.members().status == 200
        omar.world.set_workspace(omar.account_id, in_check="auto")
        assert omar.check().data["accounts"][omar.account_id]["can_access_with_session"] is True

    def test_it_shows_a_subscription_that_ends(self, omar):
        omar.world.set_workspace(omar.account_id, will_renew=False, days_left=-1)
        entry = omar.check().data["accounts"][omar.account_id]
        assert entry["entitlement"]["has_active_subscription"] is False
        assert entry["entitlement"]["renews_at"] is None
        assert entry["last_active_subscription"]["will_renew"] is False


class TestSubscription:
    def test_it_shows_purchased_and_used_seats_in_the_recorded_shape(self, omar):
        omar.world.member(omar.account_id, "ana@example.net")
        omar.world.member(omar.account_id, "free@example.net", seat_type="usage_based")
        omar.invite("sam@example.net")
        seats = omar.seats().data
        assert (seats["seats_entitled"], seats["seats_in_use"], seats["plan_type"]) == (5, 3, "team")
        capacity = {row["type"]: row for row in seats["seat_capacity"]}
        assert (capacity["default"]["paid"], capacity["default"]["held"], capacity["default"]["available"]) == (5, 0, 3)
        assert seats["assigned"] == {"default": 2, "usage_based": 1, "automation": 0, "prolite": 0}
        assert seats["will_renew"] is True
        assert "is_delinquent" not in seats

    def test_it_refuses_a_call_without_an_account(self, omar):
        answer = omar.ask("GET", "/backend-api/subscriptions")
        assert answer.status == 400
        assert answer.data["detail"] == "must specify either organization_id or account_id"

    def test_it_answers_401_to_a_low_role(self, omar):
        omar.world.member(omar.account_id, omar.email, role="standard-user")
        assert omar.seats().status == 401
        assert omar.members().status == 200
        omar.world.member(omar.account_id, omar.email, role="account-admin")
        assert omar.seats().status == 200

    def test_it_answers_404_without_a_subscription(self, omar):
        omar.world.set_workspace(omar.account_id, has_subscription=False)
        answer = omar.seats()
        assert (answer.status, answer.data) == (404, {"detail": "No subscription found for account"})


class TestMe:
    def test_it_says_who_the_token_belongs_to(self, server, omar):
        mine, hers = omar.me().data, Admin(server, 1).me().data
        assert (mine["object"], mine["email"], mine["id"]) == ("user", omar.email, omar.credentials["user_id"])
        assert hers["email"] == "owner2@example.com"
        assert mine["orgs"]["data"][0]["title"] == "Demo Team 01"


class TestTokens:
    """Tokens are refused for every reason there is (upstream §2.2, §13)."""

    def test_it_refuses_no_token(self, server):
        answer = ask(server, "GET", "/backend-api/me")
        assert (answer.status, answer.data) == (401, {"detail": "Unauthorized"})

    def test_it_cannot_parse_nonsense(self, server):
        answer = ask(server, "GET", "/backend-api/me", headers={"Authorization": "Bearer nonsense"})
        assert answer.status == 401
        assert "Could not parse" in answer.data["detail"]

    def test_it_refuses_a_token_it_never_issued(self, server, omar):
        head, body, _ = omar.token.split(".")
        answer = ask(server, "GET", "/backend-api/me", headers={"Authorization": f"Bearer {head}.{body}.AAAA"})
        assert answer.data["error"]["code"] == "token_invalidated"

    def test_it_lets_a_token_run_out_by_its_own_clock(self, omar):
        omar.world.advance(10 * 86400 + 1)
        answer = omar.me()
        assert (answer.status, answer.data["detail"]["code"]) == (401, "token_expired")

    def test_a_token_may_be_dead_long_before_it_runs_out(self, server, omar):
        omar.world.invalidate_tokens(omar.email, code="token_revoked")
        answer = omar.me()
        assert (answer.status, answer.data["error"]["code"], answer.data["error"]["type"]) == (
            401,
            "token_revoked",
            None,
        )
        assert Admin(server, 1).me().status == 200

    def test_it_invalidates_all_of_them(self, server, omar):
        other = Admin(server, 1)
        omar.world.invalidate_tokens()
        assert [omar.me().status, other.me().status] == [401, 401]

    def test_it_refuses_a_banned_user_and_forgives(self, omar):
        omar.world.ban(omar.email)
        assert omar.me().data["error"]["code"] == "account_deactivated"
        assert omar.session().data == {}
        assert omar.refresh().data["error"]["code"] == "account_deactivated"
        omar.world.ban(omar.email, False)
        assert omar.me().status == 200
