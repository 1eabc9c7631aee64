"""The start is refused with secrets that protect nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.secrets import check_secrets

GOOD = "q8Zr2LxV0pTn7WbK5mYc3HsD9fGj1AeU6iNo4RtSvXyBz"
KEY = Fernet.generate_key().decode()


class TestCheckSecrets:
    def test_it_lets_good_ones_pass(self):
        check_secrets(secret_key=GOOD, encryption_keys=[KEY, Fernet.generate_key().decode()], debug=False)

    @pytest.mark.parametrize(
        "weak",
        ["", "short", "a" * 60, "django-insecure-" + GOOD],
        ids=["missing", "short", "one letter", "Django's default"],
    )
    def test_it_refuses_a_weak_secret_key(self, weak):
        with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
            check_secrets(secret_key=weak, encryption_keys=[KEY], debug=False)

    def test_debug_forgives_a_weak_secret_key_but_not_a_missing_one(self):
        check_secrets(secret_key="short", encryption_keys=[KEY], debug=True)
        with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
            check_secrets(secret_key="", encryption_keys=[KEY], debug=True)

    @pytest.mark.parametrize("debug", [True, False])
    @pytest.mark.parametrize("keys", [[], ["not-a-key"], [KEY, "x"]], ids=["none", "malformed", "second malformed"])
    def test_it_refuses_encryption_keys_that_could_not_be_read_again(self, keys, debug):
        with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS") as refusal:
            check_secrets(secret_key=GOOD, encryption_keys=keys, debug=debug)
        assert not [key for key in keys if key in str(refusal.value) and len(key) > 1]


@pytest.mark.parametrize(
    ("name", "value"), [("SECRET_KEY", "changeme"), ("ENCRYPTION_KEYS", "")], ids=["weak", "missing"]
)
def test_no_command_starts_with_them(name, value, tmp_path):
    answer = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=settings.BASE_DIR,
        env=os.environ | {name: value, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode != 0
    assert name in answer.stderr
    assert len(answer.stderr.splitlines()) == 1, "a sentence, no traceback"
