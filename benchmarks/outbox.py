"""How fast the outbox drains: 10,000 notices to one webhook, 10,000 mails to as many people; queries and memory.

    python -m benchmarks.outbox [10000] [DATABASE_URL of an empty database]

The receivers answer at once, on this machine and in this process; each message is claimed and settled by itself.
"""

# ruff: noqa: PLC0415 - the project can be imported only once its settings are

from __future__ import annotations

import logging
import os
import resource
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any

from benchmarks.own_database import own_database

BODY = {"event": "low_stock", "current_seats": 5, "threshold": 10, "message": "low"}
A_SLICE = 5  # seconds; shorter than the worker's, to look at the memory in between


def rss() -> int:
    """Mebibytes this process holds now, the receivers included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 2**20


def queue(channel: str, count: int) -> None:
    from django.utils import timezone

    from notifications.models import Message

    Message.objects.all().delete()
    now = timezone.now()
    mail = {"email": "ana@example.com", "status_path": "/r/x/", "ends_at": ""}
    rows = (
        Message(
            event="mail_success" if channel == "email" else "low_stock",
            channel=channel,
            recipient=f"p{number}@example.com" if channel == "email" else "",
            context=mail if channel == "email" else BODY,
            dedupe_key=f"{channel}:{number}",
            created_at=now,
            due_at=now,
        )
        for number in range(count)
    )
    Message.objects.bulk_create(rows, batch_size=500)


def drain(name: str, channel: str, count: int) -> None:
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from notifications.models import Message
    from notifications.sending import deliver

    queue(channel, count)
    queries, sent, held = 0, 0, []

    def counted(execute: Any, *args: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*args)

    start = time.monotonic()
    with connection.execute_wrapper(counted):
        while done := deliver.drain(timezone.now() + timedelta(seconds=A_SLICE)):
            sent += done
            held.append(rss())
    took = time.monotonic() - start
    assert sent == count == Message.objects.filter(state=Message.State.SENT).count(), (sent, count)
    print(
        f"{name}: {count:,} in {took:.1f} s, {sent / took:.0f} a second, {queries / sent:.2f} queries each, "
        f"{held[0]} MiB after {A_SLICE} s, {held[-1]} MiB at the end"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with own_database(sys.argv[2] if len(sys.argv) > 2 else "") as database, tempfile.TemporaryDirectory() as folder:
        from base.actors import command
        from notifications.settings.runtime import change
        from tests.notifications.receivers import PASSWORD, USER, Certificates, http_receiver, mail_server

        logging.getLogger("mail.log").setLevel(logging.ERROR)
        certificates = Certificates(Path(folder))
        os.environ["SSL_CERT_FILE"] = str(certificates.file)
        with http_receiver() as web, mail_server(certificates.for_server()) as mailbox:
            # They keep what they got; not here.
            web.posts, mailbox.mails, mailbox.recipients = (deque(maxlen=1) for _ in range(3))  # type: ignore[assignment]
            values = {
                "webhook_url": web.url,
                "webhook_allow_private": "on",
                "smtp_host": "localhost",
                "smtp_port": str(mailbox.port),
                "smtp_user": USER,
                "smtp_password": PASSWORD,
            }
            change({f"notifications.{key}": value for key, value in values.items()}, actor=command("benchmark"))
            drain(f"{database}, one webhook", "webhook", count)
            drain(f"{database}, mails", "email", count)


if __name__ == "__main__":
    main()
