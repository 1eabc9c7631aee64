"""The environment the tests run in; loaded before Django's settings (pyproject: `-p tests.environment`)."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("DEBUG", "off")
os.environ.setdefault("STRICT_TRANSACTIONS", "on")
os.environ.setdefault("SECURE_COOKIES", "off")
os.environ.setdefault("SECRET_KEY", "only-for-the-tests-9f3b1c7ad5e24680b2d4f6a8c0e1")
os.environ.setdefault("ENCRYPTION_KEYS", "R2xhZGx5LXRlc3Qta2V5LW5vdC1mb3ItcmVhbC11c2U=")
os.environ.setdefault("ALLOWED_HOSTS", "testserver,127.0.0.1,localhost")
os.environ.setdefault("UPSTREAM_BASE_URL", "http://127.0.0.1:9")
os.environ.setdefault("UPSTREAM_AUTH_URL", "http://127.0.0.1:9")
os.environ.setdefault("UPSTREAM_TIMEOUT", "5")
os.environ.setdefault("REDEEM_THROTTLE", "off")
if "DATA_DIR" not in os.environ:
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="seatkeeper-tests-")
# A `.env` file beside manage.py is an installation's; no test may find its way there.
os.environ.setdefault("DATABASE_URL", f"sqlite:///{os.environ['DATA_DIR']}/seatkeeper.sqlite3")
os.environ.setdefault("TIME_ZONE", "Asia/Shanghai")
os.environ.setdefault("SECURE_SSL_REDIRECT", "off")
os.environ.setdefault("TRUSTED_PROXY_COUNT", "0")
os.environ.setdefault("CSRF_TRUSTED_ORIGINS", "")
os.environ.setdefault("SANDBOX", "off")
os.environ.setdefault("UPSTREAM_PROXY", "")
