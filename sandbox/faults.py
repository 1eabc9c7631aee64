"""The fault queue: what goes wrong, where, how often, and whether the work was done all the same.

`POST /__sandbox__/fault` (or `world.fault(op, …)`) takes

op            members invites invite revoke remove account_check subscription settings me session token; `*`: any;
              `connect`: the next connections are reset before a byte is read
account_id    only calls for that workspace; of session calls, exchanges for it
email         only calls about that person: invited, revoked or removed; else the caller
nth           strikes from the n-th matching call after it was pushed (default 1)
times         how many calls it strikes (default 1, or as the preset says); 0: all, until `clear_faults`
apply_effect  `never`: the work is not done; `before`: it is done, then the fault strikes (the answer is lost);
              `after`: the fault is delivered first, then the work is done (late)
action        what strikes, see below; a bare string is the name of a preset

The first fault in the queue that matches a call strikes it; one fault a call.

Action, raw keys:

preset        a name of `presets.PRESETS`, whose keys the others here override; `<name>_after` is the preset with
              the work done before, `<name>_before` the preset with the work not done
status body content_type headers
              a made-up answer; `body` is JSON, or a string that is sent as it is; a header value `@date+60`
              becomes the HTTP date 60 s ahead
edit          changes the normal answer: `{"status", "content_type", "set": {key: value}, "drop": [key]}`
delay hang    seconds before the answer; seconds without an answer, then the connection closes
reset         RST instead of an answer
truncate      the whole Content-Length, half a body, RST
trickle       seconds between pieces of 64 bytes
kill_tokens   after the answer every access token of the caller is dead: dies between two pages, is born dead
accept_first accept_after
              the invited person accepts right before, right after the work
tweak         hints to the operation itself; both lists: `clamp shift grow lie no_total empty_after endless`;
              invite: `phantom only_first both_lists echo`; remove, revoke: `linger`; session: `workspace identity
              rotation chunks missing_chunk lexical`; token: `identity keep_refresh`; both: `unsettled
              unsettled_status`

`apply_effect` defaults to the preset's, else `before` for an action that edits or tweaks the normal answer or
only delivers it strangely, and `never` for a made-up answer, a reset or a hang.

Presets and orders by number of upstream §16.4 (`orders` are methods of `World`):

 1  reset_before reset_after reset_mid_body, op `connect`, order `refuse`
 2  timeout_before timeout_after trickle
 3  500_json 500_html 500_empty, the same for 502 503 504, each with `_after`; `500` is `500_json`
 4  200_invalid_json 200_empty 200_null 200_array 200_wrong_type 200_empty_object
 5  redirect_login
 6  html_403 html_503 html_429 html_200 html_1020 html_with_code unusual_403 unusual_403_uuid
 7  token_expired token_invalidated token_revoked account_deactivated could_not_parse unauthorized unknown_401
    empty_401
 8  kill_tokens born_dead, orders `invalidate_tokens` `advance`, shape `session_cache`
 9  200_token_expired
10  unsettled_401 unsettled_403 (on session or token)
11  deactivated_402 deactivated_403_code deactivated_403_text deactivated_403_workspace deactivated_401_workspace
    removed_403 removed_401, order `set_workspace` (suspended, access_lost, in_check)
12  delinquent_401, order `set_workspace`
13  role_401 no_account_id_400 no_subscription_404, orders `demote` `set_workspace` (subscription_answer,
    subscription_refuses_in, admin_reads_seats, has_subscription)
14  workspace_404 forbidden_403 domain_restricted country_403, orders `member` `set_workspace`
15  ghost_a ghost_b ghost_c
16  accept_after, orders `lag` `accept` `set_workspace` (list_lag_seconds, list_lag_reads)
17  seat_full_400 seats_maximum seats_none true_up_401 true_up_400 true_up_error true_up_detail true_up_text full_422
    true_up_partial_sent true_up_partial_errored; the first nine are values of shape `seat_full` too;
    order `set_workspace` (over_invite: bought instead)
18  already_409_member already_409_workspace already_409_team already_member_list invalid_422_text
    invalid_422_object invalid_422_list
19  partial_batch foreign_email both_lists echo_changed errored blocked
20  nothing to set: seats are checked and taken, or bought (over_invite), in one step
21  order `accept` (hide_email)
22  orders `leave` `revoke_from_web` `invite_from_web` `invite_as_member` `join_request` `buy_seats` `drop_seats`
    `switch_seat`
23  busy_409 gone_404 owner_403 remove_lingers, order `set_workspace` (vacancy_threshold, holds_from, hold_seconds,
    removal_lag_seconds, the lags of available, held and hold_list), shapes `policy_notice` `billing_notice`
24  accept_first
25  page_total_grows page_duplicate page_gap page_empty page_more_than_total page_clamp page_no_total page_endless
    page_endless_repeat: these strike until cleared
26  429 429_retry_60 429_http_date 429_zero 429_negative 429_day 429_garbage, each with `_after`,
    order `set_workspace` (invites_per_minute)
27  session_empty session_warning session_error session_error_stale session_401 session_403 session_wrong_workspace
    session_other_identity session_chunk_missing session_chunks_unordered rotate_body rotate_cookie rotate_both
    rotate_different; exchange_deactivated exchange_removed exchange_not_found exchange_unknown, each with `_text`,
    `_with_token` or both; shape `session_exchange`; once, twice, for good: `times` 1, 2, 0
28  refresh_token_reused refresh_token_invalidated refresh_token_expired refresh_token_revoked invalid_refresh_token
    oauth_token_expired app_session_terminated oauth_account_deactivated invalid_grant invalid_client
    unauthorized_client missing_required_parameter country_403, and the rows 3, 6 and 26; for good: order
    `invalidate_tokens` (refresh_as); a wrong client id: order `token_set`, shape `wrong_client`
29  reset_after timeout_after no_refresh_token no_access_token no_expires_in oauth_other_identity
30  nothing to set: a spent token is refused with refresh_token_reused

Beside those: me_anonymous, the `/me` of a token that is none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.presets import preset
from sandbox.state import Refusal, normal

OPS = (
    "members",
    "invites",
    "invite",
    "revoke",
    "remove",
    "account_check",
    "subscription",
    "settings",
    "me",
    "session",
    "token",
)
EFFECTS = ("before", "after", "never")
ANSWER_KEYS = {"status", "body", "content_type", "headers"}
ACTION_KEYS = ANSWER_KEYS | {
    "edit",
    "delay",
    "hang",
    "reset",
    "truncate",
    "trickle",
    "kill_tokens",
    "accept_first",
    "accept_after",
    "tweak",
}


@dataclass(slots=True)
class Fault:
    """One entry of the queue; `left` is None when it strikes until cleared."""

    number: int
    op: str
    action: dict[str, Any]
    apply_effect: str
    account_id: str | None = None
    email: str | None = None
    nth: int = 1
    left: int | None = 1
    name: str | None = None
    seen: int = 0
    struck: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as the control plane shows it."""
        keys = ("number", "op", "name", "apply_effect", "account_id", "email", "nth", "left", "seen", "struck")
        return {key: getattr(self, key) for key in keys}

    def is_made_up(self) -> bool:
        """Whether the answer is made up instead of the operation's own."""
        return bool(ANSWER_KEYS & self.action.keys())


