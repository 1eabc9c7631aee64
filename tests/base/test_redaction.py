from __future__ import annotations

import logging

import pytest

from base.redaction import HIDDEN, RedactSecrets, redact

SECRETS = (
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "rt_AbCdEfGhIjKl.MnOp",
    "ac_AbCdEfGhIjKl.MnOp",
    "Bearer AbCdEfGhIjKl",
    "sk_AbCdEfGhIjKl",
)


@pytest.mark.parametrize("secret", SECRETS)
def test_it_hides_what_is_secret_and_leaves_the_rest(secret):
    assert redact(f"POST {secret} of olga@example.com") == f"POST {HIDDEN} of olga@example.com"


def test_the_log_filter_hides_it_in_arguments_too():
    record = logging.LogRecord("x", logging.INFO, "", 1, "sent %s", ("ac_AbCdEfGhIjKl.MnOp",), None)
    assert RedactSecrets().filter(record)
    assert record.getMessage() == f"sent {HIDDEN}"
