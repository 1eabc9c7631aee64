"""Make the secrets of a new installation: `python -m config.first_run` writes `.env`.

`--throwaway` writes nothing and prints secrets, for a command that needs settings but no data.
Standard library only, and no settings: without secrets they cannot be loaded.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path

ENV_FILE = Path(__file__).resolve().parent.parent / ".env"
TEMPLATE = """\
# Written at the first start. Keep this file private, and back it up together with the data:
# without ENCRYPTION_KEYS nobody can read the stored credentials again.
# docs/en/configuration.md lists everything else that can be set here.

SECRET_KEY={secret_key}
ENCRYPTION_KEYS={encryption_key}

# Off because a first start answers plain HTTP on this machine only, and browsers keep cookies that
# are marked secure from plain HTTP: nobody could log in. Behind HTTPS remove this line.
SECURE_COOKIES=off
"""


def new_secret_key() -> str:
    # Letters, digits, - and _: no character that means something in a .env file.
    return secrets.token_urlsafe(50)


def new_encryption_key() -> str:
    """A Fernet key: 32 random bytes, URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def write_env(path: Path = ENV_FILE) -> bool:
    """Write `path` with new secrets, readable by its owner only. False when it exists; it is then left alone."""
    text = TEMPLATE.format(secret_key=new_secret_key(), encryption_key=new_encryption_key())
    # Written to a draft and linked into place: the file is whole or absent, and never overwritten.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def main(arguments: list[str]) -> None:
    if "--throwaway" in arguments:
        sys.stdout.write(f"SECRET_KEY={new_secret_key()} ENCRYPTION_KEYS={new_encryption_key()}\n")
    elif "SECRET_KEY" in os.environ and "ENCRYPTION_KEYS" in os.environ:
        pass  # both are set outside: in a container, by a service manager
    elif write_env():
        sys.stdout.write(f"Wrote {ENV_FILE} with new secrets. Back it up: it opens your stored credentials.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