@dataclass(slots=True)
class FaultQueue:
    """Faults in the order pushed; the first one that matches a call strikes."""

    faults: list[Fault] = field(default_factory=list)
    number: int = 0

    def push(
        self,
        op: str,
        action: dict[str, Any],
        *,
        account_id: str | None = None,
        email: str | None = None,
        nth: int = 1,
        times: int | None = None,
        apply_effect: str | None = None,
    ) -> Fault:
        """Add a fault; refuses what is not in the vocabulary."""
        if op not in (*OPS, "*", "connect"):
            raise Refusal(f"no op {op!r}; there are: {', '.join(OPS)}, * and connect")
        if nth < 1 or (times is not None and times < 0):
            raise Refusal("nth counts from 1; times is 0 (all) or more")
        if apply_effect not in (None, *EFFECTS):
            raise Refusal(f"apply_effect is one of {', '.join(EFFECTS)}")
        name = action.get("preset")
        spec: dict[str, Any] = preset(str(name)) if name is not None else {}
        own = {key: value for key, value in action.items() if key != "preset"}
        if unknown := own.keys() - ACTION_KEYS:
            raise Refusal(f"no action {', '.join(sorted(unknown))}; there are: {', '.join(sorted(ACTION_KEYS))}")
        merged = spec.get("action", {}) | own
        if not merged and op != "connect":
            raise Refusal("an empty action does nothing")
        if times is None:
            times = spec.get("times", 1)
        effect = apply_effect or spec.get("effect") or _usual_effect(merged)
        self.number += 1
        fault = Fault(
            self.number,
            op,
            merged,
            effect,
            account_id,
            normal(email) if email else None,
            nth,
            times or None,
            name,
        )
        self.faults.append(fault)
        return fault

    def take(self, op: str, account_id: str | None, emails: list[str]) -> Fault | None:
        """Return the fault that strikes this call, counting the call against each one it could match."""
        if not self.faults:
            return None
        struck = None
        for fault in self.faults:
            if not _matches(fault, op, account_id, emails):
                continue
            fault.seen += 1
            if struck is None and fault.seen >= fault.nth and fault.left != 0:
                struck = fault
        if struck is None:
            return None
        struck.struck += 1
        if struck.left is not None:
            struck.left -= 1
            if struck.left == 0:
                self.faults.remove(struck)
        return struck

    def clear(self) -> None:
        """Forget every fault that has not struck out."""
        self.faults.clear()


def _matches(fault: Fault, op: str, account_id: str | None, emails: list[str]) -> bool:
    if fault.op != op and (fault.op != "*" or op == "connect"):
        return False
    if fault.account_id is not None and fault.account_id != account_id:
        return False
    return fault.email is None or fault.email in emails


def _usual_effect(action: dict[str, Any]) -> str:
    is_made_up = bool(ANSWER_KEYS & action.keys()) or bool(action.get("reset") or action.get("hang"))
    return "never" if is_made_up else "before"
