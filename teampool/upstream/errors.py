"""The upstream client's only exception."""

from __future__ import annotations

from datetime import timedelta

from .classify import failure_of
from .envelope import Envelope, Headers, header, read_envelope, retry_after, scrub
from .types import Failure, Fault, TokenSet, fault_of


class UpstreamError(Exception):
    """A call that failed. Safe to log: its text holds no secret.

    `salvage`: tokens that came with a broken refresh answer. Store them first: the old refresh token is spent.
    """

    def __init__(
        self,
        failure: Failure,
        *,
        status: int | None = None,
        code: str = "",
        text: str = "",
        request_id: str = "",
        retry_after: timedelta | None = None,
        op: str = "",
        salvage: TokenSet | None = None,
    ) -> None:
        self.failure = failure
        self.status = status
        self.code = scrub(code, limit=80)
        self.text = scrub(text)
        self.request_id = request_id
        self.retry_after = retry_after
        self.op = op
        self.salvage = salvage
        super().__init__(str(self))

    @property
    def fault(self) -> Fault:
        return fault_of(self.failure)

    def __str__(self) -> str:
        status = "no answer" if self.status is None else f"HTTP {self.status}"
        parts = (f"{self.op or 'call'}: {self.failure.value}", status, self.code, self.text)
        return ", ".join(part for part in parts if part)

    def __repr__(self) -> str:
        return f"<UpstreamError {self}>"


def classify(status: int, headers: Headers, body: bytes | str | None, op: str) -> UpstreamError | None:
    """The error in this answer, or None. Never raises.

    A 200 whose body is an error is an error; a 200 with an empty body is left to its reader.
    """
    envelope = read_envelope(status, headers, body)
    failure = failure_of(envelope, op)
    return None if failure is None else error_from(failure, envelope, headers, op)


def error_from(failure: Failure, envelope: Envelope, headers: Headers, op: str) -> UpstreamError:
    return UpstreamError(
        failure,
        status=envelope.status,
        code=envelope.code,
        text=envelope.text,
        request_id=header(headers, "x-oai-request-id"),
        retry_after=retry_after(headers),
        op=op,
    )
