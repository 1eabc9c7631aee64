"""The web session endpoint: cookie in, access token out, sometimes a new cookie (upstream §11)."""

from __future__ import annotations

from sandbox import shapes as style
from sandbox.accounts import PERSONAL_PLAN
from sandbox.base import Memory
from sandbox.call import Call
from sandbox.errors import Json
from sandbox.journal import FAILED_IAT, account_cookie, session_cookie
from sandbox.state import Person, Workspace
from sandbox.tokens import AccessToken, WebSession, encode
from sandbox.wire import Reply

COOKIE = "__Secure-next-auth.session-token"
CHUNK = 3900
OTHER = "somebody.else@example.com"
DEAD_BODIES: dict[str, Json] = {
    "empty": {},
    "warning": {"WARNING_BANNER": {"text": "Do not share this page."}},
    "error": {"error": "RefreshAccessTokenError"},
}


def session(call: Call) -> Reply:
    """GET api/auth/session: `{}` and the like for a dead cookie, else the session JSON."""
    world, now = call.world, call.world.now()
    found = world.tokens.sessions.get(session_cookie(call.request) or "")
    if found is None:
        return Reply(body={})
    if found.dead_as or found.person.banned or found.expires_at <= now:
        return Reply(body=DEAD_BODIES[found.dead_as or "empty"])
    person = _identity(call, found.person)
    workspace = _workspace(call, person)
    is_cached = _is_cached(call, person, workspace)
    token = world.tokens.current_access(person, workspace, now, is_cached=is_cached)
    unsettle(call, token)
    body, cookies = _rotated(call, found, session_json(world, person, workspace, found, token))
    return Reply(body=body, headers=[("Set-Cookie", cookie) for cookie in cookies])


def unsettle(call: Call, token: AccessToken) -> None:
    """Make a token unusable for a while, when the fault says so."""
    if seconds := call.tweak.get("unsettled"):
        token.settles_at = call.world.now() + seconds
        token.unsettled_status = call.tweak.get("unsettled_status", 401)


def _identity(call: Call, person: Person) -> Person:
    if call.tweak.get("identity") != "other":
        return person
    others = [p for p in call.world.people.values() if p.client_id and p is not person]
    return others[0] if others else call.world.login(OTHER)


def _workspace(call: Call, person: Person) -> Workspace | None:
    """Return the workspace the token is for: the one asked for if it is theirs, else silently the first.

    An exchange asks by its query, any other call by the cookie `_account`; shape `session_exchange` narrows that.
    """
    query, mine = call.request.query, {one.account_id: one for one in call.world.workspaces_of(person)}
    first = next(iter(mine.values()), None)
    in_cookie = mine.get(account_cookie(call.request) or "")
    is_exchange = query.get("exchange_workspace_token") == "true"
    wanted = mine.get(query.get("workspace_id", "")) if is_exchange else in_cookie
    by = call.world.shapes_of(wanted)["session_exchange"]
    if by == "personal":
        return None
    if by == "parent":
        wanted = first
    elif is_exchange and by != "query":
        wanted = in_cookie if by == "cookie" else wanted if by == query.get("reason") else first
    chosen = wanted or first
    if call.tweak.get("workspace") == "other":
        return next((w for w in mine.values() if w is not chosen), None)
    return chosen


def _is_cached(call: Call, person: Person, workspace: Workspace | None) -> bool:
    """Whether the token may be a dead one. A forced refresh that names a token of theirs makes a new one first."""
    query, cache = call.request.query, call.world.shapes_of(workspace)["session_cache"]
    is_forced = query.get("refresh") == "true" and query.get("reason") == "token_expired"
    if is_forced and cache != "for_good":
        call.world.tokens.forget_access(person, call.request.headers.get(FAILED_IAT))
    return bool(cache != "none")


def session_json(
    world: Memory, person: Person, workspace: Workspace | None, found: WebSession, token: AccessToken
) -> Json:
    """Return the session document of a login in one of its workspaces (None: its personal account)."""
    picture = "https://example.com/a.png"
    body: Json = {
        "user": {
            "id": person.id,
            "name": person.name,
            "email": person.email,
            "image": picture,
            "picture": picture,
            "idp": "auth0",
            "iat": int(found.expires_at - 90 * 86400),
            "mfa": False,
        },
        "expires": style.stamp(found.expires_at, "z")[:-1] + ".000Z",
        "account": {
            "id": workspace.account_id if workspace else None,
            "planType": workspace.plan_type if workspace else PERSONAL_PLAN,
            "structure": workspace.structure if workspace else "personal",
            "workspaceType": None,
            "organizationId": workspace.organization_id if workspace else None,
            "isDelinquent": workspace.delinquent if workspace else False,
            "residencyRegion": "no_constraint",
            "computeResidency": "no_constraint",
        },
        "accessToken": token.value,
        "authProvider": "openai",
        "sessionToken": found.value,
    }
    if not world.shapes["session_account"]:
        del body["account"]
    if not world.shapes["session_token_in_body"]:
        del body["sessionToken"]
    if world.shapes["session_id_token"]:
        body["idToken"] = encode({"sub": person.sub, "email": person.email, "iss": "https://auth.openai.com"})
    return body


def _rotated(call: Call, found: WebSession, body: Json) -> tuple[Json, list[str]]:
    """Return the document and the cookies to set after whatever rotation is asked for.

    The old cookie stays good until it runs out, as encrypted cookies do.
    """
    world = call.world
    kind = call.tweak.get("rotation", world.shapes["session_rotation"])
    if kind == "none":
        return body, []
    length = max(world.shapes["session_token_length"], 40)
    fresh = world.tokens.issue_session(found.person, world.now(), length)
    body = body | {"expires": style.stamp(fresh.expires_at, "z")[:-1] + ".000Z"}
    if kind in ("body", "both"):
        body["sessionToken"] = fresh.value
    elif kind == "both_different":
        body["sessionToken"] = world.tokens.issue_session(found.person, world.now(), length).value
    return body, [] if kind == "body" else _set_cookies(call, fresh.value)


def _set_cookies(call: Call, value: str) -> list[str]:
    attributes = "; Path=/; HttpOnly; Secure; SameSite=Lax"
    chunks = call.tweak.get("chunks", 0)
    if not chunks and len(value) <= CHUNK:
        return [f"{COOKIE}={value}{attributes}"]
    size = -(-len(value) // chunks) if chunks else CHUNK
    parts = {n: value[n * size : (n + 1) * size] for n in range(-(-len(value) // size))}
    parts.pop(call.tweak.get("missing_chunk", -1), None)
    order = sorted(parts, key=str) if call.tweak.get("lexical") else sorted(parts)
    return [f"{COOKIE}.{number}={parts[number]}{attributes}" for number in order]
