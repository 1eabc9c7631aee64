"""Orders about log-ins: their raw credentials, their tokens' death, and a ban (upstream §2, §11 to §13)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from sandbox import codes
from sandbox.base import Memory
from sandbox.clients import CODEX, USUAL
from sandbox.errors import DEAD_REFRESH, DEAD_TOKEN, Json
from sandbox.report import credentials_of
from sandbox.sessions import DEAD_BODIES
from sandbox.state import Person, Refusal, normal


class Logins(Memory):
    """Orders about the people who have credentials."""

    def credentials(self) -> list[Json]:
        """Return the raw credentials of every login, as its owner would copy them from a browser."""
        with self.lock:
            return [credentials_of(self, person) for person in self.people.values() if person.client_id]

    def login_row(self, person: Person) -> Json:
        """Describe a log-in without its secrets."""
        now = self.now()
        alive = [t for t in self.tokens.access_of(person) if not t.dead_as and t.expires_at > now]
        return {
            "email": person.email,
            "user_id": person.id,
            "banned": person.banned,
            "account_ids": [workspace.account_id for workspace in self.workspaces_of(person)],
            "access_tokens_alive": len(alive),
            "refreshes": sum(t.is_spent for t in self.tokens.refresh.values() if t.person is person),
        }

    def invalidate_tokens(
        self,
        email: str = "all",
        *,
        access: bool = True,
        session: bool = False,
        refresh: bool = False,
        code: str = "token_invalidated",
        session_as: str = "empty",
        refresh_as: str = "refresh_token_invalidated",
    ) -> Json:
        """Kill tokens of one login or of `all`, whatever their `exp` says; returns how many died."""
        for value, allowed in ((code, DEAD_TOKEN), (session_as, DEAD_BODIES), (refresh_as, DEAD_REFRESH)):
            if value not in allowed:
                raise Refusal(f"not {value!r}, but one of {', '.join(allowed)}")
        with self.lock:
            book, wanted = self.tokens, None if email == "all" else self._known_login(email)
            died = 0
            for is_asked, tokens, dead_as in (
                (access, book.access, code),
                (session, book.sessions, session_as),
                (refresh, book.refresh, refresh_as),
            ):
                for token in tokens.values() if is_asked else ():
                    if wanted in (None, token.person) and token.dead_as is None:
                        token.dead_as = dead_as
                        died += 1
            return {"died": died}

    def sign_in(
        self, address: str, email: str = "", *, account_id: str | None = None, error: str = "", description: str = ""
    ) -> Json:
        """Open an authorisation address (upstream §12.1) as a browser, and sign in as `email`.

        Returns the `landing` address, which holds the code; with `error` that refusal instead.
        """
        with self.lock:
            try:
                asked = codes.read_address(dict(parse_qsl(urlsplit(address).query, keep_blank_values=True)))
            except codes.BadSignIn as bad:
                raise Refusal(f"{bad.error}: {bad.description}") from None
            if error:
                return {"landing": asked.landing(error=error, error_description=description)}
            return {"landing": codes.issue(self, asked, self._known_login(email), account_id)}

    def token_set(self, email: str, client_id: str = CODEX, *, account_id: str | None = None) -> Json:
        """Return a new token set of a login, as one token response gave it to this client: a pair, and its id.

        From then on `credentials` shows its refresh token. The web client never gets one.
        """
        if client_id not in USUAL:
            raise Refusal(f"client_id is one of {', '.join(USUAL)}")
        with self.lock:
            person = self._known_login(email)
            workspace = self.find(account_id) if account_id else next(iter(self.workspaces_of(person)), None)
            return {
                "email": person.email,
                "access_token": self.tokens.issue_access(person, workspace, self.now(), client_id=client_id).value,
                "refresh_token": self.tokens.issue_refresh(person, client_id).value,
                "client_id": client_id,
            }

    def ban(self, email: str, banned: bool = True) -> Json:
        """Deactivate a login's user, or forgive it."""
        with self.lock:
            self._known_login(email).banned = banned
            return {"email": normal(email), "banned": banned}

    def _known_login(self, email: str) -> Person:
        person = self.people.get(normal(email))
        if person is None or person.client_id is None:
            raise Refusal(f"no login {email!r}", 404)
        return person
