"""Keep secrets out of the log."""

from __future__ import annotations

import logging
import re

_SECRETS = re.compile(
    r"eyJ[\w-]{8,}\.[\w.-]+"  # JWT and JWE
    r"|\b(?:rt|ac)[_-][\w.-]{8,}"  # refresh tokens, codes of a sign-in
    r"|(?i:bearer)\s+[\w.~+/-]{8,}=*"
    r"|\bsk_[\w-]{8,}"  # our own API keys
    r"|enc1:[\w=-]+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user:password in a URL
)
HIDDEN = "[hidden]"


def redact(text: str) -> str:
    return _SECRETS.sub(HIDDEN, text)


class RedactSecrets(logging.Filter):
    """Rewrite the finished message and the traceback; never drop a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True
