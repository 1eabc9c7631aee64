"""A bare HTTP client: what it reports is what was on the wire."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sandbox.server import SandboxServer

CHECK = "/backend-api/accounts/check/v4-2023-04-27"
COOKIE = "__Secure-next-auth.session-token"
TIMEOUT = 10


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def data(self) -> Any:
        return json.loads(self.text)


def ask(server, method, path, *, body=None, form=None, headers=None, timeout=TIMEOUT) -> Answer:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=timeout)
    sent = dict(headers or {})
    payload = None
    if body is not None:
        payload = json.dumps(body)
        sent["Content-Type"] = "application/json"
    if form is not None:
        payload = urlencode(form)
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, path, payload, sent)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())
    finally:
        connection.close()


class Admin:
    """The owner of the first workspace, talking to the stand-in."""

    def __init__(self, server: SandboxServer, number: int = 0) -> None:
        self.server = server
        self.world = server.world
        self.credentials = self.world.credentials()[number]
        self.email = self.credentials["email"]
        self.account_id = self.credentials["account_ids"][0]
        self.token = self.credentials["access_token"]

    def ask(self, method, path, *, body=None, headers=None, timeout=TIMEOUT) -> Answer:
        sent = {"Authorization": f"Bearer {self.token}", "chatgpt-account-id": self.account_id} | (headers or {})
        return ask(self.server, method, path, body=body, headers=sent, timeout=timeout)

    def path(self, rest: str) -> str:
        return f"/backend-api/accounts/{self.account_id}/{rest}"

    def members(self, query: str = "", **options) -> Answer:
        return self.ask("GET", self.path("users" + query), **options)

    def invites(self, query: str = "", **options) -> Answer:
        return self.ask("GET", self.path("invites" + query), **options)

    def invite(self, *emails: str, timeout=TIMEOUT, **fields) -> Answer:
        body = {"email_addresses": list(emails), "role": "standard-user", "resend_emails": True} | fields
        return self.ask("POST", self.path("invites"), body=body, timeout=timeout)

    def revoke(self, email: str) -> Answer:
        return self.ask("DELETE", self.path("invites"), body={"email_address": email})

    def remove(self, user_id: str) -> Answer:
        return self.ask("DELETE", self.path(f"users/{user_id}"))

    def check(self) -> Answer:
        return self.ask("GET", CHECK)

    def seats(self) -> Answer:
        return self.ask("GET", f"/backend-api/subscriptions?account_id={self.account_id}")

    def me(self) -> Answer:
        return self.ask("GET", "/backend-api/me")

    def session(self, cookie: str | None = None, query: str = "", headers: dict[str, str] | None = None) -> Answer:
        cookie = cookie if cookie is not None else f"{COOKIE}={self.credentials['session_token']}"
        return ask(self.server, "GET", "/api/auth/session" + query, headers={"Cookie": cookie} | (headers or {}))

    def exchange(self, account_id: str, *, reason: str = "account_switcher", account: str | None = None) -> Answer:
        """Exchange the session for a workspace, with the cookie `_account` where `account` says."""
        cookie = f"{COOKIE}={self.credentials['session_token']}" + (f"; _account={account}" if account else "")
        asked = {"exchange_workspace_token": "true", "workspace_id": account_id, "reason": reason}
        return self.session(cookie, "?" + urlencode(asked))

    def force(self, iat: object) -> Answer:
        """Ask the session for a new token instead of the one issued then."""
        query = "?refresh=true&reason=token_expired"
        return self.session(query=query, headers={"x-openai-failed-access-token-iat": str(iat)})

    def refresh(self, token: str | None = None, *, form: bool = False, **fields) -> Answer:
        sent = {
            "client_id": self.credentials["client_id"],
            "grant_type": "refresh_token",
            "refresh_token": token or self.credentials["refresh_token"],
        } | fields
        return ask(self.server, "POST", "/oauth/token", **{"form" if form else "body": sent})

    # What is true, whatever the lists say

    def state(self) -> dict[str, Any]:
        return next(w for w in self.world.dump()["workspaces"] if w["account_id"] == self.account_id)

    def pending(self) -> list[str]:
        return [row["email"] for row in self.state()["invites"]]

    def people(self) -> list[str]:
        return [row["email"] for row in self.state()["members"]]

    def listed_members(self) -> list[str | None]:
        return [row.get("email") for row in self.members().data["items"]]

    def listed_invites(self) -> list[str]:
        return [row["email_address"] for row in self.invites().data["items"]]
