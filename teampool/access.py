"""Calls to ChatGPT for a Team: with its token, renewed once when it is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self, TypeVar

from django.utils import timezone

from base.actors import Actor
from teampool.login import renew, take_over
from teampool.models import Team
from teampool.snapshot import is_own_row
from teampool.teams import health
from teampool.upstream.client import Upstream
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import MANAGER_ROLES, Failure, Fault, Workspace

T = TypeVar("T")
RENEWABLE = {Failure.TOKEN_REJECTED, Failure.UNKNOWN_401}
_DEAD = RENEWABLE | {Failure.USER_DEACTIVATED}


class Access:
    """Calls for one Team over one connection. Load the Team with its owner; use it in one thread."""

    def __init__(self, team: Team, *, actor: Actor) -> None:
        self.team = team
        self.actor = actor
        self._version = team.owner.credential_version
        self._upstream: Upstream | None = None
        self._cannot: renew.CannotRenew | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._hang_up()

    def ask(self, call: Callable[[Upstream], T], *, is_look: bool = False, about_a_person: bool = False) -> T:
        """Run `call`; if the token is refused, renew it and run `call` once more. Writes the Team's health either way.

        `call` makes one request. It raises UpstreamError or returns an answer that may carry a `failure`. Raises the
        last run's UpstreamError. Repeating is safe: with a refused token the first run had no effect (upstream §14.1).

        `is_look`: `call` reads lists, whose failures count separately. `about_a_person`: "not permitted" then means
        that this person may not be removed, and nothing about the Team.
        """
        result, error, is_over = self._ask(call, is_look=is_look, about_a_person=about_a_person)
        while is_over and self._is_handed_over():
            result, error, is_over = self._ask(call, is_look=is_look, about_a_person=about_a_person)
        if error is not None:
            raise error
        return result  # type: ignore[return-value]  # without an error there is a result

    def _ask(
        self, call: Callable[[Upstream], T], *, is_look: bool, about_a_person: bool
    ) -> tuple[T | None, UpstreamError | None, bool]:
        """As `ask`; what came of it, and whether this log-in has ended here while another is able to lead."""
        is_over, owner_id = False, self.team.owner_id
        result, error = self._run(call)
        failure = _failure(result, error)
        is_renewed = failure in RENEWABLE and self._renew(is_certain=failure is Failure.TOKEN_REJECTED)
        if is_renewed and self.team.owner_id != owner_id:
            return self._ask(call, is_look=is_look, about_a_person=about_a_person)  # another log-in, with its own token
        if is_renewed:
            result, error = self._run(call)
            failure = _failure(result, error)
        if failure is Failure.UNKNOWN_401:
            failure = self._ask_the_token()
            if failure is Failure.TOKEN_REJECTED and not is_renewed and self._renew():
                result, error = self._run(call)
                failure = _failure(result, error)
                if failure is Failure.UNKNOWN_401:
                    failure = self._ask_the_token()
        if failure is Failure.TOKEN_REJECTED and self._cannot is not None and self._cannot.failure is not None:
            return result, *self._give_up(self._cannot.failure, self._cannot, error, is_look=is_look)
        if not (about_a_person and failure is Failure.PERMISSION_DENIED):
            is_over = self._write_down(failure, error if error is not None else result, is_look=is_look)
        return result, error, is_over

    def _give_up(
        self, failure: Failure, cannot: renew.CannotRenew, error: UpstreamError | None, *, is_look: bool
    ) -> tuple[UpstreamError | None, bool]:
        """The token is dead, and the web session said why there is no other: that counts, not the old token's end."""
        is_over = self._note(failure, text=cannot.cause, retry_after=cannot.retry_after, is_look=is_look)
        if error is not None:
            error = UpstreamError(failure, status=error.status, code=error.code, text=cannot.cause, op=error.op)
        return error, is_over

    def _run(self, call: Callable[[Upstream], T]) -> tuple[T | None, UpstreamError | None]:
        if self._upstream is None:
            self._upstream = Upstream(
                access_token=self.team.access_token,
                account_id=self.team.account_id,
                device_id=str(self.team.owner.device_id),
            ).__enter__()
        try:
            return call(self._upstream), None
        except UpstreamError as error:
            return None, error

    def _ask_the_token(self) -> Failure:
        """What an unknown 401 is about: the call, if the token still tells who it is (upstream §2.3).

        Otherwise the token's failure, or the network's when asking failed.
        """
        _identity, error = self._run(lambda upstream: upstream.me())
        if error is None:
            return Failure.UNKNOWN_401
        return error.failure if error.failure in _DEAD or error.fault is Fault.NETWORK else Failure.PROTOCOL_ERROR

    def _renew(self, *, is_certain: bool = True) -> bool:
        try:
            renew.renew(team_id=self.team.pk, rejected_token=self.team.access_token, is_certain=is_certain)
            is_renewed, self._cannot = True, None
        except renew.CannotRenew as error:
            is_renewed, self._cannot = False, error  # `renew` wrote down why
            if is_certain and error.is_refused_here:
                take_over.note_exchange_refused(self.team)
            take_over.settle(self.team.pk)
        # One read for owner, token and version: the Team may have another owner by now.
        stored = Team.objects.select_related("owner").get(pk=self.team.pk)
        if not is_renewed and stored.owner_id == self.team.owner_id:
            # The renewal may have raised `credential_version` even though it failed. If the Team still has the token
            # we used, record this failure under the new version.
            if stored.access_token == self.team.access_token:
                self._version = stored.owner.credential_version
            return False
        self._go_on_with(stored)
        return True

    def _hang_up(self) -> None:
        if self._upstream is not None:
            self._upstream.__exit__(None, None, None)
            self._upstream = None

    def _is_handed_over(self) -> bool:
        """Let the next log-in lead, or find that one does; go on with its token."""
        take_over.settle(self.team.pk)
        stored = Team.objects.select_related("owner").get(pk=self.team.pk)
        if stored.owner_id == self.team.owner_id:
            return False
        self._go_on_with(stored)
        return True

    def _go_on_with(self, stored: Team) -> None:
        self.team.owner, self.team.access_token = stored.owner, stored.access_token
        self._version = stored.owner.credential_version
        self._cannot = None
        self._hang_up()

    def _write_down(self, failure: Failure | None, said: object, *, is_look: bool) -> bool:
        """True: this log-in has ended here, and another is able to lead."""
        if failure is None:
            health.note_success(self.team, is_look=is_look)
            return False
        if failure is Failure.WORKSPACE_NOT_FOUND:
            failure = self._what_a_404_means()
        elif failure is Failure.PERMISSION_DENIED and not self._lacks_the_role():
            failure = Failure.EDGE_BLOCK  # nothing proves it: the Team cools down and keeps its state
        retry_after = getattr(said, "retry_after", None)
        return self._note(failure, text=getattr(said, "text", ""), retry_after=retry_after, is_look=is_look)

    def _note(self, failure: Failure, *, text: str, retry_after: timedelta | None, is_look: bool) -> bool:
        """Write what it means for the Team; True as `_write_down`."""
        return health.note_failure(
            team=self.team,
            failure=failure,
            version=self._version,
            now=timezone.now(),
            actor=self.actor,
            text=text,
            retry_after=retry_after,
            is_look=is_look,
        )

    def _what_a_404_means(self) -> Failure:
        """A 404 is ambiguous: ask which workspaces this log-in has (upstream §14.1).

        A workspace that is still listed makes it a failure that counts; a block of that question proves nothing.
        """
        workspaces, error = self._run(lambda upstream: upstream.account_check())
        if workspaces is None:
            is_blocked = error is not None and error.failure is Failure.EDGE_BLOCK
            return Failure.EDGE_BLOCK if is_blocked else Failure.UNKNOWN_401
        is_gone = all(one.is_removed for one in workspaces if self._is_its(one))
        return Failure.WORKSPACE_NOT_FOUND if is_gone else Failure.UNKNOWN_401

    def _lacks_the_role(self) -> bool:
        """Whether this log-in is less than an admin there: a refusal alone does not say so (upstream §14.1).

        The account check tells, or else the own row of the member list; what neither tells is not proved.
        """
        workspaces, _error = self._run(lambda upstream: upstream.account_check())
        roles = [one.role for one in workspaces or () if self._is_its(one) and one.role]
        if not roles:
            members, _error = self._run(lambda upstream: upstream.members())
            rows = members.rows if members is not None else ()
            roles = [row.role for row in rows if is_own_row(row, self.team.owner) and row.role]
        return bool(roles) and not MANAGER_ROLES & set(roles)

    def _is_its(self, workspace: Workspace) -> bool:
        return workspace.account_id == self.team.account_id


def _failure(result: object, error: UpstreamError | None) -> Failure | None:
    return error.failure if error is not None else getattr(result, "failure", None)
