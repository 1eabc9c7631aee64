"""The token endpoint: a refresh token or a sign-in's code buys one token set and is spent (upstream §12)."""

from __future__ import annotations

from sandbox import codes
from sandbox.call import Call, Refused
from sandbox.clients import USUAL, WEB
from sandbox.errors import BANNED, NO_CLIENT, NOT_VALID, REUSED, SESSION_ENDED, WRONG_CLIENT, Json, oauth, oauth_plain
from sandbox.sessions import OTHER, unsettle
from sandbox.state import Person, Workspace
from sandbox.tokens import ACCESS_LIFETIME, SCOPES, RefreshToken, encode
from sandbox.wire import Reply


def token(call: Call) -> Reply:
    """POST oauth/token, JSON or form: refuses a spent, revoked, foreign or unknown refresh token or code."""
    if not isinstance(call.body, dict):
        raise Refused(oauth_plain(400, "invalid_request", "The body could not be read."))
    if call.body.get("grant_type") == "authorization_code":
        return _first_set(call)
    if call.body.get("grant_type") != "refresh_token":
        raise Refused(oauth_plain(400, "unsupported_grant_type", "Only refresh_token and authorization_code."))
    spent = _spendable(call)
    world, now = call.world, call.world.now()
    if not call.tweak.get("keep_refresh"):
        spent.is_spent = True
    person = spent.person
    if call.tweak.get("identity") == "other":
        person = next((p for p in world.people.values() if p.client_id and p is not person), None) or world.login(OTHER)
    mine = world.workspaces_of(person)
    access = world.tokens.issue_access(person, mine[0] if mine else None, now, client_id=spent.client_id)
    unsettle(call, access)
    refresh = ""
    if not call.tweak.get("keep_refresh"):
        # The chain stays with the login that owns it, whoever the access token turns out to be for.
        refresh = world.tokens.issue_refresh(spent.person, spent.client_id, spent.chain).value
    return _token_set(access.value, refresh, _id_token(person, mine, spent.client_id, now))


def _first_set(call: Call) -> Reply:
    """Exchange a sign-in's code (upstream §12.1). A code that comes again costs all that it bought."""
    world, now = call.world, call.world.now()
    code = world.tokens.codes.get(str(call.body.get("code")))
    if code is not None and code.chain is not None:
        world.tokens.kill_chain(code.chain, "refresh_token_invalidated")
    if code is None or (reason := codes.why_not(code, call.body, now)):
        raise Refused(oauth_plain(400, "invalid_grant", reason if code else "Unknown authorization code."))
    if code.person.banned:
        raise Refused(oauth(401, "account_deactivated", BANNED))
    mine = world.workspaces_of(code.person)
    chosen = next((one for one in mine if one.account_id == code.account_id), mine[0] if mine else None)
    refresh = world.tokens.issue_refresh(code.person, code.client_id)
    code.chain = refresh.chain
    access = world.tokens.issue_access(code.person, chosen, now, client_id=code.client_id)
    unsettle(call, access)
    return _token_set(access.value, refresh.value, _id_token(code.person, mine, code.client_id, now))


def _token_set(access_token: str, refresh_token: str, id_token: str) -> Reply:
    body: Json = {"access_token": access_token}
    if refresh_token:
        body["refresh_token"] = refresh_token
    body |= {
        "id_token": id_token,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_LIFETIME) - 1,
        "scope": " ".join(SCOPES),
    }
    return Reply(body=body, effect=True)


def _spendable(call: Call) -> RefreshToken:
    """Return the refresh token sent, if it may be spent now by this client."""
    book = call.world.tokens
    client_id, sent = call.body.get("client_id"), call.body.get("refresh_token")
    if not client_id:
        raise Refused(NO_CLIENT)
    if not isinstance(sent, str) or not sent:
        raise Refused(oauth_plain(400, "invalid_request", "Missing required parameter: refresh_token"))
    if client_id not in {WEB, *USUAL, *(known.client_id for known in book.refresh.values())}:
        raise Refused(oauth_plain(401, "invalid_client", "Unknown client."))
    found = book.refresh.get(sent)
    if found is None:
        raise Refused(WRONG_CLIENT["token_expired"])
    if found.client_id != client_id:
        raise Refused(WRONG_CLIENT[call.shapes["wrong_client"]])
    if found.person.banned:
        raise Refused(oauth(401, "account_deactivated", BANNED))
    if found.is_spent:
        if call.world.shapes["reuse_revokes_grant"]:
            book.kill_chain(found.chain, "refresh_token_invalidated")
        raise Refused(oauth(401, "refresh_token_reused", REUSED))
    if found.dead_as:
        raise Refused(oauth(401, found.dead_as, NOT_VALID if found.dead_as == "token_expired" else SESSION_ENDED))
    return found


def _id_token(person: Person, workspaces: list[Workspace], client_id: str, now: float) -> str:
    organizations = [
        {"id": w.organization_id, "is_default": number == 0, "role": "owner", "title": w.name}
        for number, w in enumerate(workspaces)
    ]
    auth = {"chatgpt_user_id": person.id, "user_id": person.id, "organizations": organizations, "groups": []}
    return encode(
        {
            "aud": [client_id],
            "exp": int(now) + 3600,
            "iat": int(now),
            "iss": "https://auth.openai.com",
            "sub": person.sub,
            "email": person.email,
            "email_verified": True,
            "https://api.openai.com/auth": auth,
        }
    )
