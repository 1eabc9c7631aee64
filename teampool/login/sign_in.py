"""Sign in at OpenAI with a code instead of pasted tokens: begun by an operator, good once (upstream §12.1).

The verifier stays here, encrypted. Without it a code is worth nothing, so a code that was made for another sign-in,
or slipped to an operator by somebody else, is refused by OpenAI even when no state came with it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from base.actors import Actor
from notifications.audit import events
from teampool.login.landing import NotSignedIn, Problem, read_landing
from teampool.models import Owner, SignIn
from teampool.upstream.authorisation import new_verifier, state_of

GOOD_FOR = timedelta(minutes=10)
# So long a page can still say that its sign-in was used or is over.
KEPT_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Granted:
    """What a code is exchanged with."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)


def begin(*, operator_id: int, session_key: str, owner: Owner | None, actor: Actor) -> SignIn:
    """A new sign-in for this operator's session, to renew `owner` if one is given."""
    with transaction.atomic():
        begun = SignIn.objects.create(
            operator_id=operator_id, browser=_digest(session_key), owner=owner, verifier=new_verifier()
        )
        events.sign_in_begun(subject=begun.subject, actor=actor)
    return begun


def begun_by(*, operator_id: int, session_key: str) -> QuerySet[SignIn]:
    """The sign-ins of this operator in this session; nobody else may use them."""
    return SignIn.objects.filter(operator_id=operator_id, browser=_digest(session_key))


def is_open(sign_in: SignIn, now: datetime) -> bool:
    return sign_in.used_at is None and now < sign_in.created_at + GOOD_FOR


def use(*, sign_in: SignIn, pasted: str, now: datetime, actor: Actor) -> Granted:
    """Use this sign-in up with what its operator pasted; raises NotSignedIn, and it stays open if it was.

    In the caller's transaction: commit it together with the row that will exchange the code.
    """
    if sign_in.used_at is not None:
        raise NotSignedIn(Problem.USED)
    if not is_open(sign_in, now):
        raise NotSignedIn(Problem.EXPIRED)
    landing = read_landing(pasted)
    verifier: str = sign_in.verifier
    if landing.state and not hmac.compare_digest(landing.state.encode(), state_of(verifier).encode()):
        raise NotSignedIn(Problem.OTHER_STATE)
    mine = SignIn.objects.filter(pk=sign_in.pk, used_at=None)
    if not mine.update(used_at=now, verifier=""):
        raise NotSignedIn(Problem.USED)  # 0 rows: a second click was faster
    events.sign_in_used(subject=sign_in.subject, actor=actor)
    return Granted(landing.code, verifier)


def forget(*, now: datetime) -> int:
    """Delete sign-ins that were begun an hour ago or earlier; return how many."""
    deleted, _per_table = SignIn.objects.filter(created_at__lte=now - KEPT_FOR).delete()
    return deleted


def _digest(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()
